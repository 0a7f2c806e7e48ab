"""Work and models in one process and in several."""
from typing import Any, Callable, Dict, List, Optional, TypeVar

from mmengine.dist import all_gather_object, broadcast_object_list, get_rank
from mmengine.model import is_model_wrapper
from torch import nn

Result = TypeVar('Result')
_WRAPPER = 'module.'


def unwrap(module: nn.Module) -> nn.Module:
    """The module inside of a data-parallel wrapper, or the module itself."""
    return module.module if is_model_wrapper(module) else module


def keep_names_in_parallel(model: nn.Module) -> None:
    """Let a model's state dict have the same names whether its children are wrapped for several processes or not.

    `MMSeparateDistributedDataParallel` wraps each child, and MMEngine's Runner then saves `<child>.module.<weight>`.
    Its loader looks for `<child>.<weight>`, finds nothing and only warns: a run on several GPUs would go on from random
    weights. With this, `<child>.<weight>` is saved; checkpoints that have the other names are read, too.

    Args:
        model (nn.Module): A model whose children may be wrapped later.
    """

    def strip(module: nn.Module, state_dict: Dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, _ in module.named_children():
            wrapped = f'{prefix}{name}.{_WRAPPER}'
            for key in [key for key in state_dict if key.startswith(wrapped)]:
                state_dict[f'{prefix}{name}.{key[len(wrapped):]}'] = state_dict.pop(key)

    model._register_state_dict_hook(strip)
    model._register_load_state_dict_pre_hook(lambda *arguments: strip(model, *arguments))


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


def in_first_process(action: Callable[[], Result]) -> Result:
    """Run something in the first process alone; if it fails, it ends all.

    Args:
        action (Callable): Called without arguments. It must not talk to the other processes itself.

    Returns:
        Any: What it returned, in every process.

    Raises:
        OSError | ValueError | RuntimeError | ImportError: what it raised, in the first process.
        SystemExit: in the others.
    """
    shared: List[Any] = [together(lambda: action() if get_rank() == 0 else None)]
    broadcast_object_list(shared)
    return shared[0]
