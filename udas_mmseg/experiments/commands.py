"""Running the tools of the project as commands, with their output in logs and their progress on the console."""
import contextlib
import os
import os.path as osp
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Sequence

from ..utils.files import replace_file
from ..utils.progress import relay
from ..utils.project import PROJECT


def tool_command(tool: str, *arguments: str) -> List[str]:
    """Return the command that runs a tool of the project with this Python, such as 'train.py'."""
    return [sys.executable, osp.join(PROJECT, 'tools', tool), *arguments]


def run_command(command: Sequence[str], log: str, clock: str, title: str) -> float:
    """Run a command with its output in a log file, and store its time in the file `clock`, even if it is killed.

    Args:
        command (Sequence[str]): The command.
        log (str): Path of the log, to which its output is appended.
        clock (str): Path of a file with the seconds of earlier attempts.
        title (str): Title under which its progress is shown.

    Returns:
        float: Seconds of all attempts.

    Raises:
        RuntimeError: with the end of the log, if the command fails.
    """
    spent = 0.0
    if osp.exists(clock):
        with open(clock) as file:
            spent = float(file.read())
    started = time.monotonic()
    with open(log, 'a') as file, open(log, errors='replace') as written, \
            subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        written.seek(0, os.SEEK_END)
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                for line in written:
                    relay(line, title)
                replace_file(Path(clock), f'{spent + time.monotonic() - started:.1f}'.encode())
        except BaseException:  # interrupted or terminated: end the command, too
            process.terminate()
            raise
    if process.returncode:
        with open(log, errors='replace') as file:
            tail = ''.join(file.readlines()[-15:])
        raise RuntimeError(f'exit status {process.returncode}, log {log}:\n{tail}')
    return spent + time.monotonic() - started
