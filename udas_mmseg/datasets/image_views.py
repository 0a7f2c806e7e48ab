"""Images together with augmented views of them, whose predictions are merged."""
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np
import torch
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from ..utils.prediction_loop import Unreadable
from ..utils.randomness import key_generator
from .image_files import SampleError
from .transforms.affine_map import AffineMap, Size
from .transforms.auto_augment import SegAugment


class ImageViews(NamedTuple):
    """An image and its views, at the size of the network's input. The first view is the image itself.

    `samples` have the format of `PackSegInputs`, and `maps` are the maps from the image to each view.
    """
    number: int
    samples: List[dict]
    maps: List[AffineMap]


class ImageViewsDataset(Dataset):
    """Images of a data set with augmented views, which depend only on the seed, the image's name and the view's number.

    Args:
        dataset (Dataset): Unlabelled images; the pipeline ends with `PackSegInputs`.
        names (Sequence[str]): A name for each image.
        augment (SegAugment, optional): Augmentation that produces the other views; needed if `views` is above 1.
        views (int): Number of views of each image, including the image itself. Defaults to 1.
        seed (int): Seed of the augmentation. Defaults to 0.
    """

    def __init__(self,
                 dataset: Dataset,
                 names: Sequence[str],
                 augment: Optional[SegAugment] = None,
                 views: int = 1,
                 seed: int = 0) -> None:
        self.dataset, self.names, self.augment, self.views, self.seed = dataset, list(names), augment, views, seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Union[ImageViews, Unreadable]:
        """Return an image and its views.

        Raises:
            ValueError: if the augmentation does not accept the output of the pipeline.
        """
        try:
            sample = self.dataset[index]
        except (SampleError, OSError) as error:
            return Unreadable(index, str(error))
        height, width = sample['inputs'].shape[1:]
        size = height, width
        samples, maps = [sample], [AffineMap.identity(size)]
        if self.augment is not None and self.views > 1:
            image = np.ascontiguousarray(sample['inputs'].permute(1, 2, 0).numpy())
            meta = sample['data_samples'].metainfo
            for number in range(1, self.views):
                name = self.names[index]
                view, _, affine = self.augment.of_view(number, name).apply(
                    image, rng=key_generator(self.seed, 'view', name, number))
                samples.append(_pack(view, meta, size))
                maps.append(affine)
        return ImageViews(index, samples, maps)


def build_augment(cfg: Dict[str, Any]) -> SegAugment:
    """Build the augmentation that produces views.

    Args:
        cfg (dict): Config of a `SegAugment`, such as `dict(type='SegAutoAugment', policy='imagenet')`.

    Raises:
        ValueError: if it is not the config of a `SegAugment`, or its arguments are wrong.
    """
    kind = TRANSFORMS.get(cfg['type']) if isinstance(cfg, dict) and cfg.get('type') else None
    if not (isinstance(kind, type) and issubclass(kind, SegAugment)):
        raise ValueError(f'augment={cfg!r}: views need an augmentation whose geometry can be undone. Allowed are '
                         'SegAutoAugment, SegRandAugment, SegWeakAugment, SegFlipScale and SegStyles, such as '
                         "dict(type='SegAutoAugment', policy='imagenet'), and classes derived from SegAugment.")
    try:
        return TRANSFORMS.build(cfg)
    except TypeError as error:
        raise ValueError(f'augment={cfg!r}: {error}') from error


def map_at_size(affine: AffineMap, size: Size, align_corners: bool) -> AffineMap:
    """Return the map from an image to a view at the size to which predictions are resized.

    Args:
        affine (AffineMap): The map at the size of the network's input.
        size (tuple[int, int]): (height, width) to which the predictions for the image are resized. Those for the view
            are resized to the size that `resized_view` returns.
        align_corners (bool): The `align_corners` of both resizings.
    """
    if affine.size == size:
        return affine
    view_size = resized_view(affine.view_size, affine.size, size)
    to_view, to_image = (_resizing(*sizes, align_corners)
                         for sizes in ((affine.view_size, view_size), (affine.size, size)))
    matrix = to_view @ affine.matrix @ np.linalg.inv(to_image)
    whole = matrix.round()
    # rounding errors must not turn the identity or a flip into a map that needs resampling
    return AffineMap(np.where(abs(matrix - whole) < 1e-9, whole, matrix), size, view_size)


def resized_view(view: Size, before: Size, after: Size) -> Size:
    """Return the size of a view after resizing it with the factors of an image of sizes `before` and `after`."""
    height, width = (max(1, round(side * new / old)) for side, old, new in zip(view, before, after))
    return height, width


def _resizing(before: Size, after: Size, align_corners: bool) -> np.ndarray:
    """Return the (3, 3) matrix from pixel coordinates (x, y, 1) to those of the resized image."""
    matrix = np.eye(3)
    for row, old, new in ((0, before[1], after[1]), (1, before[0], after[0])):
        factor = (new - 1) / max(1, old - 1) if align_corners else new / old
        matrix[row, row] = factor
        matrix[row, 2] = 0 if align_corners else (factor - 1) / 2
    return matrix


def _pack(view: np.ndarray, meta: Dict[str, Any], size: Size) -> dict:
    """Pack a view as a sample whose predictions are resized with the same factors as those of the image."""
    kept = {key: value for key, value in meta.items() if key not in ('flip', 'flip_direction', 'pad_shape')}
    shape = view.shape[:2]
    sample = SegDataSample(
        metainfo={**kept, 'img_shape': shape, 'ori_shape': resized_view(shape, size, meta['ori_shape'][:2])})
    return dict(inputs=torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1))), data_samples=sample)
