"""Trainings with SLURM, whose `srun` is a script that starts the tasks on this machine."""
import os
import subprocess
from pathlib import Path
from typing import Dict

import pytest

ROOT = Path(__file__).parents[2]

SRUN = '''#!/usr/bin/env bash
printf '%s\\n' "$@" >"$(dirname "$0")/srun_arguments"
while [[ $1 == --* ]]; do
    case $1 in --ntasks=*) tasks=${1#*=} ;; esac
    shift
done
for ((task = 0; task < tasks; task++)); do SLURM_PROCID=$task "$@"; done
'''
NOTES_ARGUMENTS = '#!/bin/sh\necho "$SLURM_PROCID: $*"\n'


@pytest.mark.parametrize('variables, tasks, per_node', [
    ({}, 4, 4), (dict(GPUS='2'), 2, 2), (dict(GPUS='16', GPUS_PER_NODE='8'), 16, 8)])
def test_srun_gets_the_options_and_each_task_the_training(tmp_path: Path, variables: Dict[str, str], tasks: int,
                                                          per_node: int) -> None:
    for name, content in dict(srun=SRUN, python=NOTES_ARGUMENTS).items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    command = ['tools/slurm_train.sh', 'gpu_queue', 'my_job', 'a config.py', '--work-dir', 'a folder']
    output = subprocess.run(command, cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE, env={
        **os.environ, 'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}', 'PYTHON': str(tmp_path / 'python'),
        'SRUN_ARGS': '--time=1:00 --exclusive', 'CPUS_PER_TASK': '3', **variables}).stdout
    assert sorted(output.splitlines()) == sorted(
        f'{task}: -u tools/train.py a config.py --launcher slurm --work-dir a folder' for task in range(tasks))
    given = (tmp_path / 'srun_arguments').read_text().splitlines()
    assert given[:9] == ['--partition=gpu_queue', '--job-name=my_job', f'--gres=gpu:{per_node}', f'--ntasks={tasks}',
                         f'--ntasks-per-node={per_node}', '--cpus-per-task=3', '--kill-on-bad-exit=1', '--time=1:00',
                         '--exclusive']
