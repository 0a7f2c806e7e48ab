"""Running the steps of a plan: finished ones are kept, and a failure does not stop what does not need it."""
import statistics
from typing import Callable, Dict, List, Optional

from ..self_training.lock import WorkDirError, WorkDirLock
from ..utils.progress import clear_line, clock
from .plan import Plan
from .step import FINISHED, Step


def run_plan(plan: Plan, finished: Callable[[Step], None]) -> Dict[str, str]:
    """Run all steps that are not finished, in order.

    Args:
        plan (Plan): The plan.
        finished (Callable): Called with each step that has been finished.

    Returns:
        dict: Title of each step that failed, or whose inputs did -> the reason.
    """
    failed: Dict[str, str] = {}
    for number, step in enumerate(plan.steps, 1):
        if step.state() == FINISHED:
            continue
        clear_line()
        print(f'[{number}/{len(plan.steps)}{_time_left(plan)}] {step.title}', flush=True)
        try:
            _run(step, failed)
        except (OSError, ValueError, RuntimeError) as error:  # continue with the other steps
            failed[step.title] = str(error)
            print(f'{step.title}: {error}', flush=True)
        else:
            finished(step)
    return failed


def _run(step: Step, failed: Dict[str, str]) -> None:
    """Run a step, while no other process does.

    Raises:
        RuntimeError: if it fails, needs a step that failed, or another process runs it.
    """
    needed = [other.title for other in step.inputs.values() if other.title in failed]
    if needed:
        raise RuntimeError(f'not done, because it needs {", ".join(needed)}')
    lock = WorkDirLock(f'{step.folder}/command')  # the training itself locks its own folder
    try:
        lock.acquire()
    except WorkDirError as error:
        raise RuntimeError(f'{error} Then call the same command again.') from error
    try:
        step.work.run(step)
    finally:
        lock.release()


def _time_left(plan: Plan) -> str:
    """Estimate the time that is left: for each step that of another seed or, without one, the mean of all."""
    known: Dict[str, List[float]] = {}
    for step in plan.steps:
        for result in (step.results() or ())[-1:]:
            known.setdefault(step.name, []).append(result['seconds'])
    everything = [value for values in known.values() for value in values]
    if not everything:
        return ''
    left: Optional[float] = sum(statistics.fmean(known.get(step.name) or everything) for step in plan.steps
                                if step.state() != FINISHED)
    return f', about {clock(left or 0)} left'
