"""Work in background threads, such as encoding and writing files while a model predicts."""
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Deque, Optional

_THREADS = min(16, max(4, os.cpu_count() or 1))


class BackgroundCalls:
    """Calls functions in threads. When the block ends, all calls are done, or the error of one of them is raised.

    Args:
        limit (int): Calls that may wait, besides one for each thread. Their arguments are kept in memory.

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
        """Add a call, and wait while there are too many. The error of an earlier call is raised here."""
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
