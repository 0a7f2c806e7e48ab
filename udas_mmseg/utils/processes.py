"""Working with one or several processes."""
import contextlib
import gc
from typing import Any, Callable, Dict, Iterator, List, Optional, TypeVar

from mmengine.dist import all_gather_object, broadcast_object_list, get_rank
from mmengine.model import is_model_wrapper
from torch import nn

Result = TypeVar('Result')
_WRAPPER = 'module.'


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module inside a data-parallel wrapper, or the module itself."""
    return module.module if is_model_wrapper(module) else module


def keep_names_in_parallel(model: nn.Module) -> None:
    """Give a model's state dict the same names whether or not its children are wrapped for several processes.

    `MMSeparateDistributedDataParallel` wraps each child, and MMEngine's Runner then saves `<child>.module.<weight>`.
    Its loader expects `<child>.<weight>`, finds no weights and only logs a warning, so a resumed run on several GPUs
    would continue from random weights. This function makes the state dict use `<child>.<weight>`; checkpoints with the
    other names can also be loaded.

    Args:
        model (nn.Module): A model whose children may be wrapped later.
    """
    model._register_state_dict_hook(strip_wrappers)
    model._register_load_state_dict_pre_hook(lambda *arguments: strip_wrappers(model, *arguments))


def strip_wrappers(model: nn.Module, state_dict: Dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename `<child>.module.<weight>` to `<child>.<weight>` for all children of a model, in place.

    Args:
        model (nn.Module): The model.
        state_dict (dict): Its state dict.
        prefix (str): Prefix of the model's own names.
    """
    for name, _ in model.named_children():
        wrapped = f'{prefix}{name}.{_WRAPPER}'
        for key in [key for key in state_dict if key.startswith(wrapped)]:
            state_dict[f'{prefix}{name}.{key[len(wrapped):]}'] = state_dict.pop(key)


def together(action: Callable[[], Result]) -> Result:
    """Run a function in every process of the group. If it fails in one process, all processes end.

    Args:
        action (Callable): Called without arguments. It must not communicate with the other processes itself.

    Returns:
        Any: The result in this process.

    Raises:
        OSError | ValueError | RuntimeError | ImportError: the exception of `action`, in the first process where it
            failed.
        SystemExit: in the other processes.
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
    """Run a function in the first process only. If it fails, all processes end.

    Args:
        action (Callable): Called without arguments. It must not communicate with the other processes itself.

    Returns:
        Any: The result, in every process.

    Raises:
        OSError | ValueError | RuntimeError | ImportError: the exception of `action`, in the first process.
        SystemExit: in the other processes.
    """
    shared: List[Any] = [together(lambda: action() if get_rank() == 0 else None)]
    broadcast_object_list(shared)
    return shared[0]


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Run a block without looking for cycles of objects, which takes seconds while a million objects are made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
