"""Views of a batch of preprocessed images, augmented or moved, whose predictions can be warped back to the images."""
from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.transforms.affine_map import AffineMap, Size
from ..datasets.transforms.augment_ops import GEOMETRY, value_at
from ..datasets.transforms.auto_augment import SegAugment
from .pixel_scale import PixelScale

_FLIP_CHANCE = 0.5


class View(NamedTuple):
    """A view of each image of a batch.

    Args:
        images (Tensor): (N, C, H', W'), preprocessed.
        maps (list[AffineMap]): The map from each image to its view.
    """
    images: Tensor
    maps: List[AffineMap]

    @property
    def size(self) -> Size:
        """(H', W')."""
        return self.maps[0].view_size

    def undo(self, probs: Tensor) -> Tuple[Tensor, Tensor]:
        """Warp probabilities (N, C, H', W') to the images: (N, C, H, W), and the mask (N, H, W) of pixels in a view."""
        undone, valid = zip(*(affine.undo(of_image[None]) for affine, of_image in zip(self.maps, probs)))
        return torch.cat(undone), torch.stack(valid)


def identity_view(images: Tensor) -> View:
    """Return the view that is the images (N, C, H, W) themselves."""
    height, width = images.shape[2:]
    return View(images, [AffineMap.identity((height, width))] * len(images))


def augmented_view(images: Tensor,
                   augment: SegAugment,
                   rng: np.random.Generator,
                   preprocessor: Optional[nn.Module] = None) -> View:
    """Augment each image of a batch with the transforms of pipelines, on the CPU and in 8 bits.

    Args:
        images (Tensor): (N, 3, H, W), preprocessed.
        augment (SegAugment): The augmentation.
        rng (np.random.Generator): Random generator; the images are drawn one after the other.
        preprocessor (nn.Module, optional): MMSegmentation's preprocessor that normalised the images. Defaults to None:
            RGB values in [0, 255].
    """
    scale = PixelScale(preprocessor)
    made, maps = [], []
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):  # which would round the pixels
        for image in images:
            pixels = np.ascontiguousarray(scale.to_bytes(image).cpu().numpy())
            view, _, affine = augment.apply(pixels, rng=rng)
            made.append(scale.from_bytes(torch.from_numpy(np.ascontiguousarray(view)), image))
            maps.append(affine)
    return View(torch.stack(made), maps)


def draw_view(size: Size, rng: np.random.Generator) -> AffineMap:
    """Draw a flip (with probability 0.5) followed by a shear, shift or rotation in AutoAugment's ranges.

    Args:
        size (tuple[int, int]): (height, width).
        rng (np.random.Generator): Random generator.

    Returns:
        AffineMap: The map from the image to the view; both have this size.
    """
    name = str(rng.choice(list(GEOMETRY)))
    value = value_at(name, rng.random(), int(rng.choice([-1, 1])))
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
