"""Killing runs of self-training, and comparing what they leave."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict

import torch

from forked_python import start_python
from tiny_self_training import command


def stages(work_dir: Path) -> Dict[str, dict]:
    path = work_dir / 'manifest.json'
    return json.loads(path.read_text())['stages'] if path.exists() else {}


def running(work_dir: Path) -> str:
    """The stage that is under way; '' for none."""
    return ''.join(name for name, entry in stages(work_dir).items() if entry['state'] == 'running')


def kill_in(config: Path, work_dir: Path, stage: str, after: float) -> str:
    """Start the run, kill it and its workers some time after a stage began; the stage in which that was."""
    process = start_python(*command(config, work_dir), env={**os.environ, 'OMP_NUM_THREADS': '1'},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = stages(work_dir).get(stage, {}).get('attempts', 0)
    deadline = time.monotonic() + 120
    while stages(work_dir).get(stage, {}).get('attempts', 0) == before:
        assert process.poll() is None and time.monotonic() < deadline, f'{stage} did not begin'
        time.sleep(0.002)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running(work_dir)


def files(work_dir: Path, *folders: str) -> Dict[str, bytes]:
    return {str(path.relative_to(work_dir)): path.read_bytes()
            for folder in folders for path in sorted((work_dir / folder).rglob('*.png'))}


def weights(path: str) -> Dict[str, torch.Tensor]:
    return torch.load(path, weights_only=False)['state_dict']
