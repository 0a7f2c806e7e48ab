"""Models in one process and in several."""
from typing import Any, Dict

from mmengine.model import is_model_wrapper
from torch import nn

_WRAPPER = 'module.'


def unwrap(module: nn.Module) -> nn.Module:
    """What is inside of a data-parallel wrapper, or the module itself."""
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
