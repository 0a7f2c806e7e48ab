"""What training on batches with several branches shares, whatever the method."""
from typing import Callable, Dict, Iterable, List, Sequence

import torch
from mmseg.utils import add_prefix
from torch import Tensor, nn

SUPERVISED = ('source', 'labeled_target')


def heads_of(segmentor: nn.Module) -> Dict[str, nn.Module]:
    """Heads of an `EncoderDecoder`, by the names that MMSegmentation prefixes their losses with; the main one first."""
    heads = {'decode': segmentor.decode_head}
    if segmentor.with_auxiliary_head:
        auxiliary = segmentor.auxiliary_head
        if isinstance(auxiliary, nn.ModuleList):
            heads.update((f'aux_{number}', head) for number, head in enumerate(auxiliary))
        else:
            heads['aux'] = auxiliary
    return heads


def split_forward(forward: Callable[[Tensor], Sequence[Tensor]], images: Dict[str, Tensor],
                  memory_format: torch.memory_format) -> Dict[str, List[Tensor]]:
    """Logits of every head for each branch, from one forward for all of them.

    Args:
        forward (Callable): From (N, 3, H, W) images to each head's logits.
        images (dict[str, Tensor]): (N_b, 3, H, W) of each branch.
        memory_format (torch.memory_format): That of the network.

    Returns:
        dict[str, list[Tensor]]: (N_b, C, H_i, W_i) of each head, for each branch.
    """
    sizes = [len(batch) for batch in images.values()]
    batch = torch.cat(list(images.values())).contiguous(memory_format=memory_format)
    levels = [level.split(sizes) for level in forward(batch)]
    return {name: [level[number] for level in levels] for number, name in enumerate(images)}


def segmentation_losses(heads: Dict[str, nn.Module], branches: Dict[str, dict],
                        logits: Dict[str, List[Tensor]]) -> Dict[str, Tensor]:
    """What the heads' own losses say of the logits of labelled branches, as `<branch>.<head>.<loss>`."""
    losses: Dict[str, Tensor] = {}
    for name, branch in branches.items():
        for (level, head), level_logits in zip(heads.items(), logits[name]):
            losses.update(add_prefix(head.loss_by_feat(level_logits, branch['data_samples']), f'{name}.{level}'))
    return losses


def take_segmentor_weights(state_dict: Dict[str, Tensor], prefix: str, children: Iterable[str]) -> None:
    """Rename the weights of a segmentor alone (trained on the source only, say) to those of `segmentor`, in place.

    Args:
        state_dict (dict[str, Tensor]): What is being loaded.
        prefix (str): Of the model that is loaded into.
        children (Iterable[str]): Its children; a state dict that has one of them is one of the whole model.
    """
    if not any(key.startswith(tuple(f'{prefix}{child}.' for child in children)) for key in state_dict):
        for key in [key for key in state_dict if key.startswith(prefix)]:
            state_dict[f'{prefix}segmentor.{key[len(prefix):]}'] = state_dict.pop(key)
