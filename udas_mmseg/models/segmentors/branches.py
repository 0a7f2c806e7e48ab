"""Heads, forwards and losses of batches with several branches, whatever the method."""
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss, accuracy
from mmseg.models.utils import resize
from mmseg.utils import SampleList, add_prefix
from torch import Tensor, nn

from ..terms.context import Outputs


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


def split_forward(forward: Callable[[Tensor], Outputs], images: Dict[str, Tensor]) -> Dict[str, Outputs]:
    """Outputs for each branch, from one forward for all of them.

    Args:
        forward (Callable): From (N, 3, H, W) images to `Outputs`.
        images (dict[str, Tensor]): (N_b, 3, H, W) of each branch.

    Returns:
        dict[str, Outputs]: With N_b samples, for each branch.
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
    """Losses of labelled branches by the heads' own `loss_decode`.

    Args:
        heads (dict[str, nn.Module]): MMSegmentation's decode heads, by name.
        branches (dict[str, dict]): `data_samples` with `gt_sem_seg` of each branch.
        logits (dict[str, list[Tensor]]): (N, C, H_i, W_i) of each head, for each branch.
        pixel_weights (Mapping[str, Tensor], optional): (N, H, W) float, for branches whose pixels do not count alike.
            A pixel's loss is multiplied by its weight; the mean is divided by the number of pixels as without weights
            (all, or with `avg_non_ignore=True` the labelled ones), not by the sum of the weights. Weights of 1 change
            nothing.

    Returns:
        dict[str, Tensor]: `<branch>.<head>.<loss>`.

    Raises:
        ValueError: if there are pixel weights and a head computes its loss in another way.
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


def weighted_head_loss(head: nn.Module, logits: Tensor, data_samples: SampleList, weight: Tensor) -> Dict[str, Tensor]:
    """`BaseDecodeHead.loss_by_feat` with a weight for each pixel, which that one does not take.

    Args:
        head (BaseDecodeHead): The head.
        logits (Tensor): (N, C, h, w), its output.
        data_samples (list[SegDataSample]): With `gt_sem_seg`, (1, H, W) each.
        weight (Tensor): (N, H, W) float; multiplied by that of the head's sampler, if it has one.

    Returns:
        dict[str, Tensor]: `<loss>` and `acc_seg`.

    Raises:
        ValueError: if the head computes its loss in its own way, or with something else than `CrossEntropyLoss`.
    """
    losses = list(head.loss_decode) if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]
    plain = all(isinstance(loss, CrossEntropyLoss) and not loss.use_mask for loss in losses)
    if type(head).loss_by_feat is not BaseDecodeHead.loss_by_feat or not plain:
        raise ValueError(f'pixel weights need a head with the loss_by_feat of BaseDecodeHead and CrossEntropyLoss; '
                         f'{type(head).__name__} has {[type(loss).__name__ for loss in losses]}. Use such a head, or a '
                         'labeling without weights (ThresholdLabeling).')
    label = torch.stack([sample.gt_sem_seg.data for sample in data_samples])
    logits = resize(logits, size=label.shape[2:], mode='bilinear', align_corners=head.align_corners)
    if head.sampler is not None:
        weight = weight * head.sampler.sample(logits, label)
    label = label.squeeze(1)
    result: Dict[str, Tensor] = {}
    for loss in losses:
        value = loss(logits, label, weight=weight, ignore_index=head.ignore_index)
        result[loss.loss_name] = result[loss.loss_name] + value if loss.loss_name in result else value
    return {**result, 'acc_seg': accuracy(logits, label, ignore_index=head.ignore_index)}


def _split(values: Sequence[Tensor], sizes: List[int]) -> List[List[Tensor]]:
    """Tensors of a batch, split into those of each branch."""
    parts = [value.split(sizes) for value in values]
    return [[part[number] for part in parts] for number in range(len(sizes))]
