"""Mixing the source and target images of a batch on the model's device, with the rules of the data transforms."""
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.label_maps import IGNORE
from ..datasets.transforms.domain_cutmix import sample_box, sample_classes


class LabeledImages(NamedTuple):
    """Images with labels, and perhaps a weight for each pixel.

    Args:
        images (Tensor): (N, 3, H, W), preprocessed.
        label (Tensor): (N, H, W) integers in {0..C-1, 255}; 255 is ignored.
        weight (Tensor, optional): (N, H, W) float, the weight of each pixel's loss; None: all are 1.
    """
    images: Tensor
    label: Tensor
    weight: Optional[Tensor] = None


def class_mix_masks(label: Tensor, rng: np.random.Generator, count: Optional[int] = None) -> Tensor:
    """Draw some of the classes of each label, whose pixels are kept when the rest is replaced (ClassMix).

    Args:
        label (Tensor): (N, H, W) integers in {0..C-1, 255}, usually of the source. Pixels with 255 are never kept.
        rng (np.random.Generator): Random generator that draws the classes, image by image; see `sample_classes`.
        count (int, optional): How many. Defaults to None: half of them, rounded up.

    Returns:
        Tensor: (N, H, W) bool on the label's device, True for pixels from the other image.

    Source: Olsson et al., "ClassMix", WACV 2021, section 3.1; DACS, WACV 2021, section 3.
    """
    masks = []
    for of_image in label:
        # the draw depends only on the set of classes: no need to move the whole label to the CPU
        present = torch.bincount(of_image.flatten(), minlength=IGNORE + 1).cpu().numpy().nonzero()[0]
        is_replaced = torch.ones(IGNORE + 1, dtype=torch.bool)
        is_replaced[sample_classes(present.astype(np.uint8), rng, count)] = False
        masks.append(is_replaced.to(label.device)[of_image.long()])
    return torch.stack(masks)


def cut_mix_masks(count: int,
                  size: Tuple[int, int],
                  rng: np.random.Generator,
                  lam: Optional[float] = None,
                  alpha: float = 1.0,
                  device: Optional[torch.device] = None) -> Tensor:
    """Draw a box for each image (CutMix).

    Args:
        count (int): N, the number of images.
        size (tuple[int, int]): (height, width).
        rng (np.random.Generator): Random generator that draws the boxes, image by image: first `lam`, unless it is
            given, and then the centre.
        lam (float, optional): Share of the first image that the box leaves before it is clipped, in [0, 1]; see
            `sample_box`. Defaults to None: drawn from Beta(alpha, alpha) for each image.
        alpha (float): Above 0. Defaults to 1, uniform.
        device (torch.device, optional): Device of the result. Defaults to the CPU.

    Returns:
        Tensor: (N, H, W) bool, True inside the box, for pixels from the other image.

    Raises:
        ValueError: if `lam` is outside [0, 1].

    Source: Yun et al., "CutMix", ICCV 2019, section 3.1; UDAS, section 3.4.
    """
    masks = torch.zeros((count, *size), dtype=torch.bool, device=device)
    for mask in masks:
        share = float(rng.beta(alpha, alpha)) if lam is None else lam
        box = sample_box(*size, share, rng)
        mask[box.top:box.bottom, box.left:box.right] = True
    return masks


def multi_box_masks(count: int,
                    size: Tuple[int, int],
                    rng: np.random.Generator,
                    boxes: int = 3,
                    share: Sequence[float] = (0.25, 0.5),
                    device: Optional[torch.device] = None) -> Tensor:
    """Draw several boxes inside each image (CutMix with several boxes).

    Each box has 1/`boxes` of a share p of the image, p uniform in `share`; its height is sqrt(1/`boxes`) p^u of the
    image's, u uniform in [0, 1], so that its shape varies. Where two boxes overlap, the pixels are those of the first
    image again, as in the public code of CPS.

    Args:
        count (int): N, the number of images.
        size (tuple[int, int]): (height, width).
        rng (np.random.Generator): Random generator that draws the boxes, image by image and box by box.
        boxes (int): Number of boxes, 1 or more. Defaults to 3.
        share (Sequence[float]): Smallest and largest share, in (0, 1]. Defaults to (0.25, 0.5).
        device (torch.device, optional): Device of the result. Defaults to the CPU.

    Returns:
        Tensor: (N, H, W) bool, True for pixels from the other image.

    Raises:
        ValueError: if an argument is outside its range.

    Source: French et al., "Semi-supervised semantic segmentation needs strong, varied perturbations", BMVC 2020,
    section 3.3; Chen et al., CVPR 2021, section 3.
    """
    if boxes < 1 or len(share) != 2 or not 0 < share[0] <= share[1] <= 1:
        raise ValueError(f'multi_box_masks: boxes={boxes}, share={tuple(share)}. Allowed are 1 or more boxes, and the '
                         'smallest and the largest share of the image, above 0 and up to 1.')
    masks = torch.zeros((count, *size), dtype=torch.bool, device=device)
    for mask in masks:
        for _ in range(boxes):
            area, shape, *place = rng.random(4)
            area = share[0] + (share[1] - share[0]) * area
            height = area**shape
            sides = [round(length * side * boxes**-0.5) for length, side in zip(size, (height, area / height))]
            top, left = (round((length - side) * at) for length, side, at in zip(size, sides, place))
            box = mask[top:top + sides[0], left:left + sides[1]]
            box.logical_not_()
    return masks


def mix(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """Return a copy of the first tensor in which the pixels where a mask is True are those of the second.

    Args:
        first (Tensor): (N, H, W) labels or weights, or (N, C, H, W) images.
        second (Tensor): Tensor of the same shape and type.
        mask (Tensor): (N, H, W) bool.

    Returns:
        Tensor: A new tensor of the same shape and type.

    Raises:
        ValueError: if shapes or types do not match.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ValueError(f'mix: the first is {tuple(first.shape)} {first.dtype} and the second {tuple(second.shape)} '
                         f'{second.dtype}. They must be the same: give both branches the same batch size '
                         'and the same crop.')
    if mask.shape != (len(first), *first.shape[-2:]) or mask.dtype != torch.bool:
        raise ValueError(f'mix: the mask is {tuple(mask.shape)} {mask.dtype}; for {tuple(first.shape)} it must be '
                         f'{(len(first), *first.shape[-2:])} torch.bool.')
    return torch.where(mask if first.dim() == 3 else mask[:, None], second, first)


def mix_batches(source: LabeledImages, target: LabeledImages, mask: Tensor) -> LabeledImages:
    """Mix images, labels and weights with the same masks: image n of the source with image n of the target.

    Args:
        source (LabeledImages): Labelled images.
        target (LabeledImages): Images of the same shapes, for example labelled by a teacher.
        mask (Tensor): (N, H, W) bool, True for pixels from the target.

    Returns:
        LabeledImages: The mixtures; every pixel keeps its label (also 255) and its weight. Weights are None if neither
            batch has weights; if only one has them, those of the other are 1.

    Raises:
        ValueError: if shapes or types do not match.
    """
    images, label = mix(source.images, target.images, mask), mix(source.label, target.label, mask)
    weight = None
    given = source.weight if source.weight is not None else target.weight
    if given is not None:
        ones = torch.ones_like(given)
        weight = mix(ones if source.weight is None else source.weight, ones if target.weight is None else target.weight,
                     mask)
    return LabeledImages(images, label, weight)


def _class_mix(pasted: LabeledImages, rng: np.random.Generator) -> Tensor:
    return class_mix_masks(pasted.label, rng)


def _one_class(pasted: LabeledImages, rng: np.random.Generator) -> Tensor:
    return class_mix_masks(pasted.label, rng, 1)


def _cut_mix(pasted: LabeledImages, rng: np.random.Generator) -> Tensor:
    return ~cut_mix_masks(len(pasted.label), tuple(pasted.label.shape[1:]), rng, device=pasted.label.device)


# for methods: functions that draw masks (N, H, W) which are False where pixels of these images are pasted into others
MIXINGS: Dict[str, Any] = {'class_mix': _class_mix, 'one_class': _one_class, 'cut_mix': _cut_mix}
