"""Printing the progress of long tasks, with the remaining time."""
import sys
import time


class Progress:
    """Prints the progress of a task to standard error, every few seconds and at the end.

    Args:
        title (str): Name of the task.
        total (int): Total number of images.
        done (int): Number of images that were already done. Defaults to 0.
        seconds (float): Minimum time between two lines, in seconds. Defaults to 5.

    Example:
        >>> progress = Progress('translating', len(images))
        >>> for number, image in enumerate(images, 1):
        >>>     progress.update(number)
    """

    def __init__(self, title: str, total: int, done: int = 0, seconds: float = 5) -> None:
        self.title, self.total, self.before, self.seconds = title, total, done, seconds
        self._start = self._last = time.monotonic()

    def update(self, done: int) -> None:
        """Report how many images are done, including those that were done before."""
        now = time.monotonic()
        if now - self._last < self.seconds and done < self.total:
            return
        self._last = now
        left = (now - self._start) / max(1, done - self.before) * (self.total - done)
        print(f'{self.title}: {done}/{self.total} images, {_clock(left)} left', file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{seconds:02d}'
