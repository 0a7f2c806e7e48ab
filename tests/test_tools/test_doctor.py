"""tools/doctor.py: the checks on injected facts, and the report of the environment that runs the tests."""
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Dict, List, Tuple

import pytest

from forked_python import run_python
from udas_mmseg.utils import environment
from udas_mmseg.utils.environment import FAIL, OK, WARN, Facts, Row

ROOT = Path(__file__).resolve().parents[2]
DOCTOR = ROOT / 'tools' / 'doctor.py'


def healthy_facts(**changes: Any) -> Facts:
    """The facts of an environment in which nothing is wrong, with `changes`."""
    facts = Facts(
        python=(3, 11, 7), pip='python -m pip',
        distributions={'torch': '2.13.0+cpu', 'torchvision': '0.28.0', 'mmcv-lite': '2.1.0',
                       'mmengine': '0.10.7', 'mmsegmentation': '1.2.2', 'mmagic': '1.2.0',
                       'ftfy': '6.3.1', 'regex': '2026.11.15'},
        modules=('torchvision', 'mmagic', 'ftfy', 'regex', 'click', 'requests', 'tqdm', 'PIL',
                 'udas_mmseg'),
        probes={'torch': {'device': 'CPU', 'cuda': None}, 'torchvision': {}, 'mmcv': {'compiled_ops': False},
                'udas_mmseg': {'version': '0.1.0', 'workarounds': [], 'torchvision': True}},
        torchvision_torch='2.13.0', free_gib={'data': 100.0, 'work_dirs': 100.0},
        images={'data/gta5': 24966, 'data/cityscapes': 5000})
    return dataclasses.replace(facts, **changes)


def row_of(name: str, facts: Facts) -> Row:
    return {row.name: row for row in environment.report(facts)}[name]


def distributions(**versions: Any) -> Dict[str, str]:
    """The healthy distributions with `versions` (underscores for hyphens); None removes one."""
    found: Dict[str, Any] = dict(healthy_facts().distributions)
    found.update({name.replace('_', '-'): version for name, version in versions.items()})
    return {name: version for name, version in found.items() if version is not None}


def doctor_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location('doctor', DOCTOR)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_doctor(*arguments: str, **variables: str) -> Tuple[int, str]:
    done = subprocess.run([sys.executable, str(DOCTOR), *arguments], cwd=ROOT, env={**os.environ, **variables},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_nothing_wrong_has_no_fix() -> None:
    rows = environment.report(healthy_facts())
    assert {row.status for row in rows} == {OK}
    assert not any(row.fix for row in rows)


@pytest.mark.parametrize('row, status, said, fix, changes', [
    ('python', FAIL, '3.8.1', 'make setup PYTHON=', dict(python=(3, 8, 1))),
    ('torch', FAIL, 'not installed', 'pip install torch==2.13.0', dict(distributions=distributions(torch=None))),
    ('torch', FAIL, '1.13.1', 'pip install --upgrade torch', dict(distributions=distributions(torch='1.13.1'))),
    ('torch', FAIL, 'OSError: libcudart', 'torch==2.13.0',
     dict(probes={'torch': {'error': 'OSError: libcudart.so: cannot open'}})),
    ('torch', WARN, 'CPU build', 'pip install torch==2.13.0', dict(nvidia=True)),
    ('torch', WARN, 'built for CUDA 13.0', 'nvidia-smi',
     dict(nvidia=True, probes={'torch': {'device': 'CPU', 'cuda': '13.0'}})),
    ('mmcv', FAIL, 'not installed', 'pip install mmcv-lite==2.1.0', dict(distributions=distributions(mmcv_lite=None))),
    ('mmcv', FAIL, 'mmcv < 2.2', 'pip uninstall -y mmcv-lite && python -m pip install mmcv-lite==2.1.0',
     dict(distributions=distributions(mmcv_lite='2.2.0'))),
    ('mmcv', FAIL, 'mmcv < 2.2', 'mmcv-lite==2.1.0',
     dict(distributions=distributions(mmcv='1.7.2', mmcv_lite=None))),
    ('mmcv', FAIL, 'overwrite each other', 'pip uninstall -y mmcv mmcv-lite',
     dict(distributions=distributions(mmcv='2.1.0'))),
    ('mmcv', FAIL, 'undefined symbol', 'mmcv-lite==2.1.0',
     dict(probes={'mmcv': {'error': 'ImportError: undefined symbol'}})),
    ('mmengine', FAIL, 'not installed', 'mmengine==0.10.7', dict(distributions=distributions(mmengine=None))),
    ('mmseg', FAIL, 'mmsegmentation 0.30.0', 'mmsegmentation==1.2.2',
     dict(distributions=distributions(mmsegmentation='0.30.0'))),
    ('mmseg', FAIL, 'overwrite each other', 'onedl-mmsegmentation==1.4.2',
     dict(distributions=distributions(onedl_mmsegmentation='1.4.2'))),
    ('ftfy, regex', FAIL, 'regex', 'pip install regex', dict(modules=('ftfy',))),
    ('torchvision', WARN, 'no image translation', 'pip install torchvision torch==2.13.0',
     dict(distributions=distributions(torchvision=None))),
    ('torchvision', FAIL, 'for torch 2.12.0, not 2.13.0', 'pip install torchvision torch==2.13.0',
     dict(torchvision_torch='2.12.0')),
    ('torchvision', FAIL, 'undefined symbol', '--force-reinstall --no-deps torchvision==0.28.0',
     dict(probes={'torchvision': {'error': 'undefined symbol'}, 'udas_mmseg': {'torchvision': False}})),
    ('torchvision', WARN, 'works around it', 'udas_mmseg',
     dict(probes={'torchvision': {'error': 'operator torchvision::nms does not exist'}})),
    ('mmagic', WARN, 'not installed', '--no-deps mmagic==1.2.0', dict(modules=())),
    ('mmagic', WARN, 'but not click, requests, tqdm, pillow', 'install click requests tqdm pillow',
     dict(modules=('mmagic',))),
    ('udas_mmseg', FAIL, 'not installed', '--no-deps -e .', dict(modules=())),
    ('udas_mmseg', FAIL, 'AssertionError: MMCV==2.2.0', 'FAIL',
     dict(probes={'udas_mmseg': {'error': 'AssertionError: MMCV==2.2.0 is used'}})),
    ('disk of data', WARN, '9 GiB free, 10 GiB', 'another disk', dict(free_gib={'data': 9.2})),
    ('data/gta5', WARN, 'no images', 'docs/datasets.md', dict(images={'data/gta5': 0})),
])
def test_problem_is_named_with_its_fix(row: str, status: str, said: str, fix: str,
                                       changes: Dict[str, Any]) -> None:
    found = row_of(row, healthy_facts(**changes))
    assert found.status == status
    assert said in found.value
    assert fix in found.fix


def test_broken_torchvision_is_fine_with_the_workaround() -> None:
    probes = {'torchvision': {'error': 'operator torchvision::nms does not exist'},
              'udas_mmseg': {'torchvision': True}}
    assert row_of('torchvision', healthy_facts(probes=probes)).status == OK


def test_forks_are_reported_and_keep_their_own_mmcv_window() -> None:
    found = distributions(mmsegmentation=None, onedl_mmsegmentation='1.4.2', mmcv_lite=None, onedl_mmcv='2.3.6')
    facts = healthy_facts(distributions=found)
    assert row_of('mmcv', facts).status == OK
    assert row_of('mmseg', facts).status == OK
    assert row_of('forks', facts).value == 'onedl-mmcv, onedl-mmsegmentation'


def test_pins_are_those_of_requirements_txt() -> None:
    lines = (ROOT / 'requirements.txt').read_text() + (ROOT / 'Makefile').read_text()
    for pin in environment.PINS.values():
        assert pin in lines


def run_doctor_with_forked_probes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """`tools/doctor.py --json` in this process; its probes are forked, and have everything imported already."""
    doctor = doctor_module()

    def run(command: List[str], **options: Any) -> SimpleNamespace:
        assert command[:2] == [sys.executable, '-c']
        file = folder / f'probe_{abs(hash(command[2]))}.py'
        file.write_text(command[2])
        done = run_python(file, cwd=options['cwd'], timeout=options['timeout'])
        return SimpleNamespace(returncode=done.returncode, stdout=done.stdout.encode())

    monkeypatch.setattr(doctor, 'subprocess', SimpleNamespace(**{**vars(subprocess), 'run': run}))
    monkeypatch.chdir(ROOT)
    return doctor.main(['--json'])


def test_this_environment_is_healthy(processes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture) -> None:
    images = tmp_path / 'gta5' / 'images'
    images.mkdir(parents=True)
    (images / '00001.png').touch()
    if processes == 'started':
        status, output = run_doctor('--json', UDAS_DATA_ROOT=str(tmp_path))
    else:
        monkeypatch.setenv('UDAS_DATA_ROOT', str(tmp_path))
        status = run_doctor_with_forked_probes(tmp_path, monkeypatch)
        output = capsys.readouterr().out
    report = json.loads(output)
    assert status == 0 and report['ok'], output
    rows: Dict[str, Dict[str, str]] = {row['name']: row for row in report['rows']}
    assert set(rows) == {
        'python', 'torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'ftfy, regex', 'mmagic', 'forks',
        'udas_mmseg', f'disk of {tmp_path}', 'disk of work_dirs', f'{tmp_path}/gta5', f'{tmp_path}/synthia',
        f'{tmp_path}/cityscapes'}
    assert rows[f'{tmp_path}/gta5']['value'] == '1 images'
    assert rows['udas_mmseg']['value'].startswith('0.')


def test_data_sets_that_nobody_may_need_are_no_warnings() -> None:
    row = row_of('data/gta5', healthy_facts(images={'data/gta5': None}))
    assert row.status == OK and row.value.startswith('no such folder') and not row.fix


def test_table_has_one_line_a_row_and_one_a_fix() -> None:
    rows: List[Row] = environment.report(healthy_facts(modules=(), images={'data/gta5': None}))
    lines = doctor_module().as_table(rows, environment).splitlines()
    assert len(lines) == len(rows) + sum(bool(row.fix) for row in rows) + 1
    assert lines[-1] == '2 errors, 1 warnings.'


def test_works_without_any_package(tmp_path: Path) -> None:
    """-I -S hides every installed package, and files from its probes: the report must still come, and fail."""
    for name in ('torch', 'torchvision', 'mmcv', 'udas_mmseg'):
        (tmp_path / f'{name}.py').write_text(f'raise ModuleNotFoundError("No module named {name!r}")\n')
    done = subprocess.run([sys.executable, '-I', '-S', str(DOCTOR)], cwd=ROOT, stdout=subprocess.PIPE,
                          env={**os.environ, 'PYTHONPATH': str(tmp_path)}, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1
    assert 'FAIL  torch ' in done.stdout
    assert 'Traceback' not in done.stdout


@pytest.mark.parametrize('code, timeout, said', [
    ('import os; os._exit(3)', 60, 'killed Python (exit status 3)'),
    ('import time; time.sleep(60)', 1, 'took more than 1 s'),
    ("raise RuntimeError('operator torchvision::nms does not exist')", 60, 'torchvision::nms'),
])
def test_broken_import_is_one_line(code: str, timeout: float, said: str,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = doctor_module()
    monkeypatch.setitem(doctor.PROBES, 'torch', code)
    assert said in doctor.probe('torch', timeout)['error']
