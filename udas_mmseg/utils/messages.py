"""Messages in the log."""
import logging
from functools import cache

from mmengine.logging import MMLogger


def log_once(text: str, level: int = logging.WARNING) -> None:
    """Log a message, unless the current logger has it already: branches, preflight and validation read the same files.

    Args:
        text (str): The message.
        level (int): Its level. Defaults to WARNING.
    """
    _log_once(MMLogger.get_current_instance().instance_name, text, level)


def last_message(error: Exception) -> str:
    """Return the message of an error, without the traceback at the start of errors from data loader workers."""
    return str(error).rsplit(f'\n{type(error).__name__}: ', 1)[-1].strip()


@cache  # for each logger, so that the log of every run has the message
def _log_once(logger_name: str, text: str, level: int) -> None:
    MMLogger.get_instance(logger_name).log(level, text)
