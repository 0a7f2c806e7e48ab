"""Reading encoded images, with a check that they are complete and fit their labels."""
import os
from typing import BinaryIO, Optional, Tuple

import mmengine.fileio as fileio
import numpy as np
from PIL import Image

from .image_headers import JPEG, PNG, exif_orientation, find_damage

# A label may be resized to a translated image if their aspect ratios (width / height) differ by at most this factor.
# 6 percent are enough for SYNTHIA (1280x760) at 640x360, and still detect translations of another driving data set
# (8 percent for GTA5's 1914x1052).
MAX_STRETCH = 1.06
STORED = 'color_ignore_orientation'  # `color_type` of images that are read without their EXIF orientation
_HEADER = 65536 + 4096  # bytes of a JPEG or PNG from which its orientation is read


class SampleError(ValueError):
    """A sample cannot be used: one of its files is broken, or its label does not match its image.

    A data stream may skip a limited number of such samples (`max_broken`). Other errors are never skipped.
    """


def read_checked(path: str, backend_args: Optional[dict]) -> bytes:
    """Read an encoded image.

    Raises:
        SampleError: if the file is missing, empty or truncated; the message names it.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise SampleError(f'{path} does not exist. Restore it, or remove its name from the list file.') from error
    damage = find_damage(content)
    if damage:
        raise SampleError(f'{path} {damage}. Copy the file again, or allow the data set to skip some such files with '
                          '`max_broken`.')
    return content


def is_whole(path: str) -> bool:
    """Whether a local image exists and is complete, judged by its first and last bytes; see `find_damage`."""
    try:
        with open(path, 'rb') as file:
            head = file.read(1024)
            file.seek(-min(1024, os.stat(path).st_size), 2)
            return find_damage(head + file.read()) is None
    except OSError:
        return False


def is_older(path: str, image: str) -> bool:
    """Whether a local file is older than the image that it was made from; False if one of them cannot be found."""
    try:
        return os.stat(path).st_mtime_ns < os.stat(image).st_mtime_ns
    except OSError:  # an image that cannot be read is reported when it is loaded
        return False


def resize_nearest(label: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a label with nearest neighbour, aligned at the pixel centres.

    OpenCV cannot be used: `INTER_NEAREST` samples at the upper left corners of the pixels, which shifts the label by up
    to half a pixel relative to an image that was resized with aligned centres, and the result of `INTER_NEAREST_EXACT`
    depends on the version (opencv/opencv#27191, #28429).

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
    """Check that a label has the size of its image, and resize it if the image is a translation of another size.

    Call it before ids are mapped: the result is the same, and there are fewer pixels to map.

    Args:
        raw (np.ndarray): (H, W) ids.
        results (dict): `ori_shape` of the image, if one was loaded; paths; `is_translated`; `ignores_orientation`, see
            `LoadVerifiedImage`.

    Returns:
        np.ndarray: Ids in the size of the image.

    Raises:
        SampleError: if the sizes differ and the image is not a translation; if the label does not have the size of the
            original image (as some labels of GTA5; resizing would hide it); or if the translation has another aspect
            ratio.
    """
    shape = results.get('ori_shape')
    if shape is None or raw.shape == tuple(shape[:2]):
        return raw
    (height, width), (image_height, image_width) = raw.shape, shape[:2]
    label = f'{results["seg_map_path"]} is {width}x{height}'
    image = f'{results["img_path"]} is {image_width}x{image_height}'
    rule = '(width x height). Both must have the same size.'
    turned = not results.get('ignores_orientation', False)
    if not results.get('is_translated'):
        is_other = raw.shape == tuple(shape[1::-1]) and _is_exchanged(results['img_path'])
        raise SampleError(f'{label}, but its image {image} {rule}{_other_reading(turned) if is_other else ""}')
    original = results.get('original_img_path')
    original_size = (width, height) if original is None else image_size(original, turned)
    if original_size != (width, height):
        is_other = original is not None and image_size(original, not turned) == (width, height)
        raise SampleError(f'{label}, but its image {original} is {original_size[0]}x{original_size[1]} {rule}'
                          f'{_other_reading(turned) if is_other else ""}')
    stretch = (width * image_height) / (height * image_width)
    if max(stretch, 1 / stretch) > MAX_STRETCH:
        raise SampleError(f'{label}, but the translated image {image}: width / height differs by more than '
                          f'{MAX_STRETCH - 1:.0%}. Is `translated_root` the translation of another data set? If not, '
                          'translate with a `--size` of about the same aspect ratio.')
    return resize_nearest(raw, image_height, image_width)


def _other_reading(turned: bool) -> str:
    """Say how to read images whose labels fit the other reading of their EXIF orientation."""
    if turned:
        return (' The image has an EXIF orientation and is read as displayed, but the label fits its pixels as stored: '
                f"set color_type='{STORED}' of LoadVerifiedImage in every pipeline of these images.")
    return (f" The image has an EXIF orientation and is read as stored (color_type='{STORED}'), but the label fits it "
            "as displayed: use color_type='color' of LoadVerifiedImage in every pipeline of these images.")


def image_size(path: str, turned: bool) -> Tuple[int, int]:
    """Read width and height from the header of an image, as displayed (turned) or as stored, without decoding it."""
    try:
        with open(path, 'rb') as file, Image.open(file) as image:
            width, height = image.size
            return (height, width) if turned and _exchanges_sides(file) else (width, height)
    except OSError as error:
        raise SampleError(f'{path} cannot be opened: {error}') from error


def _is_exchanged(path: str) -> bool:
    """Whether the EXIF orientation of an image exchanges its width and height."""
    try:
        with open(path, 'rb') as file:
            return _exchanges_sides(file)
    except OSError:  # in remote storage, or not a file
        return False


def _exchanges_sides(file: BinaryIO) -> bool:
    file.seek(0)
    content = file.read(_HEADER)
    if not content.startswith((JPEG, PNG)):  # others may have it at their end
        content += file.read()
    return exif_orientation(content) > 4
