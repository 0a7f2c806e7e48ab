"""The published step in float64 (`benchmarks/published_online_step.py`), with colours and blur from equations, too."""
import colorsys

import numpy as np
import torch
import torch.nn.functional as F
from published_online_step import PublishedOnlineStep
from torch import Tensor

from udas_mmseg.models.augment import Augmentation


def grey(image: Tensor) -> Tensor:
    """ITU-R 601 luma of an RGB image (3, H, W)."""
    return (0.2989 * image[0] + 0.587 * image[1] + 0.114 * image[2])[None]


def shift_hue(image: Tensor, turns: float) -> Tensor:
    shifted = []
    for red, green, blue in image.flatten(1).T.tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        shifted.append(colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value))
    return image.new_tensor(shifted).T.reshape(image.shape)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian of five standard deviations to each side; borders are reflected."""
    radius = int(np.ceil(5 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=image.dtype) / sigma)**2)
    weights = weights / weights.sum()
    padded = F.pad(image[None], (radius, ) * 4, mode='reflect')[0]
    rows = sum(weight * padded[:, number:number + image.shape[1]] for number, weight in enumerate(weights))
    return sum(weight * rows[:, :, number:number + image.shape[2]] for number, weight in enumerate(weights))


def change(image: Tensor, augmentation: Augmentation) -> Tensor:
    """Colour jitter, then blur, of an RGB image (3, H, W) in [0, 1]."""
    for name, factor in augmentation.factors.items():
        if name == 'hue':
            image = shift_hue(image, factor)
            continue
        other = dict(brightness=torch.zeros_like(image), contrast=grey(image).mean(), saturation=grey(image))[name]
        image = (factor * image + (1 - factor) * other).clamp(0, 1)
    return image if augmentation.sigma is None else blur(image, augmentation.sigma)


class OnlineStep(PublishedOnlineStep):
    """Nothing in its colours and blur comes from torchvision."""

    def change(self, image: Tensor, changes: Augmentation) -> Tensor:
        return change(image, changes)
