"""What several processes do together, so that a mistake ends all of them and is said once."""
from typing import Callable, Optional, TypeVar

from mmengine.dist import all_gather_object, get_rank

Result = TypeVar('Result')


def together(action: Callable[[], Result]) -> Result:
    """Run something in every process of the group; if it fails in one, it ends all.

    Args:
        action (Callable): Called without arguments. It must not talk to the other processes itself.

    Returns:
        Any: What it returned in this process.

    Raises:
        OSError | ValueError | RuntimeError | ImportError: what it raised, in the first process where it failed.
        SystemExit: in the others.
    """
    problem: Optional[Exception] = None
    try:
        result = action()
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        problem = error
    failed = [rank for rank, fails in enumerate(all_gather_object(problem is not None)) if fails]
    if problem is not None and failed[0] == get_rank():
        raise problem
    if failed:
        raise SystemExit(1)
    return result
