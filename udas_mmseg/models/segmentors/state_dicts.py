"""Loading the state dict of one method into another."""
from typing import Dict, Iterable

from mmengine.logging import print_log
from torch import Tensor

from ..predictor import SEGMENTOR_PREFIX


def take_segmentor_weights(state_dict: Dict[str, Tensor], prefix: str) -> None:
    """Rename the weights of a plain segmentor (for example, trained on the source only) to `segmentor.*`, in place.

    Args:
        state_dict (dict[str, Tensor]): The weights to load. If there are already weights of a `segmentor`, they are
            those of a whole model, and nothing is changed.
        prefix (str): Prefix of the model that loads them.
    """
    whole = f'{prefix}{SEGMENTOR_PREFIX}'
    if not any(key.startswith(whole) for key in state_dict):
        for key in [key for key in state_dict if key.startswith(prefix)]:
            state_dict[whole + key[len(prefix):]] = state_dict.pop(key)


def drop_other_children(state_dict: Dict[str, Tensor], prefix: str, children: Iterable[str]) -> None:
    """Remove the weights of children of another method, which this model does not have, in place.

    Args:
        state_dict (dict[str, Tensor]): Weights of a whole model.
        prefix (str): Prefix of the model that loads them.
        children (Iterable[str]): Names of its children.
    """
    known = set(children)
    other = [key for key in state_dict if key.startswith(prefix) and key[len(prefix):].split('.')[0] not in known]
    for key in other:
        del state_dict[key]
    if other:
        names = sorted({key[len(prefix):].split('.')[0] for key in other})
        print_log(f'Not loaded from the checkpoint, because this model has no such parts: {", ".join(names)} '
                  f'({len(other)} entries).', 'current')
