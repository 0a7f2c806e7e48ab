"""Processes that srun has started."""
import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from two_processes import launch_two
from udas_mmseg.engine.launch import init_distributed
from udas_mmseg.engine.slurm import describe_process

SET = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment of process 5 of 8, the second of its node, with a `scontrol` that knows one list of nodes."""
    monkeypatch.setattr(os, 'environ', {name: value for name, value in os.environ.items()
                                        if name not in SET and not name.startswith('SLURM')})
    (tmp_path / 'scontrol').write_text('#!/bin/sh\n[ "$*" = "show hostnames gpu[3-4]" ] && printf "gpu3\\ngpu4\\n"\n')
    (tmp_path / 'scontrol').chmod(0o755)
    os.environ.update(SLURM_PROCID='5', SLURM_NTASKS='8', SLURM_LOCALID='1', SLURM_NODELIST='gpu[3-4]',
                      SLURM_JOB_ID='40007')
    os.environ['PATH'] = str(tmp_path)
    return monkeypatch


def test_torch_gets_the_variables_of_the_task(task: pytest.MonkeyPatch) -> None:
    describe_process('slurm')
    assert [os.environ[name] for name in SET] == ['5', '8', '1', 'gpu3', '25007']


def test_a_given_address_and_port_are_kept(task: pytest.MonkeyPatch) -> None:
    os.environ.update(MASTER_ADDR='10.0.0.1', MASTER_PORT='29617', SLURM_NODELIST='unknown[1-2]')
    describe_process('slurm')
    assert [os.environ[name] for name in SET] == ['5', '8', '1', '10.0.0.1', '29617']


def test_the_nodes_of_the_step_count_and_a_single_one_needs_no_scontrol(task: pytest.MonkeyPatch) -> None:
    os.environ.update(SLURM_STEP_NODELIST='gpu4', PATH='')
    describe_process('slurm')
    assert os.environ['MASTER_ADDR'] == 'gpu4'


def test_other_launchers_change_nothing(task: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    for launcher in ('none', 'pytorch', 'mpi'):
        describe_process(launcher)
    assert os.environ == before


def test_a_process_that_srun_did_not_start_is_refused(task: pytest.MonkeyPatch) -> None:
    del os.environ['SLURM_PROCID']
    with pytest.raises(ValueError, match='SLURM_PROCID of SLURM is not set. Start the run with tools/slurm_train.sh'):
        describe_process('slurm')


def test_nodes_that_scontrol_does_not_know_are_named(task: pytest.MonkeyPatch) -> None:
    os.environ['SLURM_NODELIST'] = 'unknown[1-2]'
    with pytest.raises(ValueError, match=r'hostnames unknown\[1-2\]` does not give the nodes.*Set MASTER_ADDR'):
        describe_process('slurm')


TASK = '''
import os
from pathlib import Path
import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object
from udas_mmseg.engine.launch import start_processes
torch.cuda.is_available = lambda: False
rank = os.environ.pop('RANK')
del os.environ['WORLD_SIZE'], os.environ['LOCAL_RANK']
os.environ.update(SLURM_PROCID=rank, SLURM_NTASKS='2', SLURM_LOCALID='0', SLURM_NODELIST='localhost')
cfg = Config(dict(sync_bn='torch'))
start_processes(cfg, 'slurm')
found = (all_gather_object(rank), cfg.launcher, cfg.model_wrapper_cfg.device_ids, cfg.sync_bn)
Path(__file__).with_name(rank).write_text(repr(found))
'''


def test_two_nodes_meet_without_gpus(tmp_path: Path) -> None:
    (tmp_path / 'task.py').write_text(TASK)
    status, output = launch_two(str(tmp_path / 'task.py'))
    assert status == 0, output[-3000:]
    for rank in '01':
        assert (tmp_path / rank).read_text() == "(['0', '1'], 'slurm', None, None)"


def test_mpi_needs_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='--launcher mpi needs CUDA devices'):
        init_distributed(Config(), 'mpi')
