"""Files: writing them atomically, so that no incomplete files exist, and paths below a folder."""
import contextlib
import fcntl
import json
import math
import os
import os.path as osp
import uuid
from pathlib import Path
from typing import IO, Any, Iterable, List, Mapping, Union

from mmengine.fileio import LocalBackend, register_backend

PART = '.part'  # suffix of a file that is being written, or that a killed process left


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """MMEngine's local file backend that writes files with `replace_file`.

    MMEngine overwrites files in place. If the process is killed or the disk is full, an incomplete checkpoint remains;
    `save_best` even writes the last checkpoint a second time. The configs of this project use this backend in
    `default_hooks.checkpoint`.

    Example:
        >>> checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=5000, backend_args=dict(backend='atomic'))
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes; see `replace_file`."""
        replace_file(filepath, obj)


def cache_folder() -> Path:
    """Return the folder for results that can be computed again: `UDAS_CACHE_ROOT`, or that of the user's caches.

    The second one is `$XDG_CACHE_HOME/udas_mmseg`, by default `~/.cache/udas_mmseg`.
    """
    own = os.environ.get('UDAS_CACHE_ROOT')
    of_user = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(own) if own else Path(of_user, 'udas_mmseg')


def replace_file(path: Union[str, Path], content: bytes) -> None:
    """Write a file under a temporary name and rename it. Several processes and threads may do this at the same time.

    The temporary name is `<path>.part`. If a killed process left such a file, it is overwritten. On a file system
    without locks, each call has its own temporary name, `<path>.<random>.part`.

    Args:
        path (str | Path): Path of the file. Its folder is created if it does not exist.
        content (bytes): The new content.

    Raises:
        OSError: if the file cannot be written. An existing file is not changed in this case.
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
    """Open a temporary file, and wait until no other process writes to it."""
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
        file.close()  # while we waited, another process finished and renamed the file that we opened


def to_json(content: Any) -> bytes:
    """Return the content of a readable JSON file. Numbers that are NaN or infinite, which JSON lacks, become null."""
    return json.dumps(_finite(content), indent=2, allow_nan=False).encode() + b'\n'


def _finite(content: Any) -> Any:
    """Replace floats that are not finite by None, in dicts and lists."""
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def paths_below(folder: str, names: Iterable[str], suffix: str = '') -> List[str]:
    """Return `os.path.join(folder, name + suffix)` of many names, only faster."""
    start = osp.join(folder, '')
    return [osp.join(folder, name + suffix) if name[:1] in ('', '/', os.sep) or name[1:2] == ':' else
            f'{start}{name}{suffix}' for name in names]


def path_below(path: str, folder: str) -> str:
    """Return the path of a file below a folder, as `os.path.relpath(path, folder or '.')` does, only faster.

    `relpath` takes some seconds for the paths of a million images.
    """
    start = len(folder) + 1
    below = path[start:]
    is_plain = folder and path[:start] == folder + os.sep and below and below[-1] != os.sep
    if is_plain and f'{os.sep}.' not in path[start - 1:] and os.sep * 2 not in path[start - 1:]:
        return below
    return osp.relpath(path, folder or osp.curdir)
