"""The command line, as users call it."""
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Callable, List

import pytest
import torch
from mmengine.runner import CheckpointLoader
from torch.distributed.run import parse_args

from forked_python import start_python
from small_data import write_demo_data
from two_processes import launch_two
from udas_mmseg.engine.config_run import SingleTraining

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/demo/source_only.py'
TINY = ['train_cfg.max_iters=8', 'train_cfg.val_interval=4', 'default_hooks.checkpoint.interval=2',
        'model.backbone.base_channels=8', 'model.backbone.stem_channels=8', 'model.decode_head.in_channels=64',
        'model.auxiliary_head.in_channels=32', 'train_dataloader.batch_size=2', 'log_level=WARNING']  # yapf: disable

TRANSLATOR = 'configs/demo/cyclegan.py'
TINY_TRANSLATOR = ['train_cfg.max_iters=8', 'default_hooks.checkpoint.interval=2', 'model.generator.base_channels=4',
                   'model.generator.num_blocks=1', 'model.discriminator.base_channels=4', 'model.buffer_size=2',
                   'log_level=WARNING']  # yapf: disable


@pytest.fixture(scope='module')
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict:
    data = write_demo_data(tmp_path_factory.mktemp('demo'))
    return {**os.environ, 'UDAS_DEMO_ROOT': str(data), 'UDAS_DATA_ROOT': str(data), 'PYTHON': sys.executable}


def arguments(work_dir: Path, *options: str, config: str = CONFIG) -> List[str]:
    tiny = TINY_TRANSLATOR if config == TRANSLATOR else TINY
    return [config, '--work-dir', str(work_dir), '--cfg-options', *tiny, *options]


@pytest.fixture
def start(environment: dict) -> Callable[..., subprocess.Popen]:

    def run(command: List[str], **env: str) -> subprocess.Popen:
        options: dict = dict(cwd=ROOT, env={**environment, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if command[0] == sys.executable:
            return start_python(*command[1:], **options)
        return subprocess.Popen(command, **options, text=True, start_new_session=True)

    return run


def finish(process: subprocess.Popen) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return output


def weights(work_dir: Path) -> dict:
    return CheckpointLoader.load_checkpoint(str(work_dir / 'iter_8.pth'))['state_dict']


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.stdout.read()[-3000:]
        time.sleep(0.02)


@pytest.mark.parametrize('config, workers', [(CONFIG, 0), (CONFIG, 2), (TRANSLATOR, 2)])
def test_killed_and_resumed_run_ends_with_the_same_weights(processes: str, start: Callable, tmp_path: Path,
                                                           config: str, workers: int) -> None:
    train = [sys.executable, 'tools/train.py']
    options = [f'train_dataloader.num_workers={workers}', f'train_dataloader.persistent_workers={workers > 0}']
    finish(start([*train, *arguments(tmp_path / 'whole', *options, config=config)]))
    process = start([*train, *arguments(tmp_path / 'cut', *options, config=config)])
    wait_for(tmp_path / 'cut/last_checkpoint', process)
    os.killpg(process.pid, signal.SIGKILL)  # with its workers, as a machine that stops
    process.wait()
    assert not (tmp_path / 'cut/iter_8.pth').exists(), 'killed too late to show anything'
    finish(start([*train, '--resume', *arguments(tmp_path / 'cut', *options, config=config)]))
    expected, actual = weights(tmp_path / 'whole'), weights(tmp_path / 'cut')
    assert expected.keys() == actual.keys()
    different = [name for name in expected if not torch.equal(expected[name], actual[name])]
    assert not different


RECORDER = '''
import os
from udas_mmseg.datasets import StreamDataset
load = StreamDataset.__getitem__
def record(self, index):
    with open(os.environ['POSITIONS'] + os.environ['RANK'], 'a') as file:
        file.write(f'{index.seed} {index.position}\\n')
    return load(self, index)
StreamDataset.__getitem__ = record

import torch
from mmengine.runner import CheckpointLoader
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
@HOOKS.register_module()
class KeepWeights(Hook):
    def after_train(self, runner):
        torch.save(runner.model.module.state_dict(), os.environ['POSITIONS'] + os.environ['RANK'] + '.pth')
'''


# in place of Python: what it would be called with, except for the tool that finds a port
NOTES_ARGUMENTS = f'''#!/bin/sh
case "$1" in */free_port.py) exec {sys.executable} "$@" ;; esac
printf "%s\\n" "$@" >"$NOTED"
'''


def torchrun_arguments(start: Callable, tmp_path: Path, *command: str) -> List[str]:
    """The command that a tools/dist_*.sh gives to torchrun for two processes, as torchrun parses it."""
    (tmp_path / 'python').write_text(NOTES_ARGUMENTS)
    (tmp_path / 'python').chmod(0o755)
    finish(start([*command], PYTHON=str(tmp_path / 'python'), NOTED=str(tmp_path / 'noted'), PORT='29617'))
    module, name, *given = (tmp_path / 'noted').read_text().splitlines()
    assert (module, name) == ('-m', 'torch.distributed.run')
    args = parse_args(given)
    assert (args.nnodes, args.node_rank, args.nproc_per_node) == ('1', 0, '2')
    assert (args.master_addr, args.master_port) == ('127.0.0.1', 29617)
    return [args.training_script, *args.training_script_args]


def test_two_processes_share_the_stream_and_agree(processes: str, start: Callable, environment: dict, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'recorder.py').write_text(RECORDER)
    config = tmp_path / 'recorded.py'
    config.write_text(f"_base_ = '{ROOT}/{CONFIG}'\ncustom_imports = dict(imports=['udas_mmseg', 'recorder'])\n"
                      'train_dataloader = dict(num_workers=0)\n'
                      "custom_hooks = [dict(type='CheckFiniteLossHook'), dict(type='KeepWeights')]\n")
    command = ['tools/dist_train.sh', str(config), '2', '--work-dir', str(tmp_path / 'run'), '--cfg-options', *TINY,
               'randomness.seed=3']
    variables = dict(PYTHONPATH=f'{tmp_path}{os.pathsep}{ROOT}', POSITIONS=str(tmp_path / 'rank'))
    if processes == 'started':
        output = finish(start(command, **variables, PORT='29617'))
    else:
        monkeypatch.chdir(ROOT)
        for name, value in {**environment, **variables}.items():
            monkeypatch.setenv(name, value)
        status, output = launch_two(*torchrun_arguments(start, tmp_path, *command))
        assert status == 0, output[-3000:]
    assert output.count('run: 8/8 iterations, took') == output.count(': the log') == 1, 'only the first process speaks'
    seen = [(tmp_path / f'rank{rank}').read_text().split('\n')[:-1] for rank in (0, 1)]
    assert all(len(part) == 8 * 2 for part in seen)
    assert Counter(seen[0] + seen[1]) == Counter(f'3 {position}' for position in range(8 * 2 * 2))
    ranks, saved = [torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1)], weights(tmp_path / 'run')
    # weights by averaged gradients; batch norm's statistics as of the last validation
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in ranks[0])
    assert all(torch.equal(ranks[0][name], saved[name]) for name in saved)


def test_missing_data_is_one_clear_line(start: Callable, tmp_path: Path) -> None:
    process = start([sys.executable, 'tools/train.py', 'configs/udas/gta2cs_source_only.py', '--work-dir',
                     str(tmp_path / 'run')], UDAS_DATA_ROOT=str(tmp_path / 'nowhere'))
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert 'nowhere/gta5/images' in output and 'docs/datasets.md' in output
    assert 'Traceback' not in output
    assert not (tmp_path / 'run').exists()


def test_missing_mmagic_is_one_clear_line(start: Callable, tmp_path: Path) -> None:
    (tmp_path / 'hide.py').write_text(
        'import importlib.util as util, runpy, sys\nfind = util.find_spec\n'
        'util.find_spec = lambda name, *rest: None if name == "mmagic" else find(name, *rest)\n'
        'sys.argv = ["tools/train.py", "configs/demo/cyclegan.py"]\n'
        'runpy.run_path(sys.argv[0], run_name="__main__")')
    process = start([sys.executable, str(tmp_path / 'hide.py')])
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert 'pip install --no-deps mmagic==1.2.0' in output and 'Traceback' not in output


def test_full_disk_keeps_the_last_good_checkpoint(start: Callable, tmp_path: Path) -> None:
    (tmp_path / 'full_disk.py').write_text(
        'import errno, os\nreplace = os.replace\n'
        'def fail(part, path):\n'
        "    if 'iter_4.pth' in str(path):\n"
        '        os.truncate(part, 100)\n'
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        '    replace(part, path)\nos.replace = fail\n')
    config = tmp_path / 'full.py'
    config.write_text(f"_base_ = '{ROOT}/{CONFIG}'\ncustom_imports = dict(imports=['udas_mmseg', 'full_disk'])\n"
                      # the best checkpoint is the last one, saved a second time
                      "default_hooks = dict(checkpoint=dict(save_best='mIoU'))\n")
    command = [sys.executable, 'tools/train.py', *arguments(tmp_path / 'run')]
    command[2] = str(config)
    process = start(command, PYTHONPATH=str(tmp_path))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 1
    assert f'the disk of {tmp_path}/run is full' in output and '--resume' in output
    (tmp_path / 'full_disk.py').write_text('')  # some space was freed
    assert 'Resumed at iteration 2' in finish(
        start([*command, 'log_level=INFO', 'resume=True', '--verbose'], PYTHONPATH=str(tmp_path)))
    assert weights(tmp_path / 'run')


def test_published_config_runs_on_data_in_the_official_layout(start: Callable, tmp_path: Path) -> None:
    """`configs/udas/gta2cs_source_only.py` with other data roots; a smaller network, no download, fewer pixels."""
    config = tmp_path / 'small.py'
    config.write_text(f"_base_ = '{ROOT}/configs/udas/gta2cs_source_only.py'\n"
                      "model = dict(backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),\n"
                      '             decode_head=dict(in_channels=64), auxiliary_head=dict(in_channels=32))\n'
                      'train_cfg = dict(max_iters=1, val_interval=1)\n'
                      'train_dataloader = dict(num_workers=0)\n'
                      'val_dataloader = dict(num_workers=0, persistent_workers=False)\n')
    output = finish(start([sys.executable, 'tools/train.py', str(config), '--work-dir', str(tmp_path / 'run')]))
    assert 'GTA5Dataset, 8 labelled images' in output
    assert re.search(r'\nrun: 1/1 iterations, took [\d:]+, loss [\d.]+, mIoU [\d.]+\n', output)
    log, = (tmp_path / 'run').glob('*/*.log')
    assert f'{log}: the log' in output and f'{tmp_path}/run/iter_1.pth: the last checkpoint' in output
    assert len(output.splitlines()) < 20, 'everything else is in the log'
    assert all(text in log.read_text() for text in ('System environment', 'Config:', 'Iter(val)', 'build_loss'))


@pytest.mark.parametrize('given, config, resume', [
    (['a.py'], 'a.py', False),
    (['a.py', '--resume'], 'a.py', True),
    (['--resume', 'a.py'], 'a.py', True),
    (['a.py', '--resume', 'iter_2.pth'], 'a.py', 'iter_2.pth'),
    (['--resume', '--launcher', 'none', 'a.py'], 'a.py', True),
])
def test_resume_may_have_a_path(given: List[str], config: str, resume: object,
                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'argv', ['train.py', *given])
    args = runpy.run_path(str(ROOT / 'tools/train.py'))['parse_args']()
    assert (args.config, args.resume) == (config, resume)


def test_an_interruption_and_a_termination_say_how_to_continue(
        environment: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    def interrupt(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv('UDAS_DEMO_ROOT', environment['UDAS_DEMO_ROOT'])
    monkeypatch.setattr(SingleTraining, 'train', interrupt)
    monkeypatch.setattr(sys, 'argv', ['train.py', str(ROOT / CONFIG), *arguments(tmp_path)[1:]])
    main = runpy.run_path(str(ROOT / 'tools/train.py'))['main']
    with pytest.raises(SystemExit, match='interrupted.*run the same command with --resume'):
        main()
    monkeypatch.setattr(SingleTraining, 'train', lambda run: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit, match='143'):
        main()
    kept = 'What is complete is kept: to continue, run the same command with --resume'
    assert f'terminated. {kept}' in capfd.readouterr().err
