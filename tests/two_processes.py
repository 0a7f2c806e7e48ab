"""Scripts in two processes that work together, as torchrun starts them."""
import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Iterator, Tuple


class HangError(Exception):
    """Processes that wait for ever. pytest tries such a test a second time, see pyproject.toml."""


def launch_two(*command: str, timeout: int = 300) -> Tuple[int, str]:
    """Run a Python script with its arguments; its exit status and output.

    The processes meet at a port that torchrun finds free, so that tests can run side by side.

    Raises:
        HangError: if it has not ended in time. The output, and what every process was doing, are a warning, too, which
            pytest shows although the second try passes.
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
        warnings.warn(f'{" ".join(command)} hung:\n{output}', stacklevel=2)
        raise HangError(f'not done after {timeout} seconds:\n{output}') from None
    return process.returncode, output


def _family(pid: int) -> Iterator[int]:
    """A process and all that it started, directly or not."""
    yield pid
    for path in Path('/proc', str(pid), 'task').glob('*/children'):
        for child in path.read_text().split():
            yield from _family(int(child))
