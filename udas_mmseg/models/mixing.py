"""Mixing of a batch's source and target images on the model's device, by the rules of the data transforms."""
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

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


def class_mix_masks(label: Tensor, rng: np.random.Generator) -> Tensor:
    """Draw half of the classes of each label, whose pixels stay when another image fills the rest (ClassMix).

    Args:
        label (Tensor): (N, H, W) integers in {0..C-1, 255}, usually of the source. Pixels of 255 never stay.
        rng (np.random.Generator): Draws the classes, image after image; see `sample_classes`.

    Returns:
        Tensor: (N, H, W) bool on the label's device, True where a pixel comes from the other image.

    Source: Olsson et al., "ClassMix", WACV 2021, section 3.1; DACS, WACV 2021, section 3.
    """
    masks = []
    for of_image in label:
        # the draw depends only on which classes there are: no need to move the whole label to the CPU
        present = torch.unique(of_image).to(torch.uint8).cpu().numpy()
        kept = torch.as_tensor(sample_classes(present, rng), dtype=label.dtype, device=label.device)
        masks.append(~torch.isin(of_image, kept))
    return torch.stack(masks)


def cut_mix_masks(count: int,
                  size: Tuple[int, int],
                  rng: np.random.Generator,
                  lam: Optional[float] = None,
                  alpha: float = 1.0,
                  device: Optional[torch.device] = None) -> Tensor:
    """Draw a box for each image (CutMix).

    Args:
        count (int): N, of images.
        size (tuple[int, int]): (height, width).
        rng (np.random.Generator): Draws the boxes, image after image: `lam` where it is not given, then the centre.
        lam (float, optional): Share of the first image that the uncut box leaves, in [0, 1]; see `sample_box`.
            Defaults to None: drawn from Beta(alpha, alpha) for each image.
        alpha (float): Above 0. Defaults to 1, uniform.
        device (torch.device, optional): Of the result. Defaults to the CPU.

    Returns:
        Tensor: (N, H, W) bool, True inside the box, where a pixel comes from the other image.

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


def mix(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """The first tensor with the second where a mask is True, pixel for pixel.

    Args:
        first (Tensor): (N, H, W) labels or weights, or (N, C, H, W) images.
        second (Tensor): Of the same shape and type.
        mask (Tensor): (N, H, W) bool.

    Returns:
        Tensor: A new tensor of that shape and type.

    Raises:
        ValueError: if shapes or types do not fit.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ValueError(f'mix: the first is {tuple(first.shape)} {first.dtype} and the second {tuple(second.shape)} '
                         f'{second.dtype}. They must be of one shape and type: give both branches the same batch size '
                         'and the same crop.')
    if mask.shape != (len(first), *first.shape[-2:]) or mask.dtype != torch.bool:
        raise ValueError(f'mix: the mask is {tuple(mask.shape)} {mask.dtype}; for {tuple(first.shape)} it must be '
                         f'{(len(first), *first.shape[-2:])} torch.bool.')
    return torch.where(mask if first.dim() == 3 else mask[:, None], second, first)


def mix_batches(source: LabeledImages, target: LabeledImages, mask: Tensor) -> LabeledImages:
    """Mix images, labels and weights alike: image n of the source with image n of the target.

    Args:
        source (LabeledImages): Labelled images.
        target (LabeledImages): Of the same shapes, labelled by a teacher, say.
        mask (Tensor): (N, H, W) bool, True where a pixel comes from the target.

    Returns:
        LabeledImages: Every pixel has the label and the weight that it had, 255 included. Weights are None if neither
            batch has any; where only one has them, the other's are 1.

    Raises:
        ValueError: if shapes or types do not fit.
    """
    weight = None
    given = source.weight if source.weight is not None else target.weight
    if given is not None:
        ones = torch.ones_like(given)
        weight = mix(ones if source.weight is None else source.weight, ones if target.weight is None else target.weight,
                     mask)
    return LabeledImages(mix(source.images, target.images, mask), mix(source.label, target.label, mask), weight)
