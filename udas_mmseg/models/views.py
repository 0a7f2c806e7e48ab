"""Random views of a batch of preprocessed images, whose predictions can be warped back to the images."""
from typing import Tuple

import numpy as np
from torch import Tensor

from ..datasets.transforms.affine_map import AffineMap, Size
from ..datasets.transforms.augment_ops import GEOMETRY, value_at

_FLIP_CHANCE = 0.5


def draw_view(size: Size, rng: np.random.Generator, magnitude: float = 1.0) -> AffineMap:
    """Draw a flip (with probability 0.5) followed by a shear, shift or rotation in AutoAugment's ranges.

    Args:
        size (tuple[int, int]): (height, width).
        rng (np.random.Generator): Random generator.
        magnitude (float): Factor of the ranges, in [0, 1]; with 0, there are only flips. Defaults to 1.

    Returns:
        AffineMap: The map from the image to the view; both have this size.
    """
    name = str(rng.choice(list(GEOMETRY)))
    value = value_at(name, magnitude * rng.random(), int(rng.choice([-1, 1])))
    view = AffineMap.flip(size) if rng.random() < _FLIP_CHANCE else AffineMap.identity(size)
    return view.then(GEOMETRY[name](size, value))


def warp_batch(view: AffineMap, images: Tensor) -> Tensor:
    """Warp a batch to the view with bilinear sampling; pixels outside the images become 0, the mean colour.

    Args:
        view (AffineMap): The map from the image to the view.
        images (Tensor): (N, C, H, W) in `view.size`, preprocessed.

    Returns:
        Tensor: (N, C, H', W') in `view.view_size`.
    """
    sampled, valid = view.inverse().undo(images)  # undoing the inverse map applies the map
    return sampled * valid


def change_colours(images: Tensor, rng: np.random.Generator, brightness: float = 0.0, contrast: float = 0.0) -> Tensor:
    """Change the brightness and the contrast of each image randomly.

    Args:
        images (Tensor): (N, C, H, W), normalised.
        rng (np.random.Generator): Random generator.
        brightness (float): Largest shift, in standard deviations of the normalisation. Defaults to 0.
        contrast (float): Largest difference from 1 of the factor by which distances from the image's mean are scaled.
            Defaults to 0.

    Returns:
        Tensor: (N, C, H, W); the argument itself if both are 0.
    """
    if brightness == 0 and contrast == 0:
        return images
    shift, factor = (images.new_tensor(low + span * rng.random((len(images), 1, 1, 1)))
                     for low, span in _ranges(brightness, contrast))
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * factor + mean + shift


def _ranges(brightness: float, contrast: float) -> Tuple[Tuple[float, float], Tuple[float, float]]:
    return (-brightness, 2 * brightness), (1 - contrast, 2 * contrast)
