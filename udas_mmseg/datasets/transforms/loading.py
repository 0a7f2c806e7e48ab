"""Loading images and raw labels, with a check that files are complete."""
from typing import Any, Dict, Optional, Set, Tuple

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile
from mmengine.logging import MMLogger
from mmseg.registry import TRANSFORMS

from ..image_files import STORED, SampleError, fit_label, read_checked
from ..image_headers import TIFF, exif_orientation, is_deep
from ..label_colors import is_color_map, map_colors
from ..label_files import check_label_channel, read_colors, read_label
from ..label_maps import (
    BOTH_MAPPED,
    LabelMap,
    LabelMapError,
    compose_label_maps,
    map_labels,
    reduced_map,
    resolve_label_map,
)

_TURNED, _TURNING = ('color', 'grayscale'), ('cv2', 'pillow')  # values of color_type and imdecode_backend that turn
_said: Set[bool] = set()  # readings of EXIF orientations that are in the log


@TRANSFORMS.register_module()
class LoadVerifiedImage(LoadImageFromFile):
    """MMCV's `LoadImageFromFile` that refuses truncated and undecodable files and names them.

    An image with an EXIF orientation is turned as it is displayed, as MMSegmentation does;
    `color_type='color_ignore_orientation'` reads the pixels as they are stored. The log says so for the first image.

    Required key: `img_path`. Added keys: `img` (H, W, 3) uint8 BGR, `img_shape`, `ori_shape`; `exif_orientation` (2 to
    8) if the image has one, and `ignores_orientation=True` if it is not applied. Arguments are MMCV's.

    Raises:
        SampleError: if the file is missing, empty, truncated or not an image.
        ValueError: if its channels have more than 8 bits, or if it is a TIFF whose orientation cannot be ignored.
    """

    def transform(self, results: dict) -> dict:
        """Load `results['img_path']`; see the class."""
        path = results['img_path']
        content = read_checked(path, self.backend_args)
        try:
            is_too_deep = is_deep(content)
            img = None if is_too_deep else mmcv.imfrombytes(content, self.color_type, backend=self.imdecode_backend)
        except Exception as error:  # the type of the exception depends on the decoder
            raise SampleError(f'{path} cannot be decoded: {error}') from error
        if is_too_deep:
            raise ValueError(f'{path} has more than 8 bits a channel, or values with a sign. Only the upper 8 bits '
                             'would be used, so that images of 12 bits would be almost black. Convert the images to 8 '
                             'bits once, for example with cv2.convertScaleAbs(image, alpha=255 / highest), where '
                             '`highest` is the largest value of the camera (4095 for 12 bits).')
        if img is None:
            raise SampleError(f'{path} cannot be decoded. Is it an image?')
        self._note_orientation(results, content)
        results['img'] = img.astype(np.float32) if self.to_float32 else img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _note_orientation(self, results: dict, content: bytes) -> None:
        """Add how the EXIF orientation of the image is treated, and log it for the first such image."""
        orientation, can_turn = exif_orientation(content), self.imdecode_backend in _TURNING
        is_turned = can_turn and self.color_type in _TURNED
        if not is_turned:
            results['ignores_orientation'] = True  # also for the original of a translation, see `fit_label`
        if orientation == 1:
            return
        if can_turn and not is_turned and content.startswith(TIFF):
            raise ValueError(f'{results["img_path"]} has EXIF orientation {orientation}. A TIFF is always turned, also '
                             f'with color_type={self.color_type!r}. Remove its orientation (`exiftool -Orientation= '
                             "FILE`), or use color_type='color'.")
        results['exif_orientation'] = orientation
        _say_orientation(results['img_path'], orientation, is_turned)


def _say_orientation(path: str, orientation: int, is_turned: bool) -> None:
    """Log how images with an EXIF orientation are read, once in a process."""
    if is_turned in _said:
        return
    _said.add(is_turned)
    reading = 'turned as displayed' if is_turned else 'read as stored'
    other = f"'{STORED}' reads them as stored" if is_turned else "'color' turns them"
    MMLogger.get_current_instance().warning(
        f'{path} has EXIF orientation {orientation}: such images are {reading}, and labels must be drawn on them in '
        f'this orientation. color_type={other} (LoadVerifiedImage). This is logged for the first such image only.')


class LabelLoader(BaseTransform):
    """Base class of transforms that read label files. Pipelines for unlabelled data must not contain them."""


@TRANSFORMS.register_module()
class LoadLabelIds(LabelLoader):
    """Read a label file and map its ids or colours to train ids with a look-up table.

    Required keys: `seg_map_path`; `label_map` (dict or None) and `reduce_zero_label` from the data set; `ori_shape` if
    an image was loaded; `is_translated` and `original_img_path` if this image is a translation. Added keys:
    `gt_seg_map` (H, W) uint8 in {0..C-1, 255}; `gt_seg_map` in `seg_fields`.

    For the kinds of files, see `decode_label` (ids) and `decode_colors` (a `label_map` of colours). If a translated
    image has another size (`tools/translate.py --size`), its label is resized, see `fit_label`.

    Args:
        label_map (str | dict, optional): Map raw id -> train id, or colour (red, green, blue) -> train id, for data
            sets that have no map themselves, such as MMSegmentation's `CityscapesDataset` on `*_labelIds.png`:
            `'cityscapes'`, `'synthia'` or a dict. If the data set declares a subset of classes, it is applied
            afterwards. Defaults to None.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.
        label_channel (str, optional): Channel of colour images that has the ids: 'red', 'green' or 'blue'. Defaults to
            None: that of the data set, or the colour images that `decode_label` recognises.

    Raises:
        SampleError: if the file is missing or broken, or does not have the size of the image; if it does not match a
            translated image, see `fit_label`.
        LabelFormatError: if the file has colours, but there is no map of colours, or is compressed with loss.
        LabelMapError: if it has an id or a colour outside the map; the message names the file and what is known.
        ValueError: if the data set also maps raw ids, or reduces labels.
    """

    def __init__(self,
                 label_map: Optional[LabelMap] = None,
                 backend_args: Optional[dict] = None,
                 label_channel: Optional[str] = None) -> None:
        check_label_channel(label_channel)
        self.label_map = None if label_map is None else resolve_label_map(label_map)
        self.label_channel = label_channel
        self.backend_args = backend_args
        self._composed: Tuple[Any, Optional[dict]] = (None, None)

    def transform(self, results: dict) -> dict:
        """Load `results['seg_map_path']`; see the class."""
        path, label_map = results['seg_map_path'], self.effective_map(results)
        if is_color_map(label_map):
            raw = fit_label(read_colors(path, self.backend_args), results)
        else:
            channel = self.label_channel or results.get('label_channel')
            raw = fit_label(read_label(path, self.backend_args, channel), results)
        if label_map is None and raw.max(initial=0) > 255:
            raise ValueError(f'{path} has id {raw.max()}, which is not an 8-bit train id. Map it with `label_map`.')
        if label_map is not None:
            try:
                raw = map_colors(raw, label_map) if is_color_map(label_map) else map_labels(raw, label_map)
            except ValueError as error:
                raise LabelMapError(f'label_map of {path}: {error}') from error
        results['gt_seg_map'] = raw.astype(np.uint8, copy=False)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def effective_map(self, results: dict) -> Optional[dict]:
        """Return this transform's map, or `reduce_zero_label`, followed by the data set's map; composed only once."""
        declared, reduces = results.get('label_map'), results.get('reduce_zero_label', False)
        if self.label_map is None and not reduces:
            return declared
        if self.label_map is not None and results.get('maps_raw_ids'):
            raise ValueError('both the data set and LoadLabelIds have a label_map, so labels would be mapped twice. '
                             'Remove `label_map` from the LoadLabelIds of this pipeline.')
        if self.label_map is not None and reduces:
            raise ValueError(BOTH_MAPPED)
        key = (reduces, declared)
        if self._composed[0] != key:
            if self.label_map is None:
                composed = reduced_map(declared)
            else:
                composed = self.label_map if declared is None else compose_label_maps(self.label_map, declared)
            self._composed = (key, composed)
        return self._composed[1]

    def __repr__(self) -> str:
        kind = 'colours' if is_color_map(self.label_map) else 'ids'
        named = None if self.label_map is None else f'{len(self.label_map)} {kind}'
        return (f'{type(self).__name__}(label_map={named}, backend_args={self.backend_args}, '
                f'label_channel={self.label_channel!r})')


def loads_labels(step: Dict[str, Any]) -> bool:
    """Whether a step of a pipeline, given as a config, reads label files."""
    kind = TRANSFORMS.get(step['type'])
    return isinstance(kind, type) and issubclass(kind, (LabelLoader, LoadAnnotations))
