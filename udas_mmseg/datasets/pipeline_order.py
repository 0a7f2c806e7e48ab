"""The check that a pipeline treats an image and its label alike, although it loads them in separate steps."""
from typing import Any, List

from mmcv.transforms import LoadAnnotations, LoadImageFromFile

from .pipelines import steps_of
from .transforms.auto_augment import SegAugment
from .transforms.loading import LabelLoader

# parts of the names of transforms that move pixels; a prediction is resized and flipped back, but not otherwise
_RETURNED = ('Resize', 'Rescale', 'Flip')
_LOST = ('Crop', 'Pad', 'Rotate', 'RotFlip', 'Mosaic', 'Affine')


def check_order(pipeline: Any, is_scored: bool) -> None:
    """Check the position of the step that loads labels in a pipeline.

    In training, a step that moves pixels must find image and label, or it changes the image alone: crops then take
    different places of the two, without an error. In validation and testing, predictions are compared with the label as
    it is in its file, so no step may change the label.

    Args:
        pipeline: Transforms of a data set, see `steps_of`.
        is_scored (bool): Whether predictions are compared with the labels: in validation and testing.

    Raises:
        ValueError: naming the step that is at the wrong place, and where it belongs.
    """
    steps = list(steps_of(pipeline))
    labels = [place for place, step in enumerate(steps) if isinstance(step, (LabelLoader, LoadAnnotations))]
    images = [place for place, step in enumerate(steps) if _loads_image(step)]
    if not labels or not images:
        return
    label, image = _name(steps[labels[0]]), _name(steps[images[0]])
    if labels[0] < images[0]:
        raise ValueError(f'pipeline: {label} is before {image}, so the size of a label cannot be compared with that of '
                         f'its image. Move {label} after {image}.')
    if is_scored:
        _check_scored(steps, labels[0], label)
        return
    for step in steps[images[0]:labels[0]]:
        if _moves(step, _RETURNED + _LOST):
            raise ValueError(f'pipeline: {_name(step)} is before {label}, so it would change an image but not its '
                             f'label, and the label would belong to other pixels. Move {label} directly after {image}.')


def _check_scored(steps: List[Any], place: int, label: str) -> None:
    """Check a pipeline of validation or testing, whose labels are loaded at a place."""
    for step in steps[place:]:
        if _moves(step, _RETURNED + _LOST):
            raise ValueError(f'pipeline: {label} is before {_name(step)}, which would change the label, but '
                             'predictions are scored in the size of the image in its file. Move '
                             f'{label} after {_name(step)}, directly before PackSegInputs.')
    for step in steps[:place]:
        if _moves(step, _LOST):
            raise ValueError(f'pipeline: {_name(step)} moves the pixels of an image before it is scored. Predictions '
                             'are resized to the image in its file, and would not fit its label. Remove '
                             f'{_name(step)}; to pad images for the network, set data_preprocessor.test_cfg='
                             'dict(size_divisor=...).')


def _moves(step: Any, parts: tuple) -> bool:
    """Whether a transform moves pixels, judged by the names of its classes."""
    if isinstance(step, (LabelLoader, LoadAnnotations)):
        return False
    return isinstance(step, SegAugment) or any(part in kind.__name__ for kind in type(step).__mro__ for part in parts)


def _loads_image(step: Any) -> bool:
    """Whether a transform loads an image from its file."""
    return isinstance(step, LoadImageFromFile) or ('Load' in _name(step) and 'Image' in _name(step))


def _name(step: Any) -> str:
    return type(step).__name__
