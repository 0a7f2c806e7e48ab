"""Time of the parts of a program, from outside: functions are replaced by timed ones for a while."""
import contextlib
import functools
import threading
import time
from collections import defaultdict
from typing import Any, Callable, Dict, Iterator, List, Tuple
from unittest import mock

import torch


def now() -> float:
    """Seconds that a processor has worked in this thread; with a GPU, those of the clock after its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.thread_time()


class Stopwatch:
    """Adds up the time in named parts, without that of parts within them.

    A part may run in several threads; on the CPU, torch must have one thread.

    Attributes:
        seconds: Part -> its time.
    """

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = defaultdict(float)
        self._inside, self._lock = threading.local(), threading.Lock()

    def timed(self, part: str, function: Callable) -> Callable:
        """The function, whose time is added to a part."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            stack: List[float] = self._inside.__dict__.setdefault('stack', [])
            started = now()
            stack.append(0.0)  # the time of parts within this one
            try:
                return function(*args, **kwargs)
            finally:
                whole = now() - started
                with self._lock:
                    self.seconds[part] += whole - stack.pop()
                if stack:
                    stack[-1] += whole

        return call

    @contextlib.contextmanager
    def watching(self, parts: List[Tuple[Any, str, str]]) -> Iterator[None]:
        """Time functions for a while: (object, name of its attribute, part); those that do not exist are left out."""
        with contextlib.ExitStack() as stack:
            for owner, name, part in parts:
                if getattr(owner, name, None) is not None:
                    stack.enter_context(mock.patch.object(owner, name, self.timed(part, getattr(owner, name))))
            yield


def shares(seconds: Dict[str, float], whole: float) -> Dict[str, float]:
    """Part -> share of the whole in percent, the largest first; what no part has is the rest."""
    found = {part: 100 * time / whole for part, time in sorted(seconds.items(), key=lambda one: -one[1])}
    return {**found, 'rest': 100 - sum(found.values())}
