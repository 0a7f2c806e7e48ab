"""AutoAugment, RandAugment and a weak augmentation of image and label together."""
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ...utils.randomness import child_generator
from .affine_map import AffineMap
from .augment_ops import COLOUR, ENHANCEMENTS, FILL, GEOMETRY, OPERATIONS, Step, apply_steps, value_at
from .checks import check_image, check_probability

SubPolicy = Sequence[Tuple[str, float, float]]  # operations: name, probability from 0 to 1, magnitude from 0 to 10

# Cubuk et al., "AutoAugment", table 9; five sub-policies occur twice there.
IMAGENET_POLICY: Tuple[SubPolicy, ...] = (
    (('Posterize', 0.4, 8), ('Rotate', 0.6, 9)),
    (('Solarize', 0.6, 5), ('AutoContrast', 0.6, 5)),
    (('Equalize', 0.8, 8), ('Equalize', 0.6, 3)),
    (('Posterize', 0.6, 7), ('Posterize', 0.6, 6)),
    (('Equalize', 0.4, 7), ('Solarize', 0.2, 4)),
    (('Equalize', 0.4, 4), ('Rotate', 0.8, 8)),
    (('Solarize', 0.6, 3), ('Equalize', 0.6, 7)),
    (('Posterize', 0.8, 5), ('Equalize', 1.0, 2)),
    (('Rotate', 0.2, 3), ('Solarize', 0.6, 8)),
    (('Equalize', 0.6, 8), ('Posterize', 0.4, 6)),
    (('Rotate', 0.8, 8), ('Color', 0.4, 0)),
    (('Rotate', 0.4, 9), ('Equalize', 0.6, 2)),
    (('Equalize', 0.0, 7), ('Equalize', 0.8, 8)),
    (('Invert', 0.6, 4), ('Equalize', 1.0, 8)),
    (('Color', 0.6, 4), ('Contrast', 1.0, 8)),
    (('Rotate', 0.8, 8), ('Color', 1.0, 2)),
    (('Color', 0.8, 8), ('Solarize', 0.8, 7)),
    (('Sharpness', 0.4, 7), ('Invert', 0.6, 8)),
    (('ShearX', 0.6, 5), ('Equalize', 1.0, 9)),
    (('Color', 0.4, 0), ('Equalize', 0.6, 3)),
    (('Equalize', 0.4, 7), ('Solarize', 0.2, 4)),
    (('Solarize', 0.6, 5), ('AutoContrast', 0.6, 5)),
    (('Invert', 0.6, 4), ('Equalize', 1.0, 8)),
    (('Color', 0.6, 4), ('Contrast', 1.0, 8)),
    (('Equalize', 0.8, 8), ('Equalize', 0.6, 3)),
)


class SegAugment(BaseTransform):
    """Augments image and label together; subclasses implement `view`.

    Required keys: `img` (H, W, 3) uint8 BGR, and the labels listed in `seg_fields`, (H, W) uint8. Labels are resampled
    with nearest neighbour. Pixels outside the original become 255 in labels and grey 128 in the image. Modified keys:
    these and `img_shape`. Random decisions use only NumPy's global generator.
    """

    def view(self, image: np.ndarray, rng: np.random.Generator) -> Tuple[np.ndarray, AffineMap]:
        """Return an augmented view of an image (H, W, 3) uint8 BGR, which is not changed, and the map to the view."""
        raise NotImplementedError

    def of_view(self, number: int, name: str = '') -> 'SegAugment':
        """Return the augmentation of a view, from 1, of the image with this path below its folder; here always self."""
        return self

    def apply(self,
              image: np.ndarray,
              label: Optional[np.ndarray] = None,
              *,
              rng: np.random.Generator) -> Tuple[np.ndarray, Optional[np.ndarray], AffineMap]:
        """Augment an image and its label; all random decisions use the given generator.

        Args:
            image (np.ndarray): (H, W, 3) uint8, BGR.
            label (np.ndarray, optional): (H, W) uint8 train ids and 255.
            rng (np.random.Generator): Random generator.

        Returns:
            tuple: the view (H', W', 3) uint8; its label (H', W') uint8, or None; and the map from the image to the
                view, whose `AffineMap.undo` warps predictions for the view back. The arguments are not modified, but
                may be returned themselves if nothing is applied.

        Raises:
            ValueError: if the image is not (H, W, 3) uint8, or the label not (H, W) uint8 of the same size.
        """
        self._check(image, {} if label is None else {'label': label}, 'the image')
        view, affine = self.view(image, rng)
        return view, None if label is None else affine.warp_label(label), affine

    def transform(self, results: dict) -> dict:
        """Augment `results['img']` and the labels in `seg_fields`; see the class and, for errors, `apply`."""
        labels = {key: results[key] for key in results.get('seg_fields', ())}
        self._check(results['img'], labels, results.get('img_path', 'the image'))
        results['img'], affine = self.view(results['img'], child_generator())
        results.update((key, affine.warp_label(label)) for key, label in labels.items())
        results['img_shape'] = affine.view_size
        self.record(results, affine)
        return results

    def record(self, results: dict, affine: AffineMap) -> None:
        """Set MMSegmentation's keys that describe the augmentation. The base class sets none."""

    def _check(self, image: np.ndarray, labels: dict, path: str) -> None:
        name = type(self).__name__
        check_image(name, image, path)
        for key, label in labels.items():
            if label.dtype != np.uint8 or label.shape != image.shape[:2]:
                raise ValueError(f'{name}: {key!r} of {path} is {label.shape} {label.dtype}, but {image.shape[:2]} '
                                 'uint8 is needed, the size of the image. Resize both in the same way, and remove '
                                 'fields that are not labels from `seg_fields`.')


class SegOperations(SegAugment):
    """Applies the operations that subclasses draw in `draw`."""

    def draw(self, rng: np.random.Generator) -> List[Step]:
        """Draw the operations for one sample."""
        raise NotImplementedError

    def view(self, image: np.ndarray, rng: np.random.Generator) -> Tuple[np.ndarray, AffineMap]:
        """See the class."""
        return apply_steps(image, self.draw(rng))


@TRANSFORMS.register_module()
class SegAutoAugment(SegOperations):
    """AutoAugment for segmentation: draws one sub-policy and applies each of its operations with its probability.

    See `SegAugment` for the keys and `augment_ops` for the operations. Magnitudes are from 0 to 10 (the paper's table
    has 0 to 9). Magnitude m is m / 10 of an operation's range: shear 0 to 0.3, shift 0 to 150/331 of the side,
    rotation 0 to 30 degrees, posterisation 8 to 4 bits (rounded), solarisation from 256 down to 0, enhancement factors
    0.1 to 1.9 (magnitude 5 is a factor of 1, which changes nothing). Shears, shifts and rotations have a random sign.

    Args:
        policy (str | list): 'imagenet', the 25 sub-policies of the paper, or a list of sub-policies, each a list of
            operations (name, probability from 0 to 1, magnitude from 0 to 10). Defaults to 'imagenet'.
        geometric (bool): Whether shears, shifts and rotations are applied. If False, only the other operations of a
            sub-policy are applied, and labels do not change. Defaults to True.
        prob (float): Probability of augmenting a sample, from 0 to 1. Defaults to 1.0.

    Raises:
        ValueError: if `policy` is malformed, or `prob` is outside [0, 1].

    Example:
        >>> pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
        ...             dict(type='SegAutoAugment', policy=[[('Rotate', 0.5, 5), ('Color', 0.5, 8)]]),
        ...             dict(type='PackSegInputs')]

    Source: Cubuk et al., "AutoAugment: Learning Augmentation Strategies from Data", CVPR 2019.
    """

    def __init__(self,
                 policy: Union[str, Sequence[SubPolicy]] = 'imagenet',
                 geometric: bool = True,
                 prob: float = 1.0) -> None:
        check_probability('SegAutoAugment', 'prob', prob)
        is_published = isinstance(policy, str) and policy == 'imagenet'
        self.sub_policies = IMAGENET_POLICY if is_published else _checked_policy(policy)
        self.policy_name = 'imagenet' if is_published else f'{len(self.sub_policies)} sub-policies'
        self.geometric = geometric
        self.prob = prob

    def draw(self, rng: np.random.Generator) -> List[Step]:
        """Draw the operations for one sample."""
        if rng.random() >= self.prob:
            return []
        steps = []
        for name, probability, magnitude in self.sub_policies[rng.integers(len(self.sub_policies))]:
            happens, sign = rng.random() < probability, rng.choice((-1, 1))
            if happens and (self.geometric or name not in GEOMETRY):
                steps.append(Step(name, value_at(name, magnitude / 10, sign)))
        return steps

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(policy={self.policy_name!r}, geometric={self.geometric}, prob={self.prob})')


def _checked_policy(policy: Any) -> Tuple[SubPolicy, ...]:
    """Convert a user's policy to tuples, or raise a ValueError that names the wrong entry."""
    rule = ("A policy is 'imagenet' or a list of sub-policies, each a list of (name, probability from 0 to 1, "
            "magnitude from 0 to 10), such as [[('Rotate', 0.5, 5), ('Color', 0.5, 8)]].")
    if not isinstance(policy, (list, tuple)) or not policy:
        raise ValueError(f'SegAutoAugment: policy={policy!r}. {rule}')
    for sub_policy in policy:
        if not isinstance(sub_policy, (list, tuple)) or not sub_policy:
            raise ValueError(f'SegAutoAugment: {sub_policy!r} is not a sub-policy. {rule}')
        for operation in sub_policy:
            if not isinstance(operation, (list, tuple)) or len(operation) != 3:
                raise ValueError(f'SegAutoAugment: {operation!r} is not an operation. {rule}')
            name, probability, magnitude = operation
            if name not in OPERATIONS:
                raise ValueError(f'SegAutoAugment: {name!r} is unknown. Known operations: {", ".join(OPERATIONS)}.')
            for what, number, highest in (('probability', probability, 1), ('magnitude', magnitude, 10)):
                if not isinstance(number, (int, float)) or not 0 <= number <= highest:
                    raise ValueError(f'SegAutoAugment: the {what} of {name} is {number!r}. Allowed are 0 to {highest}.')
    return tuple(tuple(tuple(operation) for operation in sub_policy) for sub_policy in policy)


@TRANSFORMS.register_module()
class SegRandAugment(SegOperations):
    """RandAugment for segmentation: draws a number of operations, uniformly and with replacement.

    The operations are the 14 of the paper: the identity, and all of AutoAugment's except Invert. See `SegAugment` for
    the keys.

    Args:
        num_ops (int): Number of operations for each sample, the paper's N, at least 1. Defaults to 2.
        strength (float): Strength as a share of each operation's range, from 0 to 1; the paper's magnitude M is 10
            times this. It is the distance from the identity: an enhancement factor is either 1 + 0.9 strength or
            1 - 0.9 strength, at random, while the paper's factors are from 0.1 to 1.9. AutoContrast and Equalize have
            no magnitude and have their full effect at any strength above 0. At strength 0, nothing changes. Defaults
            to 0.3.
        geometric (bool): Whether shears, shifts and rotations are among the operations. Defaults to True.

    Raises:
        ValueError: if `num_ops` is below 1, or `strength` is outside [0, 1].

    Source: Cubuk et al., "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space", NeurIPS
    2020.
    """

    def __init__(self, num_ops: int = 2, strength: float = 0.3, geometric: bool = True) -> None:
        if not isinstance(num_ops, int) or num_ops < 1:
            raise ValueError(f'SegRandAugment: num_ops={num_ops}. Allowed are integers of 1 or more.')
        if not 0 <= strength <= 1:
            raise ValueError(f'SegRandAugment: strength={strength}. Allowed are 0 (nothing) to 1 (the whole range).')
        self.num_ops = num_ops
        self.strength = strength
        self.geometric = geometric
        names = OPERATIONS if geometric else COLOUR
        self.names = ['Identity', *(name for name in names if name != 'Invert')]

    def draw(self, rng: np.random.Generator) -> List[Step]:
        """Draw the operations for one sample."""
        steps = []
        for name in rng.choice(self.names, self.num_ops).tolist():
            sign = rng.choice((-1, 1))
            share = (1 + sign * self.strength) / 2 if name in ENHANCEMENTS else self.strength
            steps.append(Step(name, value_at(name, share, sign)))
        return [step for step in steps if step.name != 'Identity' and self.strength > 0]

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(num_ops={self.num_ops}, strength={self.strength}, '
                f'geometric={self.geometric})')


@TRANSFORMS.register_module()
class SegWeakAugment(SegAugment):
    """Flips, scales and crops in one warp, so that image and label are resampled only once.

    See `SegAugment` for the keys. MMCV's `RandomFlip` and `RandomResize` set the keys `flip`, `flip_direction` and
    `scale_factor` in the same way. The position of the crop in the scaled image is uniformly random. If the scaled
    image is smaller than the crop, its position in the crop is uniformly random.

    Args:
        crop_size (int | tuple[int, int]): (height, width) of the result in pixels, or the side of a square.
        scale_range (tuple[float, float]): Lowest and highest scale factor; the factor is drawn uniformly. Defaults to
            (0.5, 2.0).
        flip_prob (float): Probability of a horizontal flip, from 0 to 1. Defaults to 0.5.

    Raises:
        ValueError: if a value is outside its range.
    """

    def __init__(self,
                 crop_size: Union[int, Tuple[int, int]],
                 scale_range: Tuple[float, float] = (0.5, 2.0),
                 flip_prob: float = 0.5) -> None:
        sides = (crop_size, crop_size) if isinstance(crop_size, int) else tuple(crop_size)
        if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
            raise ValueError(f'SegWeakAugment: crop_size={crop_size}. Allowed are (height, width) in whole pixels, '
                             'such as (360, 640), or one number for a square.')
        if len(scale_range) != 2 or not 0 < scale_range[0] <= scale_range[1] < float('inf'):
            raise ValueError(f'SegWeakAugment: scale_range={scale_range}. Allowed are (lowest, highest) above 0, such '
                             'as (0.5, 2.0).')
        check_probability('SegWeakAugment', 'flip_prob', flip_prob)
        self.crop_size: Tuple[int, int] = (sides[0], sides[1])
        self.scale_range = scale_range
        self.flip_prob = flip_prob

    def view(self, image: np.ndarray, rng: np.random.Generator) -> Tuple[np.ndarray, AffineMap]:
        """See the class."""
        size = image.shape[:2]
        scale = rng.uniform(*self.scale_range)
        flips = rng.random() < self.flip_prob
        matrix = np.diag([scale, scale, 1.0])
        for row, side, wanted in ((0, size[1], self.crop_size[1]), (1, size[0], self.crop_size[0])):
            spare = round(scale * side) - wanted
            start = rng.integers(min(spare, 0), max(spare, 0), endpoint=True)
            matrix[row, 2] = (scale - 1) / 2 - start  # align the corners of the frames, not the pixel centres
        original = AffineMap.flip(size) if flips else AffineMap.identity(size)
        affine = original.then(AffineMap(matrix, size, self.crop_size))
        return affine.warp_image(image, FILL), affine

    def record(self, results: dict, affine: AffineMap) -> None:
        """Set `flip`, `flip_direction` and `scale_factor`."""
        factor = float(affine.matrix[0, 0])
        results['flip'] = factor < 0
        results['flip_direction'] = 'horizontal' if factor < 0 else None
        results['scale_factor'] = (abs(factor), abs(factor))

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(crop_size={self.crop_size}, scale_range={self.scale_range}, '
                f'flip_prob={self.flip_prob})')
