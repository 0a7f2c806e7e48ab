"""Loading labels of a few pixels, and resizing them without losing these pixels."""
from typing import Any, Dict, Mapping, Optional

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..image_files import fit_label
from ..label_files import read_label
from ..label_maps import IGNORE
from .loading import LabelLoader

ANSWERS_PATH = 'answers_path'  # key of the label of a person that is laid over a pseudo-label


@TRANSFORMS.register_module()
class LoadAnswers(LabelLoader):
    """Read a label of train ids that a person gave to some pixels; all others are 255.

    Required keys: `seg_map_path`, as `AnsweredDataset` gives it; `ori_shape` if an image was loaded. Added keys:
    `gt_seg_map` (H, W) uint8 in {0..C-1, 255}; `gt_seg_map` in `seg_fields`.

    Args:
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Raises:
        SampleError: if the file is missing or broken, or does not have the size of the image.
    """

    def __init__(self, backend_args: Optional[dict] = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Load `results['seg_map_path']`; see the class."""
        results['gt_seg_map'] = fit_label(read_label(results['seg_map_path'], self.backend_args), results)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'


def lay_answers_over(label: np.ndarray, results: Mapping[str, Any], backend_args: Optional[dict]) -> np.ndarray:
    """Lay the label of a person over a pseudo-label, if the image has one.

    Args:
        label (np.ndarray): (H, W) uint8 train ids; 255 is ignored.
        results (Mapping): `answers_path` if the image has answers; see `fit_label`.
        backend_args (dict, optional): Arguments of MMEngine's file backend.

    Returns:
        np.ndarray: (H, W) uint8, the answer where there is one, and `label` elsewhere.
    """
    path = results.get(ANSWERS_PATH)
    if path is None:
        return label
    answers = fit_label(read_label(path, backend_args), {**results, 'seg_map_path': path})
    return np.where(answers == IGNORE, label, answers)


def shrink_sparse(label: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrink a label of which few pixels are known: each new pixel gets the most frequent known class inside of it.

    Nearest neighbour would lose most single pixels: eight of nine at a third of the size.

    Args:
        label (np.ndarray): (H, W) uint8 train ids; 255 is unknown.
        height (int): New height, up to H.
        width (int): New width, up to W.

    Returns:
        np.ndarray: (height, width) uint8; 255 where no pixel inside is known. Of equally frequent classes, the lowest.
    """
    rows, columns = np.nonzero(label != IGNORE)
    places = (rows * height // label.shape[0]) * width + columns * width // label.shape[1]
    codes, counts = np.unique(places * 256 + label[rows, columns], return_counts=True)
    codes = codes[np.lexsort((-(codes % 256), counts))]  # the last one of a place stays: the most frequent, then lowest
    shrunk = np.full(height * width, IGNORE, label.dtype)
    shrunk[codes // 256] = codes % 256
    return shrunk.reshape(height, width)


@TRANSFORMS.register_module()
class SparseLabelResize(BaseTransform):
    """Resize images as another transform does, and keep the known pixels of their labels; see `shrink_sparse`.

    Labels that are not made smaller are those of the other transform. Required and modified keys are those of the other
    transform.

    Args:
        resize (dict): Config of a transform that only resizes, such as `Resize`, `RandomResize`, `AntialiasedResize`.

    Example:
        >>> dict(type='SparseLabelResize', resize=dict(type='AntialiasedResize', scale=(640, 360)))
    """

    def __init__(self, resize: dict) -> None:
        self.resize = TRANSFORMS.build(resize)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Resize; see the class."""
        before = {key: results[key] for key in results.get('seg_fields', ())}
        results = self.resize(results)
        for key, label in before.items():
            height, width = results[key].shape
            if height <= label.shape[0] and width <= label.shape[1]:
                results[key] = shrink_sparse(label, height, width)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(resize={self.resize})'
