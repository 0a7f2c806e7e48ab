"""Locking a work directory, so that only one process uses it."""
import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, Optional


class WorkDirError(RuntimeError):
    """This run may not use a work directory."""


class WorkDirLock:
    """A lock on a folder, which is released when its process ends.

    It is a lock of the operating system (a POSIX record lock on `<folder>/lock`). Only this process holds it, not its
    data loader workers. The content of the file describes the process for people only.

    Args:
        folder (str): Folder to lock; it is created if it does not exist.

    Raises:
        WorkDirError: from `acquire`, if another process holds the lock, with its number, machine and start.

    Example:
        >>> with WorkDirLock('work_dirs/run'):
        ...     train()
    """

    def __init__(self, folder: str) -> None:
        self.path = Path(folder, 'lock')
        self._file: Optional[IO[str]] = None

    def acquire(self) -> None:
        """Acquire the lock; see the class."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self.path, 'a+')  # noqa: SIM115, open for as long as the lock is held
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
            raise WorkDirError(f'{self.path.parent} is in use by another run ({_describe(holder)}). Wait for it, stop '
                               'it, or give another --work-dir.') from error
        file.truncate(0)
        file.write(json.dumps(dict(process=os.getpid(), machine=socket.gethostname(), since=time.ctime())))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> 'WorkDirLock':
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def _describe(holder: str) -> str:
    try:
        return 'process {process} on {machine}, since {since}'.format(**json.loads(holder))
    except (ValueError, KeyError, TypeError):
        return 'it has not said which'
