"""A sampling order that visits images with rare classes more often."""
from typing import Any, List, Optional, Sequence, Union

import numpy as np
from torch.utils.data import Dataset

from ..utils.randomness import key_generator
from .class_statistics import class_pixels
from .orders import SAMPLING_ORDERS, SamplingOrder


@SAMPLING_ORDERS.register_module()
class RareClassOrder(SamplingOrder):
    """Draws a class, rare ones more often, and then an image that has enough pixels of it (rare class sampling).

    With f_c, the share of class c in all labelled pixels, the probability of c is

        P(c) = softmax((1 - f_c) / temperature)

    over the sampled classes. All images with at least `min_pixels` of the class are equally likely. The pipeline is
    applied to the image again until the sample has at least `min_crop_pixels` of the class, at most `tries` times.

    The pixels are counted when a data set is used for the first time, and stored; see `class_pixels`. Images with
    broken labels are never drawn; the stream's `max_broken` limits their number.

    Args:
        temperature (float): Above 0. A smaller one draws the rarest classes more often. Defaults to 0.01.
        min_pixels (int): Smallest number of pixels of the class in the label file, at least 1. Defaults to 3000, for
            GTA5 (1914 x 1052).
        min_crop_pixels (int): Smallest number of pixels of the class in the sample, after resizing and cropping.
            Defaults to 1500, for GTA5 at 1280 x 720 cropped to 512 x 512.
        tries (int): How often a sample is loaded at most, at least 1. Defaults to 10.
        classes (Sequence[int | str], optional): Train ids or names of the sampled classes. Defaults to None: all.
        cache_dir (str, optional): See `class_pixels`. Defaults to None.

    Raises:
        ValueError: if an argument is outside its range or names no class; when the stream is built, if a class has no
            image with `min_pixels`; in training, if samples have no labels or are smaller than `min_crop_pixels`.

    Example:
        >>> dataset = dict(type='DomainPairDataset', source=gta5, target=cityscapes,
        ...                orders=dict(source=dict(type='RareClassOrder')))

    Source: Hoyer et al., "DAFormer", CVPR 2022, section 3.3.
    """

    def __init__(self,
                 temperature: float = 0.01,
                 min_pixels: int = 3000,
                 min_crop_pixels: int = 1500,
                 tries: int = 10,
                 classes: Optional[Sequence[Union[int, str]]] = None,
                 cache_dir: Optional[str] = None) -> None:
        if temperature <= 0:
            raise ValueError(f'RareClassOrder: temperature={temperature}: it must be above 0.')
        if min_pixels < 1 or min_crop_pixels < 0 or tries < 1:
            raise ValueError(f'RareClassOrder: min_pixels={min_pixels}, min_crop_pixels={min_crop_pixels} and '
                             f'tries={tries}: min_pixels and tries must be 1 or more, min_crop_pixels 0 or more.')
        self.temperature = temperature
        self.min_pixels = min_pixels
        self.min_crop_pixels = min_crop_pixels
        self.tries = tries
        self.classes = classes
        self.cache_dir = cache_dir

    def prepare(self, dataset: Dataset) -> None:
        """Count the classes, and list the images of each."""
        names = tuple(dataset.metainfo.get('classes') or ())
        self._ids = _ids_of(self.classes, names)
        pixels = class_pixels(dataset, self.cache_dir, self.max_broken)
        self._images = [np.flatnonzero(pixels[:, number] >= self.min_pixels) for number in self._ids]
        missing = [number for number, images in zip(self._ids, self._images) if not len(images)]
        if missing:
            most = ', '.join(f'{names[number]} (at most {pixels[:, number].max(initial=0)})' for number in missing)
            sampled = [names[number] for number in self._ids if number not in missing]
            raise ValueError(f'RareClassOrder: no label of the {len(pixels)} images has min_pixels={self.min_pixels} '
                             f'pixels of {most}. Lower min_pixels, or sample other classes only: classes={sampled}.')
        self.probabilities = class_probabilities(pixels.sum(axis=0), self.temperature, self._ids)

    def index(self, seed: int, branch: str, position: int, dataset: Dataset) -> int:
        """Draw a class, and then an image of it."""
        generator = self._generator(seed, branch, position)
        images = self._images[self._draw_class(generator)]
        return int(images[generator.integers(len(images))])

    def accepts(self, seed: int, branch: str, position: int, sample: Any) -> bool:
        """Whether the sample has enough pixels of the class that was drawn."""
        packed = sample.get('data_samples') if isinstance(sample, dict) else None
        if packed is None or 'gt_sem_seg' not in packed:
            raise ValueError(f'RareClassOrder: a sample of branch {branch!r} has no label (`gt_sem_seg`). Load it in '
                             'the pipeline, which must end with PackSegInputs.')
        label = packed.gt_sem_seg.data
        if label.numel() < self.min_crop_pixels:
            raise ValueError(f'RareClassOrder: min_crop_pixels={self.min_crop_pixels}, but the samples have only '
                             f'{label.shape[-1]} x {label.shape[-2]} pixels (width x height). Set it to a number of '
                             'pixels that a rare class can have in such a sample.')
        number = self._ids[self._draw_class(self._generator(seed, branch, position))]
        return int((label == number).sum()) >= self.min_crop_pixels

    def _generator(self, seed: int, branch: str, position: int) -> np.random.Generator:
        return key_generator(seed, branch, 'rare_class', position)

    def _draw_class(self, generator: np.random.Generator) -> int:
        """Return the place of the class in `_ids`."""
        return int(generator.choice(len(self._ids), p=self.probabilities))


def class_probabilities(pixels: np.ndarray, temperature: float, classes: Sequence[int]) -> np.ndarray:
    """Compute the probability with which each class is drawn.

    Args:
        pixels (np.ndarray): (C, ) number of pixels of each class.
        temperature (float): Above 0.
        classes (Sequence[int]): K classes that are drawn.

    Returns:
        np.ndarray: (K, ) float64 with the sum 1.
    """
    exponents = (1 - pixels / pixels.sum())[list(classes)] / temperature
    weights = np.exp(exponents - exponents.max())
    return weights / weights.sum()


def _ids_of(classes: Optional[Sequence[Union[int, str]]], names: Sequence[str]) -> List[int]:
    """Return the train ids of classes that are given by id or by name."""
    if classes is None:
        return list(range(len(names)))
    ids = [names.index(one) if one in names else one for one in classes]
    wrong = [one for one in ids if isinstance(one, str) or not 0 <= one < len(names)]
    if wrong or not ids:
        raise ValueError(f'RareClassOrder: classes={list(classes)}; allowed are one or more of {list(names)}, or their '
                         f'train ids, 0 to {len(names) - 1}.')
    return [int(one) for one in ids]
