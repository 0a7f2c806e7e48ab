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


@cache  # for each logger, so that the log of every run has the message
def _log_once(logger_name: str, text: str, level: int) -> None:
    MMLogger.get_instance(logger_name).log(level, text)
