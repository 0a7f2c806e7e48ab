"""State dicts of one method, loaded into another."""
from typing import Dict, Iterable

from mmengine.logging import print_log
from torch import Tensor

from ..predictor import SEGMENTOR_PREFIX


def take_segmentor_weights(state_dict: Dict[str, Tensor], prefix: str) -> None:
    """Rename the weights of a segmentor alone (trained on the source only, say) to those of `segmentor`, in place.

    Args:
        state_dict (dict[str, Tensor]): The weights that are being loaded. If one belongs to a `segmentor`, they are
            those of a whole model, and stay as they are.
        prefix (str): Of the model that is loaded into.
    """
    whole = f'{prefix}{SEGMENTOR_PREFIX}'
    if not any(key.startswith(whole) for key in state_dict):
        for key in [key for key in state_dict if key.startswith(prefix)]:
            state_dict[whole + key[len(prefix):]] = state_dict.pop(key)


def drop_other_children(state_dict: Dict[str, Tensor], prefix: str, children: Iterable[str]) -> None:
    """Remove the weights of children that this model does not have, in place: those of another method.

    Args:
        state_dict (dict[str, Tensor]): Weights of a whole model.
        prefix (str): Of the model that is loaded into.
        children (Iterable[str]): Names of its children.
    """
    known = set(children)
    other = [key for key in state_dict if key.startswith(prefix) and key[len(prefix):].split('.')[0] not in known]
    for key in other:
        del state_dict[key]
    if other:
        names = sorted({key[len(prefix):].split('.')[0] for key in other})
        print_log(f'Left out of the checkpoint, since this model has no such parts: {", ".join(names)} '
                  f'({len(other)} entries).', 'current')
