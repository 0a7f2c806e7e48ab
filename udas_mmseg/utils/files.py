"""Writing files so that each one is there whole or not at all."""
import contextlib
import fcntl
import json
import os
import uuid
from pathlib import Path
from typing import IO, Any, Mapping, Union

from mmengine.fileio import LocalBackend, register_backend

PART = '.part'  # ends the name of a file that is being written, or that a killed process left


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """MMEngine's local file backend with `replace_file` for writing.

    MMEngine overwrites in place: a kill or a full disk while a checkpoint is written leaves half a file, and
    `save_best` writes the last checkpoint a second time. Used by `default_hooks.checkpoint` of the configs here.

    Example:
        >>> checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=5000, backend_args=dict(backend='atomic'))
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes; see `replace_file`."""
        replace_file(filepath, obj)


def replace_file(path: Union[str, Path], content: bytes) -> None:
    """Write a file under a temporary name and rename it; several processes and threads may do so at once.

    The temporary name is `<path>.part`. A file that a killed process left there is overwritten. On a file system
    without locks, each call has its own temporary name, `<path>.<random>.part`.

    Args:
        path (str | Path): The file. Its folder is made if it does not exist.
        content (bytes): The new content.

    Raises:
        OSError: if the file cannot be written. A file of that name is then unchanged.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_part(path) as file:
        part = Path(file.name)
        try:
            file.truncate(0)
            file.write(content)
            file.flush()
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _open_part(path: Path) -> IO[bytes]:
    """Open a temporary file that nobody else writes to; wait for it where several processes write one file."""
    part = path.with_name(path.name + PART)
    while True:
        file = open(part, 'ab')  # noqa: SIM115, the lock lasts until the file is closed
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some network file systems have no locks
            file.close()
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
            return open(path.with_name(f'{path.name}.{uuid.uuid4().hex}{PART}'), 'wb')
        try:
            if os.path.samestat(os.fstat(file.fileno()), os.stat(part)):
                return file
        except FileNotFoundError:
            pass
        file.close()  # while we waited, the file that we opened was renamed: it is somebody's finished file


def to_json(content: Mapping[str, Any]) -> bytes:
    """Content of a JSON file that people may read."""
    return json.dumps(content, indent=2).encode() + b'\n'
