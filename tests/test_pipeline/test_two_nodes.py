"""Self-training on two machines that see the same files, as far as one machine can play both."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest
import torch

from killed_runs import files, weights
from tiny_self_training import ROOT, stages, write_configs

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason='both nodes would take the first GPU')


def start(config: Path, work_dir: Path, count: int, **variables: object) -> subprocess.Popen:
    """Start `count` processes on one node."""
    environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable, **{k: str(v) for k, v in
                                                                                 variables.items()})
    return subprocess.Popen(['tools/dist_train.sh', str(config), str(count), '--work-dir', str(work_dir)], cwd=ROOT,
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)


def results(work_dir: Path) -> Dict[str, dict]:
    """All pictures, the index of the labels, and the weights of all checkpoints."""
    found = {str(path.relative_to(work_dir)): weights(str(path)) for path in sorted(work_dir.rglob('*.pth'))}
    return dict(files=files(work_dir, *stages(work_dir)), weights=found)


@pytest.mark.slow
def test_two_nodes_of_one_process_do_what_one_node_of_two_does(tmp_path: Path) -> None:
    config = write_configs(tmp_path, iters=2, train=9)
    config.write_text(config.read_text().replace('rounds=2', 'rounds=1'))
    one = start(config, tmp_path / 'one', 2)
    with socket.socket() as found:
        found.bind(('', 0))
        port = found.getsockname()[1]
    nodes = [start(config, tmp_path / 'two', 1, NNODES=2, NODE_RANK=rank, PORT=port) for rank in range(2)]
    try:
        for process in (one, *nodes):
            output = process.communicate(timeout=900)[0]
            assert process.returncode == 0, output[-5000:]
    finally:
        for process in (one, *nodes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    expected, seen = (results(tmp_path / name) for name in ('one', 'two'))
    assert len(expected['files']) > 20 and len(expected['weights']) > 3
    assert seen['files'] == expected['files']
    assert seen['weights'].keys() == expected['weights'].keys()
    for name, tensors in expected['weights'].items():
        assert tensors.keys() == seen['weights'][name].keys()
        assert all(torch.equal(tensors[key], seen['weights'][name][key]) for key in tensors), name
