"""Strong augmentation of preprocessed images on the model's device: colour jitter, grey images and Gaussian blur."""
import math
from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..compat import torchvision_functional
from .pixel_scale import PixelScale

_RADIUS = 5  # of the blur's kernel in standard deviations; beyond it, weights are below 4e-6 of the largest one


class Augmentation(NamedTuple):
    """The changes to one image.

    Args:
        factors (dict[str, float]): Factors of brightness, contrast and saturation (1 changes nothing), and the shift of
            the hue in turns (0 changes nothing), in the order in which they are applied. Empty: no jitter.
        sigma (float, optional): Standard deviation of the Gaussian blur in pixels; None: no blur.
        is_grey (bool): Whether the image becomes grey after the jitter.
    """
    factors: dict
    sigma: Optional[float]
    is_grey: bool = False


class StrongAugment:
    """Colour jitter, grey images and Gaussian blur, in this order and with separate draws for each image.

    The public code of DACS and of its successors draws once for a batch, and applies its jitter of strength 0.2 with
    probability 0.8, because it compares a uniform number with 0.2 in the other direction. The defaults are these
    values, but each image has its own draws.

    Args:
        jitter (float): Strength s in [0, 1]: the factors of brightness, contrast and saturation are drawn from
            [1 - s, 1 + s]. Defaults to 0.2.
        hue (float): Largest shift of the hue in turns, in [0, 0.5]. torchvision computes it in float32. The four
            changes are applied in random order; those of strength 0 are left out. Defaults to 0.2.
        jitter_prob (float): Probability of the jitter, in [0, 1]. Defaults to 0.8.
        blur_prob (float): Probability of the blur, in [0, 1]. Defaults to 0.5.
        blur_sigma (Sequence[float]): Smallest and largest standard deviation of the blur in pixels, above 0. Defaults
            to (0.15, 1.15).
        grey_prob (float): Probability with which an image becomes grey, in [0, 1]. Defaults to 0.

    Raises:
        ValueError: if a value is outside its range.

    Source: Tranheden et al., "DACS", WACV 2021, section 3, and its public code.
    """

    def __init__(self,
                 jitter: float = 0.2,
                 hue: float = 0.2,
                 jitter_prob: float = 0.8,
                 blur_prob: float = 0.5,
                 blur_sigma: Sequence[float] = (0.15, 1.15),
                 grey_prob: float = 0.0) -> None:
        limits = dict(jitter=(jitter, 1), hue=(hue, 0.5), jitter_prob=(jitter_prob, 1), blur_prob=(blur_prob, 1),
                      grey_prob=(grey_prob, 1))
        for name, (value, high) in limits.items():
            if not 0 <= value <= high:
                raise ValueError(f'augment.{name}={value}: it must be in [0, {high}].')
        if len(blur_sigma) != 2 or not 0 < blur_sigma[0] <= blur_sigma[1]:
            raise ValueError(f'augment.blur_sigma={tuple(blur_sigma)}: it must be the smallest and the largest '
                             'standard deviation in pixels, both above 0.')
        self.strengths = dict(brightness=jitter, contrast=jitter, saturation=jitter, hue=hue)
        self.jitter_prob = jitter_prob
        self.blur_prob = blur_prob
        self.grey_prob = grey_prob
        self.blur_sigma = (float(blur_sigma[0]), float(blur_sigma[1]))

    def draw(self, rng: np.random.Generator) -> Augmentation:
        """Draw the changes to one image. The number of random numbers does not depend on their values."""
        is_jittered, is_blurred = rng.random() < self.jitter_prob, rng.random() < self.blur_prob
        values = dict(zip(self.strengths, 2 * rng.random(len(self.strengths)) - 1))
        order, sigma = rng.permutation(list(self.strengths)), float(rng.uniform(*self.blur_sigma))
        factors = {str(name): float(self.strengths[name] * values[name]) + (name != 'hue') for name in order
                   if self.strengths[name]}
        is_grey = self.grey_prob > 0 and rng.random() < self.grey_prob
        return Augmentation(factors if is_jittered else {}, sigma if is_blurred else None, is_grey)

    def __call__(self, images: Tensor, rng: np.random.Generator, preprocessor: Optional[nn.Module] = None) -> Tensor:
        """Augment each image of a batch.

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.
            rng (np.random.Generator): Random generator; the images are drawn one after the other.
            preprocessor (nn.Module, optional): MMSegmentation's preprocessor that normalised them. Defaults to None:
                RGB values in [0, 255].

        Returns:
            Tensor: A new tensor of the same shape, normalised in the same way.
        """
        drawn = [self.draw(rng) for _ in images]
        scale = PixelScale(preprocessor)
        with torch.autocast(images.device.type, enabled=False):  # which would round blurred images to 8 bits or so
            return torch.stack([scale.restore(apply(scale.to_unit(image), augmentation))
                                for image, augmentation in zip(images, drawn)])


def apply(image: Tensor, augmentation: Augmentation) -> Tensor:
    """Apply changes to an image.

    Args:
        image (Tensor): (3, H, W), RGB in [0, 1]. Other values, such as -1e-8 after normalising and back, are clipped
            before the jitter: for them, the hue may not be finite.
        augmentation (Augmentation): The changes.

    Returns:
        Tensor: (3, H, W) in [0, 1].
    """
    functional: Any = torchvision_functional() if any(augmentation) else None
    image = image.clamp(0, 1) if augmentation.factors else image
    for name, factor in augmentation.factors.items():
        image = getattr(functional, f'adjust_{name}')(image, factor)
    if augmentation.is_grey:
        image = functional.rgb_to_grayscale(image, num_output_channels=3)
    if augmentation.sigma is not None:
        image = functional.gaussian_blur(image, _kernel(augmentation.sigma, image), [augmentation.sigma] * 2)
    return image


def _kernel(sigma: float, image: Tensor) -> List[int]:
    """Return the width and height of the blur's kernel; its reflected border must be smaller than the image."""
    return [2 * min(math.ceil(_RADIUS * sigma), size - 1) + 1 for size in reversed(image.shape[1:])]
