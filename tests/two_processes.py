"""Scripts in two processes that work together, as torchrun starts them."""
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, Tuple


def launch_two(*command: str, timeout: int = 400) -> Tuple[int, str]:
    """Run a Python script with its arguments; its exit status and output.

    The processes meet at a port that torchrun finds free, so that tests can run side by side.

    Raises:
        AssertionError: if it has not ended in time, with the output and what every process was doing.
    """
    process = subprocess.Popen(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', *command],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONFAULTHANDLER': '1'}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        for pid in list(_family(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGABRT)  # faulthandler prints the stacks
            time.sleep(0.3)  # one after another
        output, _ = process.communicate()
        raise AssertionError(f'not done after {timeout} seconds:\n{output}') from None
    return process.returncode, output


def _family(pid: int) -> Iterator[int]:
    """A process and all that it started, directly or not."""
    yield pid
    for path in Path('/proc', str(pid), 'task').glob('*/children'):
        for child in path.read_text().split():
            yield from _family(int(child))
