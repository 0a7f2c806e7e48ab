"""Work in background threads, such as encoding and writing files while a model predicts."""
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Deque, Optional

_THREADS = min(16, max(4, os.cpu_count() or 1))


class BackgroundCalls:
    """Calls in threads; a block that ends has them all done, or raises what went wrong with one of them.

    Args:
        limit (int): Calls that may wait, beside one for each thread: what they hold is in memory.

    Example:
        >>> done = []
        >>> with BackgroundCalls(limit=8) as calls:
        ...     calls.submit(done.append, 1)
        >>> done
        [1]
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit + _THREADS
        self._pool = ThreadPoolExecutor(_THREADS)
        self._waiting: Deque[Future] = deque()

    def submit(self, function: Callable, *args: Any) -> None:
        """Take a call, waiting while there are too many; what went wrong with an earlier one is raised here."""
        self._waiting.append(self._pool.submit(function, *args))
        while len(self._waiting) > self._limit:
            self._waiting.popleft().result()

    def __enter__(self) -> 'BackgroundCalls':
        return self

    def __exit__(self, kind: Optional[type], *rest: object) -> None:
        try:
            for future in self._waiting if kind is None else ():
                future.result()
        finally:
            self._pool.shutdown(cancel_futures=True)
