"""Timing on machines whose speed drifts: functions in turn, several times, with medians and ranges of their ratios."""
import contextlib
import multiprocessing
import os
import platform
import re
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, TypedDict

import cv2
import torch

Function = Callable[[], object]


class Row(TypedDict, total=False):
    """A figure of the table.

    Attributes:
        name: What was measured, and its unit.
        value: Its median.
        against: What it is compared with, and the median of that.
        ratio: Median of the ratios of each repeat; None if the value itself has a goal.
        cpu_ratio: The same of processor time, which other work on the machine changes less.
        spread: Lowest and highest ratio, or value if there is no ratio.
        repeats: Number of repeats.
        goal: A comparison with the ratio ('ratio >= 1.1') or the value ('< 8 ms'); '' for none.
        images_per_second: Where it was measured.
        peak_gb: Peak memory in 10^9 bytes, where it was measured.
    """
    name: str
    value: float
    against: str
    ratio: Any
    cpu_ratio: Any
    spread: Any
    repeats: int
    goal: str
    images_per_second: float
    peak_gb: float


Parts = Dict[str, Callable[[], List[Row]]]  # of a benchmark, by name; the one that says most is first


class Cost(NamedTuple):
    """Seconds of each call of a function: on the clock, and of the processors."""
    wall: List[float]
    cpu: List[float]


def seconds(function: Function) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def processor_seconds() -> float:
    """Time that processors have worked for this process and its children, on Linux also for those that still run."""
    finished = os.times()
    total = time.process_time() + finished.children_user + finished.children_system
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):  # it has just ended, or this is not Linux
            fields = Path(f'/proc/{child.pid}/stat').read_text().rpartition(')')[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf('SC_CLK_TCK')
    return total


def note(function: Function, cost: Cost) -> None:
    """Call a function, and add its time."""
    on_cpu = processor_seconds()
    cost.wall.append(seconds(function))
    cost.cpu.append(processor_seconds() - on_cpu)


def costs(functions: Sequence[Function], rounds: int = 7) -> List[Cost]:
    """Time several functions in turn, after one unmeasured call of each."""
    measured = [Cost([], []) for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, cost in zip(functions, measured):
            note(function, cost)
    return measured


def compared(name: str, reference: Cost, ours: Cost, against: str, goal: str = '', share: bool = False,
             unit: Callable[[float], float] = float) -> Row:
    """A row with the ratios of two functions that were timed in turn.

    Args:
        name (str): Of the row.
        reference (Cost): Of the function to compare with.
        ours (Cost): Of the function that is measured.
        against (str): Name of the reference.
        goal (str): See `Row`.
        share (bool): Whether ratios are `ours / reference` (what share of its time) instead of `reference / ours` (how
            many times faster).
        unit (Callable): Function from seconds to the unit of the row.
    """
    wall, cpu = ([b / a if share else a / b for a, b in zip(first, second) if min(a, b) > 0]
                 for first, second in zip(reference, ours))
    return dict(name=name, value=unit(statistics.median(ours.wall)),
                against=f'{against}: {unit(statistics.median(reference.wall)):.3g}', ratio=statistics.median(wall),
                cpu_ratio=statistics.median(cpu) if cpu else None, spread=(min(wall), max(wall)), repeats=len(wall),
                goal=goal)


def absolute(name: str, values: Sequence[float], goal: str = '', against: str = '') -> Row:
    """A row of values whose goal is not a ratio."""
    return dict(name=name, value=statistics.median(values), against=against, ratio=None, cpu_ratio=None,
                spread=(min(values), max(values)), repeats=len(values), goal=goal)


def images_a_second(count: int) -> Callable[[float], float]:
    """The unit of functions that process so many images."""
    return lambda seconds: count / seconds


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Threads of PyTorch and OpenCV, for a while."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(number)
    cv2.setNumThreads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def processor() -> str:
    """Name of the processor, and the widest of its vector instructions that matter here."""
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:  # not Linux
        return platform.processor()
    name = re.search(r'model name\s*: (.*)', text)
    wide = next((flag for flag in ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2') if f' {flag}' in text), '')
    return f'{name[1] if name else platform.machine()} {wide}'.strip()


def has_bfloat16() -> bool:
    """Whether this machine computes in bfloat16. Without it, a step takes many times as long, which tells nothing."""
    return torch.cuda.is_available() or 'bf16' in processor()
