"""Mixing a source image with a labelled target image, label and all."""
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
    """Draw the box that comes from the target.

    Its sides are `height * sqrt(1 - lam)` and `width * sqrt(1 - lam)`, rounded; its centre is uniform over the pixels
    of the image; what is outside the image is cut off. The box is then smaller than the share 1 - lam, by a quarter to
    nearly a half in the mean for large boxes.

    Args:
        height (int): Of the image, in pixels.
        width (int): Of the image, in pixels.
        lam (float): Share of the source that the uncut box leaves, from 0 (all but the cut is target) to 1 (an empty
            box).
        rng (np.random.Generator): Where the centre is drawn.

    Returns:
        Box: 0 <= top <= bottom <= height and 0 <= left <= right <= width.

    Raises:
        ValueError: if `lam` is outside [0, 1].

    Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
    2019, section 3.1; UDAS, section 3.4.
    """
    if not 0 <= lam <= 1:
        raise ValueError(f'lam={lam} is no share. Allowed are 0 (the largest box) to 1 (an empty box).')
    side = np.sqrt(1 - lam)
    box_height, box_width = round(height * side), round(width * side)
    top = int(rng.integers(height)) - box_height // 2
    left = int(rng.integers(width)) - box_width // 2
    return Box(max(top, 0), max(left, 0), min(top + box_height, height), min(left + box_width, width))


def paste_box(source: np.ndarray, target: np.ndarray, box: Box) -> np.ndarray:
    """The source with the target inside the box, pixel for pixel.

    Args:
        source (np.ndarray): (H, W) label or (H, W, C) image.
        target (np.ndarray): Of the same shape and type.
        box (Box): What is taken from the target.

    Returns:
        np.ndarray: A new array of that shape and type.

    Raises:
        ValueError: if shape or type differ.
    """
    _check_alike(source, target)
    mixed = source.copy()
    inside = slice(box.top, box.bottom), slice(box.left, box.right)
    mixed[inside] = target[inside]
    return mixed


def sample_classes(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw half of the classes of a label, one more than the rest if their number is odd.

    Args:
        label (np.ndarray): (H, W) uint8 train ids; 255 is no class.
        rng (np.random.Generator): Where the classes are drawn.

    Returns:
        np.ndarray: (ceil(K / 2),) ids in increasing order, of the K that occur.

    Source: Olsson et al., "ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning", WACV 2021,
    section 3.1.
    """
    present = np.flatnonzero(np.bincount(label.ravel(), minlength=IGNORE + 1)[:IGNORE])
    return np.sort(rng.permutation(present)[:(len(present) + 1) // 2])


def paste_mask(source: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The source with the target where a mask is not 0, pixel for pixel.

    Args:
        source (np.ndarray): (H, W) label or (H, W, C) image.
        target (np.ndarray): Of the same shape and type.
        mask (np.ndarray): (H, W) uint8.

    Returns:
        np.ndarray: A new array of that shape and type.

    Raises:
        ValueError: if shape or type differ.
    """
    _check_alike(source, target)
    return cv2.copyTo(target, mask, source.copy())


def _check_alike(source: np.ndarray, target: np.ndarray) -> None:
    if source.shape != target.shape or source.dtype != target.dtype:
        raise ValueError(f'the source is {source.shape} {source.dtype} and the target {target.shape} {target.dtype}. '
                         'They must be of the same shape and type.')


def _mixed_keys(results: dict) -> List[str]:
    """What is mixed: the image, labels; not the mask of an earlier mixing, which target samples do not have."""
    return ['img', *(key for key in results['seg_fields'] if key != 'mix_mask')]


class DomainMixing(BaseTransform):
    """Mixes a source sample with the target sample in `mix_results[0]`; subclasses say which pixels come from where.

    Required keys: `img`; `seg_fields` and what it names, `gt_seg_map` among it; `mix_results`, a list whose first
    entry is a sample with the same keys in the same size, as `DomainMixDataset` puts it there. Modified keys: `img` and
    what `seg_fields` names. Every pixel keeps the label that it had, 255 included. Random decisions are a function of
    NumPy's global generator.

    Args:
        prob (float): Share of the samples that are mixed, from 0 to 1; the others stay as they are. Defaults to 1.0.
        record_mask (bool): Whether to add the key `mix_mask`, (H, W) uint8, 1 where a pixel comes from the target and
            0 elsewhere, and `mix_img_path`, that of the target. The mask is named in `seg_fields`, so that later
            transforms move it with the label. For looking at samples, see `tools/browse_dataset.py`. Defaults to
            False.

    Raises:
        ValueError: if `prob` is outside [0, 1].
    """

    def __init__(self, prob: float = 1.0, record_mask: bool = False) -> None:
        check_probability(type(self).__name__, 'prob', prob)
        self.prob = prob
        self.record_mask = record_mask

    def sample_region(self, source_label: np.ndarray, target_label: np.ndarray, rng: np.random.Generator) -> Any:
        """Draw which pixels come from the target, in the form that `paste` takes; labels are (H, W) uint8."""
        raise NotImplementedError

    @staticmethod
    def paste(source: np.ndarray, target: np.ndarray, region: Any, /) -> np.ndarray:
        """The source (H, W[, C]) with the target inside the region, as a new array."""
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
        """The sample to mix with, after checking that both fit."""
        name = type(self).__name__
        if not results.get('mix_results'):
            raise ValueError(f"{name} has no target sample: {results.get('img_path', 'the sample')} has no "
                             f"`mix_results`. Put {name} into the `pipeline` of dict(type='DomainMixDataset', "
                             'dataset=<source>, target=<labelled target>).')
        target = results['mix_results'][0]
        for sample in (results, target):
            if 'gt_seg_map' not in sample or 'gt_seg_map' not in sample.get('seg_fields', ()):
                raise ValueError(f"{name}: {sample.get('img_path', 'a sample')} has no label, and it mixes labelled "
                                 'images only. Give its data set `seg_map_path`, and its pipeline a step that loads '
                                 'labels (LoadLabelIds or LoadAnnotations).')
        for key in _mixed_keys(results):
            ours, theirs = results[key], target.get(key)
            if theirs is None:
                raise ValueError(f'{name}: the target sample {target.get("img_path")} has no {key!r}, which is in '
                                 '`seg_fields` of the source sample. Load it for both, or for neither.')
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                raise ValueError(f"{name}: {key!r} of {results.get('img_path', 'the source')} is {ours.shape} "
                                 f"{ours.dtype}, and that of {target.get('img_path', 'the target')} {theirs.shape} "
                                 f'{theirs.dtype}. Both must be of one shape and type: end the pipelines of both data '
                                 'sets with the same Resize (keep_ratio=False), or with the same RandomCrop, and with '
                                 'Pad behind it if an image can be smaller than the crop.')
        return target


@TRANSFORMS.register_module()
class DomainCutMix(DomainMixing):
    """Domain CutMix: a box of the source image, and of its label, comes from a labelled target image.

    See `sample_box` for the box and `DomainMixing` for the keys. In UDAS the mixed sample stands in for the source
    sample, and `SegAutoAugment` follows.

    Args:
        lam (float, optional): Share of the source that the uncut box leaves, from 0 to 1, the same for all samples.
        alpha (float, optional): Draw `lam` from Beta(alpha, alpha) for each sample. Defaults to 1.0, uniform, as in
            CutMix, if `lam` is not given.
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
            raise ValueError(f'DomainCutMix: lam={lam} and alpha={alpha}. Give one of them: `lam` is a fixed share of '
                             'the source, `alpha` draws it from Beta(alpha, alpha).')
        if lam is not None and not 0 <= lam <= 1:
            raise ValueError(f'DomainCutMix: lam={lam} is no share. Allowed are 0 (the largest box) to 1 (no box).')
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
    """ClassMix across domains: the pixels of half of the classes of one image are laid over the other.

    See `sample_classes` for the classes and `DomainMixing` for the keys. Pixels of the label 255 are never laid over.

    Args:
        classes_of (str): 'source', source classes over the target image, as DACS and its successors do, or 'target',
            target classes over the source image. Defaults to 'source'.
        prob (float): See `DomainMixing`.
        record_mask (bool): See `DomainMixing`.

    Raises:
        ValueError: if a value is outside its range.

    Source: Olsson et al., "ClassMix", WACV 2021; Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed
    Sampling", WACV 2021.
    """

    def __init__(self, classes_of: str = 'source', prob: float = 1.0, record_mask: bool = False) -> None:
        super().__init__(prob, record_mask)
        if classes_of not in ('source', 'target'):
            raise ValueError(f"DomainClassMix: classes_of={classes_of!r}. Allowed are 'source' and 'target'.")
        self.classes_of = classes_of

    def sample_region(self, source_label: np.ndarray, target_label: np.ndarray,
                      rng: np.random.Generator) -> np.ndarray:
        """Draw classes: (H, W) uint8, 1 where a pixel comes from the target."""
        label = source_label if self.classes_of == 'source' else target_label
        chosen = np.zeros(IGNORE + 1, np.uint8)
        chosen[sample_classes(label, rng)] = 1
        return (1 - chosen if self.classes_of == 'source' else chosen)[label]

    paste = staticmethod(paste_mask)

    def __repr__(self) -> str:
        return f'DomainClassMix(classes_of={self.classes_of!r}, prob={self.prob})'
