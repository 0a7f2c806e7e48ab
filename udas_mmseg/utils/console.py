"""A quiet console: warnings and errors, while the log file has everything."""
import logging
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Iterator, Optional, Set, TextIO, Type, Union

from mmengine.logging import MMLogger

from .progress import clear_line


@dataclass(frozen=True)
class Useless:
    """A warning that a user can do nothing about. It is kept in the log file.

    Args:
        start (str): Its beginning, a regular expression.
        versions (str): The versions of the package that give it.
        reason (str): Why it does not matter.
    """
    start: str
    versions: str
    reason: str


USELESS = (
    Useless('``build_loss`` would be deprecated soon', 'mmsegmentation 1.2', 'its own heads call it'),
    Useless('The draw is False, it means that the hook for visualization', 'mmsegmentation 1.2',
            'DomainPanelHook draws; SegVisualizationHook is only switched on by tools/test.py --show-dir'),
    Useless('When align_corners=True, the output would more aligned if', 'mmsegmentation 1.2',
            'the published networks use align_corners=True with sizes like 1024x512'),
    Useless('Unnecessary conv bias before batch/instance norm', 'mmcv 2.1',
            "the generators are MMagic's, as published"),
    Useless('The prefix is not set in metric class', 'mmengine 0.10', 'mIoU needs no prefix'),
    Useless(r'\S+ is skipped since its requires_grad=False', 'mmengine 0.10',
            'a line for each parameter of batch norm that the config keeps fixed'),
    Useless('"FileClient" will be deprecated', 'mmengine 0.10', 'its own CheckpointHook uses it'),
    Useless('"HardDiskBackend" is the alias of "LocalBackend"', 'mmengine 0.10', 'its own FileClient uses it'),
    Useless('`torch.cuda.amp.GradScaler', 'mmengine 0.10 with torch 2.4 and later', 'its own AmpOptimWrapper uses it'),
    Useless('The model and loaded state dict do not match exactly.*unexpected key in source state_dict: fc',
            'mmcv 2.1, torchvision', "ImageNet's classifier is not used in segmentation"),
)
_USELESS = re.compile('|'.join(f'(?:{one.start})' for one in USELESS), re.DOTALL)
_quiet = False


def quiet_console(verbose: bool = False) -> None:
    """Show only warnings and errors on the console from now on, without those in `USELESS`. For command-line tools.

    Python's warnings go through MMEngine's logger. Messages of lower levels are only in the log file, and progress is
    shown in one line, see `Progress`.

    Args:
        verbose (bool): Whether to show everything, as MMEngine does. Defaults to False.
    """
    global _quiet
    _quiet = not verbose
    if _quiet:
        quiet_logger(MMLogger.get_current_instance())
        warnings.showwarning = _log_warning


@contextmanager
def quiet_while(verbose: bool = False) -> Iterator[None]:
    """Call `quiet_console` for the time of a `with` block. For functions that a user calls in Python.

    Args:
        verbose (bool): As in `quiet_console`. Defaults to False.
    """
    global _quiet
    before = _quiet, warnings.showwarning
    handlers = [(handler, handler.level, handler.filters[:]) for handler in MMLogger.get_current_instance().handlers]
    try:
        quiet_console(verbose)
        yield
    finally:
        _quiet, warnings.showwarning = before
        for handler, level, filters in handlers:
            handler.level, handler.filters = level, filters


def is_quiet() -> bool:
    """Whether `quiet_console` was called."""
    return _quiet


def quiet_logger(logger: logging.Logger) -> None:
    """Raise the level of a logger on the console. Its file still gets everything."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setLevel(max(handler.level, logging.WARNING))
            if not any(isinstance(one, _ConsoleFilter) for one in handler.filters):
                handler.addFilter(_ConsoleFilter())


def is_useless(text: str) -> bool:
    """Whether a warning is in `USELESS`."""
    return bool(_USELESS.match(text.strip()))


class _ConsoleFilter(logging.Filter):
    """Leaves out useless warnings and those that another logger has shown, and clears the live line for the others."""
    shown: ClassVar[Set[str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to print a record."""
        text = record.getMessage()
        if record.levelno <= logging.WARNING:
            if is_useless(text) or text in self.shown:
                return False
            self.shown.add(text)
        clear_line()
        return True


def _log_warning(message: Union[Warning, str], category: Type[Warning], filename: str, lineno: int,
                 file: Optional[TextIO] = None, line: Optional[str] = None) -> Any:
    """Log a warning of Python's `warnings`, which calls this function instead of printing."""
    text = str(message).strip()
    level = logging.INFO if is_useless(text) else logging.WARNING
    MMLogger.get_current_instance().log(level, f'{text} ({category.__name__}, {filename}:{lineno})')
