"""Errors that need an explanation, and tools that end with one line for a mistake of the user."""
import contextlib
import errno
from typing import Iterator, Optional
from urllib.error import URLError

from ..utils.messages import last_message
from ..utils.watchdog import report_failure


def clear_error(error: Exception, work_dir: str, again: str) -> Optional[OSError]:
    """Return an error that says what to do, if the disk is full or initial weights cannot be downloaded; else None.

    Args:
        error (Exception): The error of a training.
        work_dir (str): Its work directory.
        again (str): Description of the command that continues the training.
    """
    if is_disk_full(error):
        return OSError(disk_full(error, work_dir, 'Complete files, such as the last checkpoint, are kept', again))
    if isinstance(error, URLError):
        return OSError(f'the initial weights cannot be downloaded ({error.reason}). Copy their file from a computer '
                       'with a network, and set `init_cfg.checkpoint` of the backbone to its path, or set '
                       '`init_cfg=None` to begin with random weights. tools/new_pair.py does this with --weights FILE '
                       'and --from-scratch.')
    return None


def is_disk_full(error: Exception) -> bool:
    """Whether an error is that of a full disk or an exhausted quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full(error: Exception, folder: str, kept: str, again: str = 'the same command again') -> str:
    """Describe a full disk: its folder, what is kept, and how to continue."""
    return f'the disk of {folder} is full ({error}). {kept}: free some space and run {again}.'


@contextlib.contextmanager
def one_line_errors(folder: str, kept: str) -> Iterator[None]:
    """End a tool with one line instead of a traceback if the user made a mistake or interrupts it, or the disk is full.

    Args:
        folder (str): The folder that the tool writes.
        kept (str): What is kept if the tool is interrupted or the disk is full, such as 'Complete files are kept'.

    Raises:
        SystemExit: with the line.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(f'interrupted. {kept}: to continue, run the same command again.') from None
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        text = f'{type(error).__name__}: {last_message(error)}'
        report_failure(error)
        raise SystemExit(disk_full(error, folder, kept) if is_disk_full(error) else text) from error
