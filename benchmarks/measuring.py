"""Timing on machines whose speed drifts: ratios in one run, several times, the median."""
import statistics
import time
from typing import Callable, List, NamedTuple, Sequence, Tuple


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def paired(first: Callable[[], object], second: Callable[[], object], rounds: int = 7) -> Tuple[float, float, float]:
    """Time two functions in turn, after one unmeasured call of each.

    Returns:
        tuple: median seconds of `first`, of `second`, and the median of the ratios `second / first`.
    """
    first(), second()
    pairs: List[Tuple[float, float]] = [(seconds(first), seconds(second)) for _ in range(rounds)]
    return (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs),
            statistics.median(b / a for a, b in pairs))


class Cost(NamedTuple):
    """Seconds of each call of a function: on the clock, and of the process on all cores."""
    wall: List[float]
    cpu: List[float]


def costs(functions: Sequence[Callable[[], object]], rounds: int = 7) -> List[Cost]:
    """Time several functions in turn, after one unmeasured call of each."""
    measured = [Cost([], []) for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, cost in zip(functions, measured):
            on_cpu = time.process_time()
            cost.wall.append(seconds(function))
            cost.cpu.append(time.process_time() - on_cpu)
    return measured
