"""Deciding from the reports of all processes of a run whether one of them has failed or hangs."""
from typing import List, Mapping, NamedTuple, Optional

FIRST = 10  # the first time, a section may take so many times the limit: kernels are compiled, workers are started


class Report(NamedTuple):
    """The state of a process, which it reports several times in each `hang_limit`.

    Attributes:
        name (str): 'rank 1 (process 4711 on node7)'.
        serial (int): Number of the report.
        ended (bool): Whether the process has come to its end.
        error (str): The exception with which it ends.
        section (str): The section of work that it is in, see `watchdog.Section`; '' for none.
        alone (bool): Whether it can finish this section without the other processes.
        standing (float): Seconds since the section began.
        stuck (bool): Whether this is longer than the section may take.
        waits (bool): Whether the main thread is in a function of torch that waits for other processes.
        place (str): Where the main thread is, the innermost function first.
    """
    name: str
    serial: int = 0
    ended: bool = False
    error: str = ''
    section: str = ''
    alone: bool = False
    standing: float = 0.
    stuck: bool = False
    waits: bool = False
    place: str = ''


def is_stuck(standing: float, count: int, longest: float, limit: float) -> bool:
    """Whether a section takes longer than it may: the limit, or twice as long as it ever took in this run.

    Args:
        standing (float): Seconds since it began.
        count (int): How often it began; 1 for the first time.
        longest (float): The longest time that it took before, in seconds.
        limit (float): `hang_limit` in seconds.
    """
    return standing > (FIRST * limit if count == 1 else max(limit, 2 * longest))


def judge(reports: Mapping[int, Report], silent: Mapping[int, float], limit: float,
          has_all: bool) -> Optional[List[int]]:
    """Find the processes because of which a run cannot go on.

    A process that only waits for others is not one of them. A section that needs the others counts only if all
    processes are stuck in one, or have ended: otherwise they may wait for one that writes a checkpoint.

    Args:
        reports (Mapping[int, Report]): The last report of each rank.
        silent (Mapping[int, float]): Seconds since this report.
        limit (float): `hang_limit` in seconds.
        has_all (bool): Whether these are all ranks of the run. Otherwise they are the own one and rank 0.

    Returns:
        list[int] | None: Their ranks; None if the run goes on.
    """
    failed = [rank for rank, report in reports.items() if report.error]
    dead = [rank for rank, report in reports.items() if silent[rank] >= limit and not report.ended]
    hung = [rank for rank, report in reports.items() if report.stuck and report.alone and not report.ended]
    for named in (failed, dead, hung):
        if named:
            return named
    ended = [rank for rank, report in reports.items() if report.ended]
    stuck = [rank for rank, report in reports.items() if report.stuck and not report.ended]
    if not stuck or len(stuck) + len(ended) < len(reports) or not (has_all or ended):
        return None
    return ended or [rank for rank in stuck if not reports[rank].waits] or stuck


def explain(named: List[int], reports: Mapping[int, Report], silent: Mapping[int, float], limit: float) -> str:
    """Describe why a run ends, with a line for each process that is named, and for the others that wait for it."""
    shown = [*named, *[rank for rank, report in reports.items() if rank not in named and report.section][:8]]
    names = ', '.join(reports[rank].name for rank in named)
    hint = '' if reports[named[0]].error else (
        f' If the run was healthy but slow, raise `hang_limit` (now {limit:g} seconds); 0 never ends it.')
    return '\n'.join([
        f'\nThe run cannot go on because of {names}. All processes are ended:',
        *[f'- {reports[rank].name} {_state(reports[rank], silent[rank], limit)}' for rank in shown],
        f'Start the same command again to continue; a single training needs --resume.{hint}\n'
    ])  # yapf: disable


def _state(report: Report, silent: float, limit: float) -> str:
    if report.error:
        return f'has failed: {report.error}'
    if report.ended:
        return 'has ended before the others.'
    if silent >= limit:
        before = f' Before, it was busy with {report.section}.' if report.section else ''
        return f'has given no sign of life for {silent:.0f} s.{before}'
    doing = f'has been busy for {report.standing:.0f} s with {report.section}'
    return f'{doing}{", waiting for others" if report.waits else ""}, at {report.place}.'
