"""A script in two processes, as `tools/dist_train.sh` starts it."""
import os
import subprocess
import sys
from typing import Tuple


def launch_two(*command: str, timeout: int = 400) -> Tuple[int, str]:
    """Run a Python script with its arguments; its exit status and output.

    The processes meet at a port that torchrun finds free, so that tests can run side by side.
    """
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', *command],
        env={**os.environ, 'OMP_NUM_THREADS': '1'}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout)
    return done.returncode, done.stdout
