"""Outputs of a segmentor in training, and the losses of its heads for them."""
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from .losses.pixel_weights import has_plain_loss, head_loss

DETAIL = 'detail'  # prefix of the losses on detail crops


class DetailOutputs(NamedTuple):
    """The main head's logits for a crop of each image, which have a loss besides that of the whole images.

    Args:
        logits (Tensor): (N, C, h, w), unnormalised.
        corners (list[tuple[int, int]]): Top and left pixel of each crop.
        size (tuple[int, int]): Height and width of the crops in pixels.
        share (float): In [0, 1]. The main head's loss is (1 - share) of that for the whole images, plus this share of
            that for the crops.
    """
    logits: Tensor
    corners: List[Tuple[int, int]]
    size: Tuple[int, int]
    share: float

    def crop(self, values: Sequence[Tensor]) -> List[Tensor]:
        """Crop a tensor (..., H, W) of each image."""
        height, width = self.size
        return [value[..., top:top + height, left:left + width] for value, (top, left) in zip(values, self.corners)]


class Outputs(NamedTuple):
    """A network's outputs for a batch.

    Args:
        logits (list[Tensor]): (N, C, H_i, W_i) of each head, unnormalised, at the resolution of the head.
        features (list[Tensor], optional): (N, C_i, H_i, W_i) of each stage that the heads use; None if the method does
            not have them.
        inputs (Tensor, optional): (N, 3, H, W), the images that have these features, if the segmentor has resized them.
        detail (DetailOutputs, optional): Further outputs of the main head.
    """
    logits: List[Tensor]
    features: Optional[List[Tensor]] = None
    inputs: Optional[Tensor] = None
    detail: Optional[DetailOutputs] = None

    def part(self, begin: int, end: int) -> 'Outputs':
        """Return the outputs for some of the images."""
        detail = self.detail
        if detail is not None:
            detail = detail._replace(logits=detail.logits[begin:end], corners=detail.corners[begin:end])
        return Outputs([level[begin:end] for level in self.logits],
                       None if self.features is None else [stage[begin:end] for stage in self.features],
                       None if self.inputs is None else self.inputs[begin:end], detail)


def losses_of_heads(heads: Mapping[str, nn.Module],
                    outputs: Outputs,
                    data_samples: SampleList,
                    weight: Optional[Tensor] = None) -> Dict[str, Dict[str, Tensor]]:
    """Compute the losses of all heads with their `loss_decode`.

    Args:
        heads (Mapping[str, nn.Module]): MMSegmentation's decode heads, by name; the main head first.
        outputs (Outputs): Their outputs.
        data_samples (list[SegDataSample]): Samples with `gt_sem_seg`, (1, H, W) each.
        weight (Tensor, optional): (N, H, W) float, the weight of each pixel, see `head_loss`.

    Returns:
        dict[str, dict[str, Tensor]]: `<loss>` and `acc_seg` of each head; with detail crops also `detail.<loss>` and
        `detail.acc_seg` of the main head, weighted with their share.

    Raises:
        ValueError: if there are pixel weights, but a head computes its loss in another way.
    """
    losses = {name: _head_loss(head, logits, data_samples, weight)
              for (name, head), logits in zip(heads.items(), outputs.logits)}
    if outputs.detail is not None:
        name, detail = next(iter(heads)), outputs.detail
        labels = detail.crop([sample.gt_sem_seg.data for sample in data_samples])
        samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
        cropped = None if weight is None else torch.stack(detail.crop(list(weight)))
        of_crops = _head_loss(heads[name], detail.logits, samples, cropped)
        losses[name] = {**_scaled(losses[name], 1 - detail.share),
                        **{f'{DETAIL}.{key}': value for key, value in _scaled(of_crops, detail.share).items()}}
    return losses


def _head_loss(head: nn.Module, logits: Tensor, data_samples: SampleList,
               weight: Optional[Tensor]) -> Dict[str, Tensor]:
    if weight is None and not has_plain_loss(head):
        return head.loss_by_feat(logits, data_samples)
    return head_loss(head, logits, data_samples, weight)


def _scaled(losses: Dict[str, Tensor], factor: float) -> Dict[str, Tensor]:
    """Multiply losses by a factor; other values, such as accuracies, stay."""
    return {key: value * factor if 'loss' in key else value for key, value in losses.items()}
