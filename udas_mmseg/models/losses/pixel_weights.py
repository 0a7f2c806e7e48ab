"""The loss of a head with a weight for each pixel."""
from typing import Dict

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss
from mmseg.models.utils import resize
from mmseg.utils import SampleList
from torch import Tensor, nn


def weighted_head_loss(head: nn.Module, logits: Tensor, data_samples: SampleList, weight: Tensor) -> Dict[str, Tensor]:
    """Compute `BaseDecodeHead.loss_by_feat` with a weight for each pixel, which MMSegmentation does not support.

    Args:
        head (BaseDecodeHead): The head.
        logits (Tensor): (N, C, h, w), the output of the head.
        data_samples (list[SegDataSample]): Samples with `gt_sem_seg`, (1, H, W) each.
        weight (Tensor): (N, H, W) float; it is multiplied by the weight of the head's sampler, if there is one.

    Returns:
        dict[str, Tensor]: `<loss>` and `acc_seg`.

    Raises:
        ValueError: if the head overrides `loss_by_feat`, or has another loss than `CrossEntropyLoss`.
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
    return {**result, 'acc_seg': pixel_accuracy(logits, label, head.ignore_index)}


@torch.no_grad()
def pixel_accuracy(logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
    """Compute the `acc_seg` of MMSegmentation, which sorts the classes of each pixel to find the largest one.

    Args:
        logits (Tensor): (N, C, H, W).
        label (Tensor): (N, H, W) integers.
        ignore_index (int): Label of pixels that are not counted.

    Returns:
        Tensor: (1, ), the percentage of pixels whose largest logit is that of their class.
    """
    is_counted = label != ignore_index
    is_right = is_counted & (logits.max(dim=1).indices == label)
    eps = torch.finfo(torch.float32).eps  # all pixels may be ignored
    return ((is_right.sum() + eps) * (100 / (is_counted.sum() + eps)))[None]
