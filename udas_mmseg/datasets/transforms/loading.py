"""Reading images and raw labels, with files checked for being whole."""
from typing import Any, Dict, Optional, Tuple

import cv2
import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile
from mmseg.registry import TRANSFORMS
from PIL import Image

from ..label_maps import LabelMap, compose_label_maps, map_labels, resolve_label_map

# A label is resized to a translated image whose width : height differs by up to this factor from its own. 6 percent are
# enough for SYNTHIA (1280x760) at 640x360; another driving set's translation (GTA5's 1914x1052: 8) is noticed.
MAX_STRETCH = 1.06
_PNG, _JPEG = b'\x89PNG\r\n\x1a\n', b'\xff\xd8'


class SampleError(ValueError):
    """One sample cannot be used: its file is broken, or its label does not fit its image.

    A data stream may skip a limited number of such samples (`max_broken`); other errors are never skipped.
    """


def find_damage(content: bytes) -> Optional[str]:
    """Say what is wrong with an encoded image that decoders accept silently.

    OpenCV and Pillow fill what a truncated file lacks with grey or zeros; a label that is half zeros trains a model to
    see class 0. A JPEG ends with its EOI marker and a PNG with its IEND chunk, perhaps followed by padding.

    Args:
        content (bytes): The file. Formats other than PNG and JPEG are not judged.

    Returns:
        str | None: What is wrong, or None.
    """
    if not content:
        return 'is empty'
    tail = content[-1024:]
    if content.startswith(_PNG) and b'IEND' not in tail:
        return f'is truncated after {len(content)} bytes (PNG without its IEND chunk)'
    if content.startswith(_JPEG) and b'\xff\xd9' not in tail:
        return f'is truncated after {len(content)} bytes (JPEG without its end marker)'
    return None


def read_checked(path: str, backend_args: Optional[dict]) -> bytes:
    """Read an encoded image.

    Raises:
        SampleError: if the file is missing, empty or truncated; the message names it.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise SampleError(f'{path} does not exist. Restore it, or take its name off the list file.') from error
    damage = find_damage(content)
    if damage:
        raise SampleError(f'{path} {damage}. Copy the file again, or allow the data set to skip some such files with '
                          '`max_broken`.')
    return content


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
        except Exception as error:  # what is raised depends on the decoder
            raise SampleError(f'{results["img_path"]} cannot be decoded: {error}') from error
        if img is None:
            raise SampleError(f'{results["img_path"]} cannot be decoded. Is it an image?')
        results['img'] = img.astype(np.float32) if self.to_float32 else img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results


def decode_label(content: bytes) -> Optional[np.ndarray]:
    """Decode a raw label image.

    Args:
        content (bytes): An 8-bit grey, palette (the index is the id), 16-bit grey or colour image; a colour image
            holds the id in its red channel, as SYNTHIA's and CARLA's do.

    Returns:
        np.ndarray | None: (H, W), uint8 or uint16; None if it cannot be decoded.
    """
    is_palette = content.startswith(_PNG) and content[25] == 3  # colour type in the IHDR chunk
    if is_palette:  # OpenCV would turn palette indices into colours
        return mmcv.imfrombytes(content, flag='unchanged', backend='pillow')
    raw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return raw if raw is None or raw.ndim == 2 else np.ascontiguousarray(raw[:, :, 2])


def read_label(path: str, backend_args: Optional[dict] = None) -> np.ndarray:
    """Read and decode a raw label image; see `decode_label`.

    Raises:
        SampleError: if the file is missing, broken or no image; the message names it.
    """
    content = read_checked(path, backend_args)
    try:
        raw = decode_label(content)
    except Exception as error:  # what is raised depends on the decoder
        raise SampleError(f'{path} cannot be decoded: {error}') from error
    if raw is None:
        raise SampleError(f'{path} cannot be decoded. Is it an image?')
    return raw


def resize_nearest(label: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a label by nearest neighbour, pixel centres on pixel centres.

    Every id of the result is the id of one pixel. OpenCV is no help here: `INTER_NEAREST` samples at the pixels' upper
    left corners, which shifts the label by up to half a pixel against an image that was resized about the centres, and
    what `INTER_NEAREST_EXACT` gives depends on the version (opencv/opencv#27191, #28429).

    Args:
        label (np.ndarray): (H, W), any type.
        height (int): New height.
        width (int): New width.

    Returns:
        np.ndarray: (height, width), of the same type.
    """
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip((height, width), label.shape))
    return label.take(rows, axis=0).take(columns, axis=1)


def fit_label(raw: np.ndarray, results: dict) -> np.ndarray:
    """Hold a label against the size of its image; resize it if the image is a translation.

    It is done before ids are mapped: the result is the same, and there are fewer pixels to map.

    Args:
        raw (np.ndarray): (H, W) ids.
        results (dict): `ori_shape` of the image, if one was loaded; paths; `is_translated`.

    Returns:
        np.ndarray: Ids in the size of the image.

    Raises:
        SampleError: if the sizes differ and the image is no translation; if the label differs from the image that was
            translated (some labels of GTA5 do: resizing would hide it); or if the translation has another shape.
    """
    shape = results.get('ori_shape')
    if shape is None or raw.shape == tuple(shape[:2]):
        return raw
    (height, width), (image_height, image_width) = raw.shape, shape[:2]
    label = f'{results["seg_map_path"]} is {width}x{height}'
    image = f'{results["img_path"]} is {image_width}x{image_height}'
    rule = '(width x height). They must be of the same size.'
    if not results.get('is_translated'):
        raise SampleError(f'{label}, but its image {image} {rule}')
    original = results.get('original_img_path')
    original_size = (width, height) if original is None else _image_size(original)
    if original_size != (width, height):
        raise SampleError(f'{label}, but its image {original} is {original_size[0]}x{original_size[1]} {rule}')
    stretch = (width * image_height) / (height * image_width)
    if max(stretch, 1 / stretch) > MAX_STRETCH:
        raise SampleError(f'{label}, but the translated image {image}: width / height differs by more than '
                          f'{MAX_STRETCH - 1:.0%}. Is `translated_root` the translation of another data set? If not, '
                          'translate with a `--size` of about that shape.')
    return resize_nearest(raw, image_height, image_width)


def _image_size(path: str) -> Tuple[int, int]:
    """Width and height from an image's header, without decoding it."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        raise SampleError(f'{path} cannot be opened: {error}') from error


class LabelLoader(BaseTransform):
    """What reads label files; a pipeline without labels leaves such steps out."""


@TRANSFORMS.register_module()
class LoadLabelIds(LabelLoader):
    """Read a raw label file and map its ids to train ids by table look-up.

    Required keys: `seg_map_path`; `label_map` (dict or None) as the data set gives it; `ori_shape` if an image was
    loaded; `is_translated` and `original_img_path` if that image is a translation. Added keys: `gt_seg_map` (H, W)
    uint8 in {0..C-1, 255}; `gt_seg_map` in `seg_fields`.

    The label of a translated image of another size (`tools/translate.py --size`) is resized, see `fit_label`.

    Args:
        label_map (str | dict, optional): raw id -> train id for data sets that do not declare one themselves, such as
            MMSegmentation's `CityscapesDataset` on `*_labelIds.png`: `'cityscapes'`, `'synthia'` or a dict. A class
            subset that the data set declares is applied behind it. Defaults to None.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Raises:
        SampleError: if the file is missing, broken, or of another size than the image; if it does not fit a translated
            image, see `fit_label`.
        ValueError: if it has an id outside the map (the message names the file and the known ids), or if the data
            set maps raw ids, too.
    """

    def __init__(self, label_map: Optional[LabelMap] = None, backend_args: Optional[dict] = None) -> None:
        self.label_map = None if label_map is None else resolve_label_map(label_map)
        self.backend_args = backend_args
        self._composed: Tuple[Optional[dict], Optional[dict]] = (None, None)

    def transform(self, results: dict) -> dict:
        """Load `results['seg_map_path']`; see the class."""
        path = results['seg_map_path']
        raw = fit_label(read_label(path, self.backend_args), results)
        if self.label_map is not None and results.get('maps_raw_ids'):
            raise ValueError('both the data set and LoadLabelIds have a label_map, and a label would be mapped twice. '
                             'Take `label_map` out of the LoadLabelIds of this pipeline.')
        label_map = self._effective_map(results.get('label_map'))
        if label_map is None and raw.max(initial=0) > 255:
            raise ValueError(f'{path} has id {raw.max()}, which is no 8-bit train id. Map it with `label_map`.')
        if label_map is not None:
            try:
                raw = map_labels(raw, label_map)
            except ValueError as error:
                raise ValueError(f'label_map of {path}: {error}') from error
        results['gt_seg_map'] = raw.astype(np.uint8, copy=False)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def _effective_map(self, declared: Optional[dict]) -> Optional[dict]:
        """What the data set declares, behind this transform's own map; composed once."""
        if self.label_map is None or declared is None:
            return self.label_map or declared
        if self._composed[0] != declared:
            self._composed = (declared, compose_label_maps(self.label_map, declared))
        return self._composed[1]

    def __repr__(self) -> str:
        named = None if self.label_map is None else f'{len(self.label_map)} ids'
        return f'{type(self).__name__}(label_map={named}, backend_args={self.backend_args})'


def loads_labels(step: Dict[str, Any]) -> bool:
    """Whether a step of a pipeline, as a config has it, reads label files."""
    kind = TRANSFORMS.get(step['type'])
    return isinstance(kind, type) and issubclass(kind, (LabelLoader, LoadAnnotations))
