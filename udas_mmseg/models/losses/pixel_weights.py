"""The loss of a head, with a weight for each pixel if there are any."""
from typing import Dict, List, Optional

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss
from mmseg.models.utils import resize
from mmseg.utils import SampleList
from torch import Tensor, nn


def head_loss(head: nn.Module, logits: Tensor, data_samples: SampleList,
              weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Compute `BaseDecodeHead.loss_by_feat`, or the same with a weight for each pixel, which MMSegmentation lacks.

    Without weights, the values are those of `BaseDecodeHead.loss_by_feat`, in less time, see `pixel_accuracy`.

    Args:
        head (BaseDecodeHead): The head.
        logits (Tensor): (N, C, h, w), the output of the head.
        data_samples (list[SegDataSample]): Samples with `gt_sem_seg`, (1, H, W) each.
        weight (Tensor, optional): (N, H, W) float; it is multiplied by the weight of the head's sampler, if there is
            one. Defaults to None: no weights.

    Returns:
        dict[str, Tensor]: `<loss>` and `acc_seg`.

    Raises:
        ValueError: if the head overrides `loss_by_feat`, or has another loss than `CrossEntropyLoss`.
    """
    losses = _losses_of(head)
    if not has_plain_loss(head):
        raise ValueError(f'pixel weights need a head with the loss_by_feat of BaseDecodeHead and CrossEntropyLoss; '
                         f'{type(head).__name__} has {[type(loss).__name__ for loss in losses]}. Use such a head, or a '
                         'labeling without weights (ThresholdLabeling).')
    label = torch.stack([sample.gt_sem_seg.data for sample in data_samples])
    logits = resize(logits, size=label.shape[2:], mode='bilinear', align_corners=head.align_corners)
    if head.sampler is not None:
        sampled = head.sampler.sample(logits, label)
        weight = sampled if weight is None else weight * sampled
    label = label.squeeze(1)
    result: Dict[str, Tensor] = {}
    for loss in losses:
        value = loss(logits, label, weight=weight, ignore_index=head.ignore_index)
        result[loss.loss_name] = result[loss.loss_name] + value if loss.loss_name in result else value
    return {**result, 'acc_seg': pixel_accuracy(logits, label, head.ignore_index)}


def has_plain_loss(head: nn.Module) -> bool:
    """Whether `head_loss` can compute the loss of a head."""
    plain = all(isinstance(loss, CrossEntropyLoss) and not loss.use_mask for loss in _losses_of(head))
    return plain and type(head).loss_by_feat is BaseDecodeHead.loss_by_feat


def _losses_of(head: nn.Module) -> List[nn.Module]:
    return list(head.loss_decode) if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]


@torch.no_grad()
def pixel_accuracy(logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
    """Compute the `acc_seg` of MMSegmentation, which sorts the classes of each pixel to find the largest one.

    On a CPU, this takes a fifth of the time. On a GPU, MMSegmentation also waits for the number of labelled pixels.

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
