"""Ending all processes of a run if one of them has failed or hangs, with its name.

Without this, the others wait in a collective until the time limit of the process group, 10 minutes with NCCL and 30
with gloo, and the message does not say for whom. Each process has a thread that reports several times in each
`hang_limit` what the main thread does, through the store at which the processes have met. Rank 0 judges the reports
(`hangs.judge`); the others judge rank 0.
"""
import atexit
import contextlib
import json
import os
import os.path as osp
import socket
import sys
import threading
from datetime import timedelta
from types import FrameType, TracebackType
from typing import ClassVar, Dict, Iterable, Iterator, List, Optional, Sequence, Type, TypeVar

import torch.distributed as torch_dist

from .hangs import Report, explain, is_stuck, judge

HANG_LIMIT = 60.
Item = TypeVar('Item')
_REPORTS = 12  # in each `hang_limit`
_WAITING = tuple(osp.join('torch', *parts) for parts in (
    ('distributed', ''), ('autograd', 'graph.py'), ('nn', 'parallel', 'distributed.py')))  # yapf: disable
_watchdog: Optional['Watchdog'] = None


class Section:
    """A part of the work that is done again and again, such as a training step, and must not take too long.

    Time outside of sections is not limited: a checkpoint may be written slowly.

    Args:
        what (str): Its name.
        alone (bool): Whether the process can finish it without the others. If not, it may take longer because another
            process is slow.

    Example:
        >>> step = Section('a training step', alone=False)
        >>> for batch in loader:
        ...     step.begin()
        ...     train(batch)
        ...     step.end()
    """
    current: ClassVar[Optional['Section']] = None

    def __init__(self, what: str, alone: bool) -> None:
        self.what, self.alone = what, alone
        self.count = 0
        self.longest = 0.

    def begin(self) -> None:
        """Begin the section, or begin it again."""
        self.count += 1
        Section.current = self

    def end(self) -> None:
        """End the section."""
        Section.current = None


def watch_each(items: Iterable[Item], what: str) -> Iterator[Item]:
    """Iterate over items; the work on each of them is a section that needs no other process."""
    section = Section(what, alone=True)
    for item in items:
        section.begin()  # until the next item is there
        yield item
    section.end()


class Watchdog(threading.Thread):
    """The thread that reports, judges, and ends the process.

    Time is counted in turns of the thread, so that a machine that slept, or a job that was suspended, is not a hang.

    Args:
        rank (int): Rank of this process.
        world_size (int): Number of processes.
        limit (float): `hang_limit` in seconds.
    """

    def __init__(self, rank: int, world_size: int, limit: float) -> None:
        super().__init__(name='watchdog', daemon=True)
        self.rank, self.world_size, self.limit = rank, world_size, limit
        self.interval = limit / _REPORTS
        self.own = Report(f'rank {rank} (process {os.getpid()} on {socket.gethostname()})')
        self.reports: Dict[int, Report] = {}
        self.silent: Dict[int, float] = {rank: 0.}
        self._ranks: Sequence[int] = range(world_size) if rank == 0 else (0, rank)
        self._stopped = threading.Event()
        self._error = ''
        self._store: Optional[torch_dist.Store] = None
        self._section: Optional[Section] = None
        self._count = 0

    def stop(self, error: str = '') -> None:
        """Report the end of the process, unless this was done before."""
        if not self._stopped.is_set():
            self._error = error
            self._stopped.set()
            self.join(2 * self.interval)

    def run(self) -> None:
        """Report and judge until the process ends."""
        while not torch_dist.is_initialized():
            if self._stopped.wait(self.interval):
                return
        while not self._stopped.wait(self.interval):
            self.observe()
            self._exchange(self._ranks)
            named = judge(self.reports, self.silent, self.limit, self.rank == 0)
            if named:
                self._end_all(explain(named, self.reports, self.silent, self.limit))
        self.own = self.own._replace(serial=self.own.serial + 1, ended=True, error=self._error)
        self._exchange(range(self.world_size))
        failed = [rank for rank, report in self.reports.items() if report.error and rank != self.rank]
        if self._error and failed:  # probably the reason: a lost connection, for example
            _say(explain(failed, self.reports, self.silent, self.limit))

    def observe(self) -> None:
        """Describe in the own report what the main thread does. Called in each turn."""
        section = Section.current
        count = 0 if section is None else section.count
        standing = self.own.standing + self.interval
        if (section, count) != (self._section, self._count):
            if self._section is not None:
                self._section.longest = max(self._section.longest, standing)
            standing = 0.
        self._section, self._count = section, count
        self.own = Report(self.own.name, self.own.serial + 1, standing=standing)
        if section is None:
            return
        frames = _stack()
        place = ' < '.join(f'{_short(frame.f_code.co_filename)}:{frame.f_lineno} ({frame.f_code.co_name})'
                           for frame in frames)
        self.own = self.own._replace(
            section=section.what, alone=section.alone, place=place,
            stuck=is_stuck(standing, count, section.longest, self.limit),
            waits=any(part in frames[0].f_code.co_filename for part in _WAITING))

    def _exchange(self, ranks: Sequence[int]) -> None:
        """Write the own report, and read those of others. A store that is gone has ended together with rank 0."""
        try:
            self._store = self._store or self._connect()
            self._store.set(str(self.rank), json.dumps(self.own))
            verdict = self._store.get('verdict').decode() if self._store.check(['verdict']) else ''
            found = {rank: Report(*json.loads(self._store.get(str(rank)))) for rank in ranks
                     if self._store.check([str(rank)])}
        except RuntimeError:
            self._store = None
            for rank in self.reports.keys() - {self.rank}:
                self.silent[rank] += self.interval
                if self.silent[rank] >= self.limit:
                    self.reports[rank] = self.reports[rank]._replace(ended=True)
            self.reports[self.rank] = self.own
            return
        if verdict:
            self._end(verdict)
        for rank in ranks:
            before = self.reports.get(rank, Report(f'rank {rank}'))
            self.reports[rank] = found.get(rank, before)
            is_new = rank == self.rank or self.reports[rank] != before
            self.silent[rank] = 0. if is_new else self.silent.get(rank, 0.) + self.interval

    def _connect(self) -> torch_dist.Store:
        """Connect to the store at which the processes have met. The process group has a connection of its own."""
        store = torch_dist.TCPStore(os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']), is_master=False,
                                    wait_for_workers=False, timeout=timedelta(seconds=max(1., 2 * self.interval)))
        return torch_dist.PrefixStore(f'watchdog_{os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)}', store)

    def _end_all(self, verdict: str) -> None:
        """End all processes, with one message on each machine: the others read the verdict."""
        first = verdict
        with contextlib.suppress(RuntimeError):
            if self._store is not None:
                first = self._store.compare_set('verdict', '', verdict).decode()
        if first == verdict:
            _say(verdict)
            threading.Event().wait(3 * self.interval)  # the launcher, or the store of this process, ends the others
            os._exit(1)
        self._end(first)

    def _end(self, verdict: str) -> None:
        """End this process at once: its main thread may never come back."""
        if os.environ.get('LOCAL_RANK', '0') == '0':
            _say(verdict)
        os._exit(1)


def start_watchdog(limit: float) -> None:
    """Watch the processes of a run, which torchrun or SLURM has started. Later calls have no effect.

    Args:
        limit (float): `hang_limit` in seconds; 0 for no watchdog.

    Raises:
        ValueError: if it is negative or not a number.
    """
    global _watchdog
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit >= 0:
        raise ValueError(f'hang_limit={limit!r}: allowed are seconds above 0, or 0 to wait without limit.')
    world_size = int(os.environ.get('WORLD_SIZE', 1))
    if _watchdog is not None or limit == 0 or world_size == 1:
        return
    _watchdog = Watchdog(int(os.environ['RANK']), world_size, limit)
    _watchdog.start()
    atexit.register(_watchdog.stop)
    show = sys.excepthook

    def report(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        show(kind, error, trace)
        report_failure(error)

    sys.excepthook = report


def report_failure(error: BaseException) -> None:
    """Tell the other processes with which error this one ends."""
    if _watchdog is not None:
        _watchdog.stop(f'{type(error).__name__}: {error}')


def is_watching() -> bool:
    """Whether this process is watched."""
    return _watchdog is not None


def _stack() -> List[FrameType]:
    """Return the innermost three frames of the main thread."""
    frame: Optional[FrameType] = sys._current_frames()[threading.main_thread().ident or 0]
    frames: List[FrameType] = []
    while frame is not None and len(frames) < 3:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _short(path: str) -> str:
    """Return the last three parts of a path."""
    return '/'.join(path.split(os.sep)[-3:])


def _say(text: str) -> None:
    """Write to standard error without locks, which the main thread may hold."""
    os.write(2, text.encode())
