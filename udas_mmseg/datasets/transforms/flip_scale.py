"""Fixed views of an image: flipped, and at several scales."""
import copy
from typing import List, Sequence, Tuple

import numpy as np
from mmseg.registry import TRANSFORMS

from .affine_map import AffineMap
from .augment_ops import FILL
from .auto_augment import SegAugment


@TRANSFORMS.register_module()
class SegFlipScale(SegAugment):
    """The image at several scales, each as it is and flipped, in this order: views without chance, to be merged.

    See `SegAugment` for the keys. Views have a number: view 0 is the image itself, view 1 is flipped, view 2 has the
    second scale, and so on. Without a number, as in a training pipeline, one of them is drawn.

    Args:
        scales (Sequence[float]): Scale factors, of which the first is 1. Defaults to (1, 1.25), which are MRNet's.

    Raises:
        ValueError: if the scales are not as described.
    """

    def __init__(self, scales: Sequence[float] = (1.0, 1.25)) -> None:
        if not scales or scales[0] != 1 or not all(0 < scale < float('inf') for scale in scales):
            raise ValueError(f'SegFlipScale: scales={scales!r}. Allowed are numbers above 0, the first of which is 1, '
                             'such as (1.0, 1.25).')
        self.views: List[Tuple[float, bool]] = [(scale, flips) for scale in scales for flips in (False, True)]
        self.number = -1

    def of_view(self, number: int, name: str = '') -> 'SegFlipScale':
        """Return the augmentation that gives the view of this number.

        Raises:
            ValueError: if there are fewer views.
        """
        if number >= len(self.views):
            raise ValueError(f'SegFlipScale has {len(self.views)} views, two for each of its scales, but views='
                             f'{number + 1} or more were asked for. Set views={len(self.views)}, or give more scales.')
        chosen = copy.copy(self)
        chosen.number = number
        return chosen

    def view(self, image: np.ndarray, rng: np.random.Generator) -> Tuple[np.ndarray, AffineMap]:
        """See the class."""
        height, width = size = image.shape[:2]
        scale, flips = self.views[self.number if self.number >= 0 else rng.integers(len(self.views))]
        original = AffineMap.flip(size) if flips else AffineMap.identity(size)
        view_size = round(scale * height), round(scale * width)
        matrix = np.eye(3)
        for row, side, new in ((0, width, view_size[1]), (1, height, view_size[0])):
            matrix[row, row] = new / side
            matrix[row, 2] = (new / side - 1) / 2  # align the corners of the frames, not the pixel centres
        affine = original.then(AffineMap(matrix, size, view_size))
        return affine.warp_image(image, FILL), affine

    def __repr__(self) -> str:
        return f'{type(self).__name__}(scales={[scale for scale, _ in self.views[::2]]})'
