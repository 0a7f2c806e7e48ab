"""Ending with a line that says how to continue after SIGTERM, which SLURM sends before the time limit of a job."""
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Iterator, Optional

from .progress import clear_line

EXIT_CODE = 128 + signal.SIGTERM  # that of a shell for a terminated process
GRACE = 20.0  # seconds; SLURM and torchrun kill a process 30 seconds after SIGTERM
_END = b'\0'  # no signal has this number
_active = False


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. Everything that handles an interruption by the user also handles it."""


@contextlib.contextmanager
def one_line_termination(text: str, grace: float = GRACE) -> Iterator[None]:
    """Run a block that ends the process like an interruption by the user if it receives SIGTERM. For the main thread.

    Python runs signal handlers only between two instructions of the main thread. If it waits in a library, such as for
    other processes that have ended, a thread ends the process after some seconds.

    Args:
        text (str): The line for standard error; '' for none.
        grace (float): Seconds after which the process ends if the main thread has not ended. Defaults to `GRACE`.

    Raises:
        SystemExit: with `EXIT_CODE`, after SIGTERM.
    """
    global _active
    received, ended = threading.Event(), threading.Event()

    def interrupt(signum: int, frame: Optional[FrameType]) -> None:
        if not received.is_set():  # a second one must not interrupt what the first one has begun
            received.set()
            signal.signal(signal.SIGCHLD, lambda *_: None)  # torch would raise an error for workers that end, too
            raise Terminated

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.signal(signal.SIGTERM, interrupt)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=_end_later, args=(reader, text, ended, grace), daemon=True)
    thread.start()
    _active = True
    try:
        yield
    except BaseException:
        if not received.is_set():
            raise
        # `Terminated`, or what it has caused, such as the error of a data loader whose workers were terminated, too
        _say(text)
        raise SystemExit(EXIT_CODE) from None
    finally:
        _active = False
        ended.set()
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, before)
        os.write(writer, _END)  # closing is not enough: forked processes have inherited it
        thread.join()
        os.close(reader)
        os.close(writer)


def _end_later(reader: int, text: str, ended: threading.Event, grace: float) -> None:
    """Wait for SIGTERM, of which Python writes the number to a pipe, and end the process if it does not end itself."""
    found = os.read(reader, 1)
    while found not in (_END, bytes([signal.SIGTERM])):
        found = os.read(reader, 1)
    if found != _END and not ended.wait(grace):
        _say(text)
        os._exit(EXIT_CODE)


def _say(text: str) -> None:
    clear_line()
    if text:
        print(text, file=sys.stderr, flush=True)


def _before_fork() -> None:
    """Let a signal to the new process wait until `_after_fork` has removed the handler and the pipe there."""
    if _active:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork(in_child: bool) -> None:
    """Let forked processes, such as workers of data loaders, end at SIGTERM as usual, and not write to the pipe."""
    if _active:
        if in_child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


os.register_at_fork(before=_before_fork, after_in_parent=partial(_after_fork, False),
                    after_in_child=partial(_after_fork, True))
