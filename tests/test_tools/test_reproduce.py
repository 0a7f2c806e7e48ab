"""The tool that makes the papers' tables."""
import runpy
from pathlib import Path
from typing import Callable

import pytest

from toy_tables import TABLE, StandIn, write_pair
from udas_mmseg.experiments import training, work

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def tool() -> dict:
    return runpy.run_path(str(ROOT / 'tools/reproduce.py'))


@pytest.fixture
def main(tool: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('UDAS_DEMO_ROOT', 'nowhere')
    monkeypatch.setitem(tool['TABLES'], 'toy', TABLE)
    monkeypatch.setitem(tool['DATA_SETS'], 'pair', write_pair(tmp_path / 'mine'))
    return lambda *arguments: tool['main']([*arguments])


def test_a_table(main: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                 capsys: pytest.CaptureFixture) -> None:
    stand_in = StandIn()
    for module in (training, work):
        monkeypatch.setattr(module, 'run_command', stand_in)
    stand_in.fails = ['rectified, seed 1']
    command = ['toy', '--data', 'pair', '--seeds', '2', '--images', '0', '--rows', '1', '3', '5']
    main(*command, '--dry-run')
    assert '| rectified | 0, 1 | to do |' in capsys.readouterr().out and not stand_in.asked
    with pytest.raises(SystemExit, match='(?s)1 of 6 steps failed; the others are finished.*\nrectified, seed 1: exit'):
        main(*command)
    assert '| rectified |' in capsys.readouterr().out
    stand_in.fails, stand_in.asked = (), []
    main(*command)
    assert stand_in.asked == ['train.py: rectified, seed 1', 'test.py: rectified, scores']
    printed = capsys.readouterr().out
    table = tmp_path / 'work_dirs/reproduce/pair/tables/toy.md'
    assert table.read_text() in printed and '| 51.5 ± 0.7 |' in printed
    assert printed.endswith('tables/toy.md\nwork_dirs/reproduce/pair/tables/toy.json\n'
                            'work_dirs/reproduce/pair/tables/toy/report.html\n')


def test_the_tables_are_listed(main: Callable, capsys: pytest.CaptureFixture) -> None:
    main('--list')
    assert '| 4.2.1 | UDAS, section 4.2.1 | the size of the input | 0 of 2 rows |' in capsys.readouterr().out


@pytest.mark.parametrize(('arguments', 'message'), [
    (['4.9', '--data', 'demo'], r'ValueError: table 4.9: the tables are 4.2.1, 4.2.2, .*; --list describes them'),
    (['4.3.1'], 'ValueError: --data is missing. Choose a pair of data sets: demo, carla2camvid, gta2cs'),
    (['4.3.1', '--data', 'demo'],
     r'FileNotFoundError: nowhere has no gta5/images, .* \(UDAS_DEMO_ROOT=nowhere\). Generate the scenes'),
    (['4.3.1', '--data', 'demo', '--given', 'translations'], '--given translations: it must be NAME=PATH'),
    (['4.3.1', '--data', 'demo', '--rows', 'none'], r'--rows none: table 4.3.1 has no such row. Its rows are 1 '),
    (['4.3.1', '--data', 'demo', '--images', '-1'], 'images=-1'),
])
def test_mistakes(main: Callable, arguments: list, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        main(*arguments)


def test_a_table_without_any_config_is_written_without_data(main: Callable, capsys: pytest.CaptureFixture) -> None:
    main('4.2.1', '--data', 'demo')
    assert '| AdaptSegNet at 640x360 | no config: the scenes have 256x128 pixels' in capsys.readouterr().out
