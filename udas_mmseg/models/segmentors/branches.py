"""Heads, forward passes and losses of batches with several branches, for all methods."""
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import torch
from mmseg.utils import add_prefix
from torch import Tensor, nn

from ..losses.pixel_weights import weighted_head_loss
from ..terms.context import Outputs


def heads_of(segmentor: nn.Module) -> Dict[str, nn.Module]:
    """Return the heads of an `EncoderDecoder`, by MMSegmentation's prefixes of their losses; the main head first."""
    heads = {'decode': segmentor.decode_head}
    if segmentor.with_auxiliary_head:
        auxiliary = segmentor.auxiliary_head
        if isinstance(auxiliary, nn.ModuleList):
            heads.update((f'aux_{number}', head) for number, head in enumerate(auxiliary))
        else:
            heads['aux'] = auxiliary
    return heads


def split_forward(forward: Callable[[Tensor], Outputs], images: Dict[str, Tensor]) -> Dict[str, Outputs]:
    """Compute the outputs of all branches in one forward pass, and split them.

    Args:
        forward (Callable): Function from (N, 3, H, W) images to `Outputs`.
        images (dict[str, Tensor]): (N_b, 3, H, W) of each branch.

    Returns:
        dict[str, Outputs]: The outputs of each branch, for N_b samples.
    """
    sizes = [len(batch) for batch in images.values()]
    logits, features = forward(torch.cat(list(images.values())))
    logits_by_branch = _split(logits, sizes)
    features_by_branch = [None] * len(sizes) if features is None else _split(features, sizes)
    return {
        name: Outputs(of_branch, of_features)
        for name, of_branch, of_features in zip(images, logits_by_branch, features_by_branch)
    }


def segmentation_losses(heads: Dict[str, nn.Module],
                        branches: Dict[str, dict],
                        logits: Dict[str, List[Tensor]],
                        pixel_weights: Optional[Mapping[str, Tensor]] = None) -> Dict[str, Tensor]:
    """Compute the losses of labelled branches with the heads' `loss_decode`.

    Args:
        heads (dict[str, nn.Module]): MMSegmentation's decode heads, by name.
        branches (dict[str, dict]): `data_samples` with `gt_sem_seg` of each branch.
        logits (dict[str, list[Tensor]]): (N, C, H_i, W_i) of each head, for each branch.
        pixel_weights (Mapping[str, Tensor], optional): (N, H, W) float, for branches with different weights of pixels.
            The loss of a pixel is multiplied by its weight. The sum is divided by the number of pixels (of all pixels,
            or with `avg_non_ignore=True` of the labelled ones), as without weights, and not by the sum of the weights.
            Weights of 1 therefore change nothing.

    Returns:
        dict[str, Tensor]: `<branch>.<head>.<loss>`.

    Raises:
        ValueError: if there are pixel weights, but a head computes its loss in another way.
    """
    losses: Dict[str, Tensor] = {}
    for name, branch in branches.items():
        weight = (pixel_weights or {}).get(name)
        for (level, head), level_logits in zip(heads.items(), logits[name]):
            samples = branch['data_samples']
            of_head = (head.loss_by_feat(level_logits, samples) if weight is None else
                       weighted_head_loss(head, level_logits, samples, weight))
            losses.update(add_prefix(of_head, f'{name}.{level}'))
    return losses


def _split(values: Sequence[Tensor], sizes: List[int]) -> List[List[Tensor]]:
    """Split tensors of a batch into those of each branch."""
    parts = [value.split(sizes) for value in values]
    return [[part[number] for part in parts] for number in range(len(sizes))]
