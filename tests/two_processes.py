"""Python files in two processes that work together."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from torch.distributed import TCPStore

from forked_python import start_python


class HangError(Exception):
    """Processes that wait without an end. pytest tries such a test a second time, see pyproject.toml."""


def launch_two(*command: str, timeout: int = 300, terminate: bool = True) -> Tuple[int, str]:
    """Run a Python file with its arguments twice, as torchrun does; 0 or 1 as torchrun, and the output of both.

    As with torchrun, the processes meet at a store of their parent, at a port that is free, and if one fails, the other
    is terminated; without `terminate` it is not, as on another machine.

    Raises:
        HangError: if they have not ended in time. The output, and what every process was doing, are a warning, too,
            which pytest shows although the second try passes.
    """
    store = TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHONFAULTHANDLER='1', MASTER_ADDR='127.0.0.1',
                       MASTER_PORT=str(store.port), TORCHELASTIC_USE_AGENT_STORE='True', WORLD_SIZE='2',
                       LOCAL_WORLD_SIZE='2')
    with tempfile.TemporaryFile('w+') as output:
        processes = [start_python(*command, env=dict(environment, RANK=rank, LOCAL_RANK=rank), stdout=output,
                                  stderr=subprocess.STDOUT) for rank in '01']  # yapf: disable
        hung = not _ended(processes, timeout, terminate)
        if hung:
            for pid in [pid for process in processes for pid in list(_family(process.pid))]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGABRT)  # faulthandler prints the stacks
                time.sleep(0.3)  # one after another
        for process in processes:
            process.wait()
        output.seek(0)
        text = output.read()
    if hung:
        warnings.warn(f'{" ".join(command)} hung:\n{text}', stacklevel=2)
        raise HangError(f'not done after {timeout} seconds:\n{text}')
    return int(any(process.returncode for process in processes)), text


def _ended(processes: List[Any], timeout: float, terminate: bool) -> bool:
    """Wait for processes; after the first failure the others may be terminated."""
    deadline = time.monotonic() + timeout
    while any(process.poll() is None for process in processes):
        if terminate and any(process.returncode for process in processes):
            for process in processes:
                process.terminate()
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _family(pid: int) -> Iterator[int]:
    """A process and all that it started, directly or not."""
    yield pid
    for path in Path('/proc', str(pid), 'task').glob('*/children'):
        for child in path.read_text().split():
            yield from _family(int(child))
