"""Mixing a source image with a labelled target image, including the labels."""
from typing import Any, List, NamedTuple, Optional

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ...utils.randomness import child_generator
from ..label_maps import IGNORE
from .checks import check_probability


class Box(NamedTuple):
    """A rectangle of pixels: rows `top` to `bottom` - 1, columns `left` to `right` - 1."""
    top: int
    left: int
    bottom: int
    right: int


def sample_box(height: int, width: int, lam: float, rng: np.random.Generator) -> Box:
    """Draw the box whose pixels are taken from the target.

    Its sides are `height * sqrt(1 - lam)` and `width * sqrt(1 - lam)`, rounded, and its centre is uniform over the
    pixels. The box is clipped at the border of the image: large boxes lose a quarter to nearly a half on average.

    Args:
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        lam (float): Share of the source that the box leaves before it is clipped, from 0 to 1 (an empty box).
        rng (np.random.Generator): Random generator that draws the centre.

    Returns:
        Box: 0 <= top <= bottom <= height and 0 <= left <= right <= width.

    Raises:
        ValueError: if `lam` is outside [0, 1].

    Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
    2019, section 3.1; UDAS, section 3.4.
    """
    if not 0 <= lam <= 1:
        raise ValueError(f'lam={lam} is not in [0, 1]. Allowed are 0 (the largest box) to 1 (an empty box).')
    side = np.sqrt(1 - lam)
    box_height, box_width = round(height * side), round(width * side)
    top = int(rng.integers(height)) - box_height // 2
    left = int(rng.integers(width)) - box_width // 2
    return Box(max(top, 0), max(left, 0), min(top + box_height, height), min(left + box_width, width))


def paste_box(source: np.ndarray, target: np.ndarray, box: Box) -> np.ndarray:
    """Return a copy of the source in which the pixels inside the box are those of the target.

    Args:
        source (np.ndarray): (H, W) label or (H, W, C) image.
        target (np.ndarray): Array of the same shape and type.
        box (Box): Pixels to take from the target.

    Returns:
        np.ndarray: A new array of the same shape and type.

    Raises:
        ValueError: if shapes or types differ.
    """
    _check_alike(source, target)
    mixed = source.copy()
    inside = slice(box.top, box.bottom), slice(box.left, box.right)
    mixed[inside] = target[inside]
    return mixed


def sample_classes(label: np.ndarray, rng: np.random.Generator, count: Optional[int] = None) -> np.ndarray:
    """Draw some of the classes that occur in a label.

    Args:
        label (np.ndarray): (H, W) uint8 train ids; 255 is not a class.
        rng (np.random.Generator): Random generator that draws the classes.
        count (int, optional): How many, at most all. Defaults to None: half of them, rounded up.

    Returns:
        np.ndarray: The ids that are drawn, in increasing order.

    Source: Olsson et al., "ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning", WACV 2021,
    section 3.1.
    """
    present = np.flatnonzero(np.bincount(label.ravel(), minlength=IGNORE + 1)[:IGNORE])
    return np.sort(rng.permutation(present)[:(len(present) + 1) // 2 if count is None else count])


def paste_mask(source: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a copy of the source in which the pixels where a mask is not 0 are those of the target.

    Args:
        source (np.ndarray): (H, W) label or (H, W, C) image.
        target (np.ndarray): Array of the same shape and type.
        mask (np.ndarray): (H, W) uint8.

    Returns:
        np.ndarray: A new array of the same shape and type.

    Raises:
        ValueError: if shapes or types differ.
    """
    _check_alike(source, target)
    return cv2.copyTo(target, mask, source.copy())


def _check_alike(source: np.ndarray, target: np.ndarray) -> None:
    if source.shape != target.shape or source.dtype != target.dtype:
        raise ValueError(f'the source is {source.shape} {source.dtype} and the target {target.shape} {target.dtype}. '
                         'They must have the same shape and type.')


def _mixed_keys(results: dict) -> List[str]:
    """Return the keys to mix: the image and the labels, but not the mask of an earlier mixing, which targets lack."""
    return ['img', *(key for key in results['seg_fields'] if key != 'mix_mask')]


class DomainMixing(BaseTransform):
    """Mixes a source sample with the target sample in `mix_results[0]`; subclasses choose the pixels from the target.

    Required keys: `img`; `seg_fields` and the labels listed in it, including `gt_seg_map`; `mix_results`, a list whose
    first entry is a sample with the same keys and the same size, as added by `DomainMixDataset`. Modified keys: `img`
    and the labels in `seg_fields`. Every pixel keeps its label, also if it is 255. Random decisions use only NumPy's
    global generator.

    Args:
        prob (float): Probability of mixing a sample, from 0 to 1; other samples are not changed. Defaults to 1.0.
        record_mask (bool): Whether to add the keys `mix_mask`, (H, W) uint8, 1 for pixels from the target and 0 for
            other pixels, and `mix_img_path`, the path of the target image. The mask is added to `seg_fields`, so that
            later transforms warp it like the label. `tools/browse_dataset.py` uses this. Defaults to False.

    Raises:
        ValueError: if `prob` is outside [0, 1].
    """

    def __init__(self, prob: float = 1.0, record_mask: bool = False) -> None:
        check_probability(type(self).__name__, 'prob', prob)
        self.prob = prob
        self.record_mask = record_mask

    def sample_region(self, source_label: np.ndarray, target_label: np.ndarray, rng: np.random.Generator) -> Any:
        """Draw the pixels to take from the target, in the form that `paste` accepts; labels are (H, W) uint8."""
        raise NotImplementedError

    @staticmethod
    def paste(source: np.ndarray, target: np.ndarray, region: Any, /) -> np.ndarray:
        """Return a copy of the source (H, W[, C]) with the pixels of the target inside the region."""
        raise NotImplementedError

    def transform(self, results: dict) -> dict:
        """Mix `results` with `results['mix_results'][0]`; see the class.

        Raises:
            ValueError: if there is no target sample, if it has no label, or if sizes or types differ.
        """
        target = self._target(results)
        rng = child_generator()
        region = None
        if rng.random() < self.prob:
            region = self.sample_region(results['gt_seg_map'], target['gt_seg_map'], rng)
            for key in _mixed_keys(results):
                results[key] = self.paste(results[key], target[key], region)
        if self.record_mask:
            mask = results.get('mix_mask', np.zeros(results['gt_seg_map'].shape, np.uint8))
            results['seg_fields'] = [*_mixed_keys(results)[1:], 'mix_mask']
            results['mix_mask'] = mask if region is None else self.paste(mask, np.ones_like(mask), region)
            results['mix_img_path'] = target.get('img_path')
        return results

    def _target(self, results: dict) -> dict:
        """Return the target sample after checking that it can be mixed with the source sample."""
        name = type(self).__name__
        if not results.get('mix_results'):
            raise ValueError(f"{name} has no target sample: {results.get('img_path', 'the sample')} has no "
                             f"`mix_results`. Put {name} into the `pipeline` of dict(type='DomainMixDataset', "
                             'dataset=<source>, target=<labelled target>).')
        target = results['mix_results'][0]
        for sample in (results, target):
            if 'gt_seg_map' not in sample or 'gt_seg_map' not in sample.get('seg_fields', ()):
                raise ValueError(f"{name}: {sample.get('img_path', 'a sample')} has no label, but only labelled images "
                                 'can be mixed. Set `seg_map_path` of its data set, and add a step that loads labels '
                                 '(LoadLabelIds or LoadAnnotations) to its pipeline.')
        for key in _mixed_keys(results):
            ours, theirs = results[key], target.get(key)
            if theirs is None:
                raise ValueError(f'{name}: the target sample {target.get("img_path")} has no {key!r}, which is in '
                                 '`seg_fields` of the source sample. Load it for both, or for neither.')
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                raise ValueError(f"{name}: {key!r} of {results.get('img_path', 'the source')} is {ours.shape} "
                                 f"{ours.dtype}, and that of {target.get('img_path', 'the target')} {theirs.shape} "
                                 f'{theirs.dtype}. Both must have the same shape and type: end the pipelines of both '
                                 'data sets with the same Resize (keep_ratio=False), or with the same RandomCrop, '
                                 'followed by Pad if an image can be smaller than the crop.')
        return target


@TRANSFORMS.register_module()
class DomainCutMix(DomainMixing):
    """Domain CutMix: replaces a box of the source image and of its label by that of a labelled target image.

    See `sample_box` for the box and `DomainMixing` for the keys. In UDAS, the mixed sample replaces the source sample,
    and `SegAutoAugment` is applied afterwards.

    Args:
        lam (float, optional): Share of the source that the box leaves before it is clipped, from 0 to 1, the same for
            all samples.
        alpha (float, optional): Parameter of Beta(alpha, alpha), from which `lam` is drawn for each sample. Defaults to
            1.0 (uniform, as in CutMix) if `lam` is not given.
        prob (float): See `DomainMixing`.
        record_mask (bool): See `DomainMixing`.

    Raises:
        ValueError: if both `lam` and `alpha` are given, or a value is outside its range.

    Example:
        >>> load = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'),
        ...         dict(type='Resize', scale=(640, 360), keep_ratio=False)]
        >>> mixed = dict(
        ...     type='DomainMixDataset',
        ...     dataset=dict(type='GTA5Dataset', pipeline=load, ...),
        ...     target=dict(type='LabelMappedDataset', ann_file='labeled_100.txt', pipeline=load, ...),
        ...     pipeline=[dict(type='DomainCutMix', alpha=1.0), dict(type='PackSegInputs')])

    Source: UDAS, section 3.4; Yun et al., "CutMix", ICCV 2019.
    """

    def __init__(self,
                 lam: Optional[float] = None,
                 alpha: Optional[float] = None,
                 prob: float = 1.0,
                 record_mask: bool = False) -> None:
        super().__init__(prob, record_mask)
        if lam is not None and alpha is not None:
            raise ValueError(f'DomainCutMix: lam={lam} and alpha={alpha}. Set only one of them: `lam` is a fixed share '
                             'of the source, `alpha` draws it from Beta(alpha, alpha).')
        if lam is not None and not 0 <= lam <= 1:
            raise ValueError(f'DomainCutMix: lam={lam} is not in [0, 1]. Allowed are 0 (the largest box) to 1 (no '
                             'box).')
        if alpha is not None and not 0 < alpha < np.inf:
            raise ValueError(f'DomainCutMix: alpha={alpha}. Allowed are numbers above 0; 1 is uniform.')
        self.lam = lam
        self.alpha = 1.0 if alpha is None else alpha

    def sample_region(self, source_label: np.ndarray, target_label: np.ndarray, rng: np.random.Generator) -> Box:
        """Draw a box; see `sample_box`."""
        height, width = source_label.shape
        lam = float(rng.beta(self.alpha, self.alpha)) if self.lam is None else self.lam
        return sample_box(height, width, lam, rng)

    paste = staticmethod(paste_box)

    def __repr__(self) -> str:
        share = f'alpha={self.alpha}' if self.lam is None else f'lam={self.lam}'
        return f'DomainCutMix({share}, prob={self.prob})'


@TRANSFORMS.register_module()
class DomainClassMix(DomainMixing):
    """ClassMix across domains: pastes the pixels of some classes of one image into the other image.

    See `sample_classes` for the classes and `DomainMixing` for the keys. Pixels with the label 255 are never pasted.

    Args:
        classes_of (str): 'source' to paste source classes into the target image, as in DACS and its successors, or
            'target' to paste target classes into the source image. Defaults to 'source'.
        count (int, optional): See `sample_classes`; 1 or more. Defaults to None: half of the classes.
        prob (float): See `DomainMixing`.
        record_mask (bool): See `DomainMixing`.

    Raises:
        ValueError: if a value is outside its range.

    Source: Olsson et al., "ClassMix", WACV 2021; Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed
    Sampling", WACV 2021.
    """

    def __init__(self, classes_of: str = 'source', prob: float = 1.0, record_mask: bool = False,
                 count: Optional[int] = None) -> None:
        super().__init__(prob, record_mask)
        if classes_of not in ('source', 'target'):
            raise ValueError(f"DomainClassMix: classes_of={classes_of!r}. Allowed are 'source' and 'target'.")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ValueError(f'DomainClassMix: count={count!r}. Allowed are whole numbers from 1, or None for half.')
        self.classes_of, self.count = classes_of, count

    def sample_region(self, source_label: np.ndarray, target_label: np.ndarray,
                      rng: np.random.Generator) -> np.ndarray:
        """Draw classes and return a mask (H, W) uint8, 1 for pixels from the target."""
        label = source_label if self.classes_of == 'source' else target_label
        chosen = np.zeros(IGNORE + 1, np.uint8)
        chosen[sample_classes(label, rng, self.count)] = 1
        return (1 - chosen if self.classes_of == 'source' else chosen)[label]

    paste = staticmethod(paste_mask)

    def __repr__(self) -> str:
        return f'DomainClassMix(classes_of={self.classes_of!r}, prob={self.prob}, count={self.count})'
