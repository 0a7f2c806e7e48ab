"""The command `udas`, in a checkout."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

import udas_command
from udas_mmseg.engine.launch import load_config
from udas_mmseg.utils.project import find_config, tool_command

ROOT = Path(__file__).resolve().parents[1]


def udas(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return subprocess.run([sys.executable, '-c', 'import udas_command; udas_command.main()', *arguments], text=True,
                          cwd=folder, env=environment, capture_output=True)


def test_each_tool_is_a_subcommand() -> None:
    tools = udas_command.find_tools()
    names = {path.stem for path in (ROOT / 'tools').iterdir() if path.suffix in ('.py', '.sh')}
    assert names - set(tools) == {'free_port', 'torchrun'}
    assert tools['model_converters/daformer'] == ROOT / 'tools/model_converters/daformer.py'


def test_the_overview_has_a_line_for_each_tool() -> None:
    lines = udas_command.overview().splitlines()
    for name, path in udas_command.find_tools().items():
        line, = [line for line in lines if line.startswith(f'  {name} ')]
        assert udas_command.summary(path) and line.endswith(udas_command.summary(path))


def test_arguments_reach_the_tool_from_any_folder(tmp_path: Path) -> None:
    done = udas('doctor', '--help', folder=tmp_path)
    assert done.returncode == 0 and 'doctor' in done.stdout and '--json' in done.stdout
    assert udas('doctor', '--nothing', folder=tmp_path).returncode == 2


def test_a_tool_that_does_not_exist_is_one_error() -> None:
    done = udas('new-pare')
    assert done.returncode == 1 and 'Did you mean `udas new_pair`?' in done.stderr and 'Traceback' not in done.stderr
    assert 'browse_dataset' not in done.stderr and 'browse_dataset' in udas('nothing').stderr


def test_hyphens_are_read_as_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr('runpy.run_path', lambda path, run_name: started.append((path, sys.argv[1:])))
    monkeypatch.setattr(sys, 'argv', ['udas.py', 'browse-dataset', 'a-config.py'])
    udas_command.main()
    assert started == [(str(ROOT / 'tools/browse_dataset.py'), ['a-config.py'])]


def test_commands_in_messages_begin_as_the_tool_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(udas_command.STARTED, raising=False)
    assert tool_command('train')[0] == 'python'
    monkeypatch.setenv(udas_command.STARTED, '1')
    assert tool_command('train') == ['udas', 'train']


def test_the_command_itself_does_not_need_torch() -> None:
    code = 'import sys, udas_command; udas_command.overview(); sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], cwd=ROOT).returncode == 0


def test_a_config_of_the_project_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = 'configs/demo/source_only.py'
    assert find_config(name) == str(ROOT / name)
    assert load_config(name).work_dir == 'work_dirs/demo/source_only'
    (tmp_path / 'configs/demo').mkdir(parents=True)
    (tmp_path / name).touch()
    assert find_config(name) == name
    with pytest.raises(FileNotFoundError, match='configs/demo/nothing.py does not exist'):
        find_config('configs/demo/nothing.py')
