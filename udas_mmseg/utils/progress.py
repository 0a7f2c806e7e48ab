"""Progress and remaining time of a task: a live line on a terminal or in a notebook, a few lines in a log."""
import re
import shutil
import sys
import time
from typing import Callable, Dict, Union

from .notebook import NotebookLine, notebook

REFRESH = 0.2  # minimum time between two changes of the line on a terminal, in seconds
# elsewhere, the first line comes after FIRST seconds, and each of the others after a tenth of the whole time, but at
# least SHORTEST and at most LONGEST seconds
FIRST, SHORTEST, LONGEST = 10.0, 30.0, 600.0
_LINE = re.compile(r'(\S.*): \d+/\d+ \w+, ')
_SHORT = re.compile(r', took 0:00:0[0-4]')  # not worth a line in the output of another process


class Progress:
    """Shows the progress of a task on standard error.

    On a terminal and in a notebook, one line is rewritten in place. A file or a pipe gets about ten lines for each
    task, or a line every ten minutes if that is more. The last line of a task stays, and has the time that it took.

    Args:
        title (str): Name of the task.
        total (int): Total number of units.
        done (int): Number of units that were already done. Defaults to 0.
        unit (str): What is counted, in the plural. Defaults to 'images'.

    Example:
        >>> progress = Progress('translating', len(images))
        >>> for number, image in enumerate(images, 1):
        >>>     progress.update(number)
    """

    def __init__(self, title: str, total: int, done: int = 0, unit: str = 'images') -> None:
        self.title, self.total, self.before, self.unit = title, total, done, unit
        self._start = self._last = time.monotonic()
        self._lines = 0

    @property
    def shown(self) -> bool:
        """Whether the task took long enough for a line."""
        return self._lines > 0

    def update(self, done: int) -> None:
        """Report how many units are done, including those that were done before, and finish with the last one."""
        if done >= self.total:
            self.finish(done)
        else:
            self.show(done)

    def show(self, done: int, details: Union[str, Callable[[], str]] = '') -> None:
        """Show how many units are done if it is time, without finishing the task.

        Args:
            done (int): Number of units that are done, including those that were done before.
            details (str | Callable): Text after the time left, or a function that returns it. Defaults to ''.
        """
        now = time.monotonic()
        left = (now - self._start) / max(1, done - self.before) * (self.total - done)
        if now - self._last < self._gap(now - self._start + left):
            return
        self._last = now
        self._lines += 1
        _STATUS.show(self._line(done, f'{clock(left)} left', details))

    def finish(self, done: int, details: Union[str, Callable[[], str]] = '') -> None:
        """Show the last line of the task.

        Args:
            done (int): Number of units that are done.
            details (str | Callable): See `show`.
        """
        _STATUS.show(self._line(done, f'took {clock(time.monotonic() - self._start)}', details), stays=True)

    def _gap(self, whole: float) -> float:
        """Return the minimum time between two lines for a task that takes `whole` seconds."""
        if _STATUS.is_live:
            return REFRESH
        return min(max(SHORTEST, whole / 10), LONGEST) if self._lines else FIRST

    def _line(self, done: int, times: str, details: Union[str, Callable[[], str]]) -> str:
        text = details() if callable(details) else details
        return f'{self.title}: {done}/{self.total} {self.unit}, {times}{", " + text if text else ""}'


class StatusLine:
    """The last line of the terminal or of a notebook's cell, which the tasks of this process share."""

    def __init__(self) -> None:
        self._texts: Dict[str, str] = {}
        self._in_notebook = NotebookLine()
        self._visible = False

    @property
    def on_terminal(self) -> bool:
        """Whether standard error is a terminal."""
        return sys.stderr.isatty()

    @property
    def is_live(self) -> bool:
        """Whether the line can be rewritten in place."""
        return self.on_terminal or notebook() is not None

    def show(self, text: str, stays: bool = False, task: str = '') -> None:
        """Show a text.

        Args:
            text (str): The text, without line breaks.
            stays (bool): Whether it stays, in a line of its own, when the next text is shown. Defaults to False.
            task (str): Tasks that run at the same time have different names, and share the line. Defaults to ''.
        """
        if not self.is_live:
            print(text, file=sys.stderr, flush=True)
            return
        if stays:
            self._texts.pop(task, None)
        else:
            self._texts[task] = text
        if not self.on_terminal:
            self._in_notebook.show(text if stays else ' | '.join(self._texts.values()), stays)
            return
        self.clear()
        if stays:
            print(text, file=sys.stderr, flush=True)
        if self._texts:
            line = ' | '.join(self._texts.values())
            print(line[:shutil.get_terminal_size().columns - 1], end='\r', file=sys.stderr, flush=True)
            self._visible = True

    def clear(self) -> None:
        """Erase the line, so that something else can be printed there."""
        if self._visible:
            print('\033[K', end='', file=sys.stderr, flush=True)
            self._visible = False


_STATUS = StatusLine()


def clear_line() -> None:
    """Erase the live line, so that something else can be printed there."""
    _STATUS.clear()


def relay(line: str, title: str, task: str = '') -> bool:
    """Show a line of progress of another process under another title, but not tasks of less than 5 seconds.

    Args:
        line (str): A line of its output.
        title (str): The title.
        task (str): See `StatusLine.show`. Defaults to ''.

    Returns:
        bool: Whether it was a line of progress.
    """
    found = _LINE.match(line)
    if found and (_STATUS.is_live or not _SHORT.search(line)):
        text = f'{title}{line.rstrip()[len(found[1]):]}'
        _STATUS.show(text, stays=', took ' in text, task=task)
    return found is not None


def clock(seconds: float) -> str:
    """Format a time as hours:minutes:seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{seconds:02d}'
