"""Errors of a training that need an explanation."""
import errno
from typing import Optional
from urllib.error import URLError


def clear_error(error: Exception, work_dir: str, again: str) -> Optional[OSError]:
    """Return an error that says what to do, if the disk is full or initial weights cannot be downloaded; else None.

    Args:
        error (Exception): The error of a training.
        work_dir (str): Its work directory.
        again (str): Description of the command that continues the training.
    """
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return OSError(f'the disk of {work_dir} is full ({error}). Complete files, such as the last checkpoint, are '
                       f'kept: free some space and run {again}.')
    if isinstance(error, URLError):
        return OSError(f'the initial weights cannot be downloaded ({error.reason}). Copy their file from a computer '
                       'with a network, and set `init_cfg.checkpoint` of the backbone to its path, or set '
                       '`init_cfg=None` to begin with random weights. tools/new_pair.py does this with --weights FILE '
                       'and --from-scratch.')
    return None
