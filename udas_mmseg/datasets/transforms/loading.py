"""Loading images and raw labels, with a check that files are complete."""
from typing import Any, Dict, Optional, Tuple

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile
from mmseg.registry import TRANSFORMS

from ..image_files import SampleError, fit_label, read_checked
from ..label_colors import is_color_map, map_colors
from ..label_files import check_label_channel, read_colors, read_label
from ..label_maps import (
    BOTH_MAPPED,
    LabelMap,
    compose_label_maps,
    map_labels,
    reduced_map,
    resolve_label_map,
)


@TRANSFORMS.register_module()
class LoadVerifiedImage(LoadImageFromFile):
    """MMCV's `LoadImageFromFile` that refuses truncated and undecodable files and names them.

    Required key: `img_path`. Added keys: `img` (H, W, 3) uint8 BGR, `img_shape`, `ori_shape`. Arguments are MMCV's.

    Raises:
        SampleError: if the file is missing, empty, truncated or not an image.
    """

    def transform(self, results: dict) -> dict:
        """Load `results['img_path']`; see the class."""
        content = read_checked(results['img_path'], self.backend_args)
        try:
            img = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        except Exception as error:  # the type of the exception depends on the decoder
            raise SampleError(f'{results["img_path"]} cannot be decoded: {error}') from error
        if img is None:
            raise SampleError(f'{results["img_path"]} cannot be decoded. Is it an image?')
        results['img'] = img.astype(np.float32) if self.to_float32 else img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results


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
        ValueError: if it has an id or a colour outside the map (the message names the file and what is known), or if
            the data set also maps raw ids, or reduces labels.
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
        path, label_map = results['seg_map_path'], self._effective_map(results)
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
                raise ValueError(f'label_map of {path}: {error}') from error
        results['gt_seg_map'] = raw.astype(np.uint8, copy=False)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def _effective_map(self, results: dict) -> Optional[dict]:
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
            composed = reduced_map(declared) if reduces else self.label_map
            if declared is not None and not reduces:
                composed = compose_label_maps(self.label_map, declared)
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
