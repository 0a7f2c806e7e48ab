"""Reading label files: ids, or the colours that stand for them."""
import io
from typing import Callable, Optional

import cv2
import numpy as np
from PIL import Image

from .image_files import SampleError, read_checked
from .image_headers import JPEG, PNG, TIFF, exif_orientation, is_deep, tiff_tag
from .label_colors import describe_colors, pack_colors

LABEL_CHANNELS = ('blue', 'green', 'red')  # OpenCV's order
_GREY, _PALETTE = 0, 3  # colour types of PNG
_FEW_BITS = {2: 85, 4: 17}  # decoders multiply grey values of 2 and 4 bits by this factor
_COMPRESSION_TAG, _LOSSY = 0x0103, (6, 7, 34712, 34892, 50001, 50002)  # compressions of TIFF: JPEG, WebP, JPEG XL
_BITS_TAG, _COLORS_TAG, _WHITE_IS_0 = 0x0102, 0x0106, 0  # bits and colours of TIFF
_JPEG_2000 = (b'\0\0\0\x0cjP  ', b'\xff\x4f\xff\x51')


class LabelFormatError(ValueError):
    """A label file is complete, but its pixels are not ids, or no longer the ids that were saved."""


def check_label_channel(channel: Optional[str]) -> None:
    """Check the name of the channel that has the ids.

    Raises:
        ValueError: if it is not 'red', 'green', 'blue' or None.
    """
    if channel is not None and channel not in LABEL_CHANNELS:
        raise ValueError(f'label_channel={channel!r}: allowed are {LABEL_CHANNELS}, or None if the labels have one '
                         'channel.')


def read_label(path: str, backend_args: Optional[dict] = None, channel: Optional[str] = None) -> np.ndarray:
    """Read a label image of ids; see `decode_label`.

    Raises:
        SampleError: if the file is missing, broken or not an image; the message names it.
        LabelFormatError: if it has no ids; the message names it and the fix.
    """
    return _read(path, backend_args, lambda content: decode_label(content, channel))


def read_colors(path: str, backend_args: Optional[dict] = None) -> np.ndarray:
    """Read a label image of colours; see `decode_colors`.

    Raises:
        SampleError: if the file is missing, broken or not an image; the message names it.
        LabelFormatError: if its colours are not exact; the message names it.
    """
    return _read(path, backend_args, decode_colors)


def _read(path: str, backend_args: Optional[dict],
          decode: Callable[[bytes], Optional[np.ndarray]]) -> np.ndarray:
    content = read_checked(path, backend_args)
    if exif_orientation(content) != 1:
        raise LabelFormatError(f'{path} has an EXIF orientation, but labels are read as they are stored. Save it again '
                               'without EXIF (`exiftool -Orientation= FILE`), turned as its image is read.')
    try:
        raw = decode(content)
    except LabelFormatError as error:
        raise LabelFormatError(f'{path} {error}') from error
    except Exception as error:  # the type of the exception depends on the decoder
        raise SampleError(f'{path} cannot be decoded: {error}') from error
    if raw is None:
        raise SampleError(f'{path} cannot be decoded. Is it an image?')
    return raw


def decode_label(content: bytes, channel: Optional[str] = None) -> Optional[np.ndarray]:
    """Decode a label image of ids.

    The value of a grey pixel and the index of a palette are ids. A mask of 1 bit has the ids 0 and 1. A colour image
    has ids if its three channels are equal, if it has 16 bits (as in SYNTHIA, red is the id) or if green and blue are
    0 everywhere and red is never 255 (as in CARLA's raw files).

    Args:
        content (bytes): Content of the file.
        channel (str, optional): Channel of a colour image that has the ids: 'red', 'green' or 'blue'. Defaults to
            None: only the colour images above are read.

    Returns:
        np.ndarray | None: (H, W), uint8 or uint16; None if it cannot be decoded.

    Raises:
        LabelFormatError: if the compression is lossy, or the pixels are colours or no integers of 16 bits.
    """
    raw = _decode_png(content) if content.startswith(PNG) else _decode_other(content)
    if raw is None or raw.ndim == 2:
        return raw if raw is None else _as_ids(raw)
    if raw.shape[2] < 3:  # grey and alpha
        return np.ascontiguousarray(raw[:, :, 0])
    if channel is not None:
        return np.ascontiguousarray(raw[:, :, LABEL_CHANNELS.index(channel)])
    return _as_ids(_recognize(raw))


def decode_colors(content: bytes) -> Optional[np.ndarray]:
    """Decode a label image of colours. Alpha is ignored; a palette and grey pixels have the colours that one sees.

    Args:
        content (bytes): Content of the file.

    Returns:
        np.ndarray | None: (H, W) uint32, see `pack_colors`; None if it cannot be decoded.

    Raises:
        LabelFormatError: if the compression is lossy, or a channel has more than 8 bits.
    """
    _refuse_lossy(content)
    if is_deep(content):
        raise LabelFormatError('has more than 8 bits a channel, but `label_map` has colours of 8 bits. Save it with 8 '
                               'bits, or give a `label_map` of ids.')
    if content.startswith(PNG):
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        return None if bgr is None else pack_colors(bgr)
    with Image.open(io.BytesIO(content)) as image:
        return pack_colors(np.array(image.convert('RGB'))[:, :, ::-1])


def _decode_png(content: bytes) -> Optional[np.ndarray]:
    bits, color_type = content[24], content[25]
    if color_type == _PALETTE or (color_type == _GREY and bits == 1):  # OpenCV would give colours, or 0 and 255
        with Image.open(io.BytesIO(content)) as image:
            return np.array(image).astype(np.uint8, copy=False)
    raw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if raw is not None and color_type == _GREY and bits in _FEW_BITS:
        return raw // np.uint8(_FEW_BITS[bits])
    return raw


def _decode_other(content: bytes) -> Optional[np.ndarray]:
    _refuse_lossy(content)
    bits = tiff_tag(content, _BITS_TAG) if content.startswith(TIFF) else None
    if bits is not None and bits > 1 and tiff_tag(content, _COLORS_TAG) == _WHITE_IS_0:
        raise LabelFormatError('is a grey TIFF in which 0 is white (photometric interpretation 0): some programs read '
                               'its ids, others invert them. Save it as PNG.')
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode in ('P', '1'):
                return np.array(image).astype(np.uint8)
            if image.mode == 'L' and bits in _FEW_BITS:  # OpenCV cannot read them
                return np.array(image) // np.uint8(_FEW_BITS[bits])
    except OSError:  # a format that only OpenCV reads
        pass
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def _refuse_lossy(content: bytes) -> None:
    name = None
    if content.startswith(JPEG):
        name = 'JPEG'
    elif content[8:12] == b'WEBP' and b'VP8L' not in content[:256]:
        name = 'lossy WebP'
    elif content[4:8] == b'ftyp':
        name = 'AVIF or HEIC'
    elif content.startswith(_JPEG_2000):
        raise LabelFormatError('is a label in a JPEG 2000 file, which does not say whether it was compressed with '
                               'loss. Convert it to PNG if it was not. Otherwise save the labels as PNG where they are '
                               'made.')
    elif content.startswith(TIFF) and tiff_tag(content, _COMPRESSION_TAG) in _LOSSY:
        name = 'TIFF with lossy compression'
    if name is not None:
        raise LabelFormatError(f'is a label in a {name} file: the compression is lossy and changes the ids, above all '
                               'at edges. Save the labels as PNG where they are made; converting this file does not '
                               'restore the ids.')


def _as_ids(raw: np.ndarray) -> np.ndarray:
    """Return pixels as 8 or 16 bits without a sign, which look-up tables need."""
    if raw.dtype in (np.uint8, np.uint16):
        return raw
    ids = np.nan_to_num(raw.astype(np.float64), nan=-1.0, posinf=-1.0, neginf=-1.0)
    wrong = (ids < 0) | (ids > 65535) | (ids != np.floor(ids))
    if wrong.any():
        raise LabelFormatError(f'has {raw.dtype} pixels such as {raw[wrong][0]}, but ids are integers from 0 to 65535. '
                               'Save the labels as 8-bit PNG, with 255 where a pixel is to be ignored.')
    return ids.astype(np.uint16)


def _recognize(raw: np.ndarray) -> np.ndarray:
    """Return the ids of a colour image that is known to have them: (H, W)."""
    blue, green, red = (raw[:, :, number] for number in range(3))
    is_grey = np.array_equal(blue, green) and np.array_equal(green, red)
    # pure red (255, 0, 0) is more often a colour than the id 255
    is_red = not is_grey and not blue.any() and not green.any() and red.max(initial=0) < 255
    if is_grey or is_red or raw.dtype == np.uint16:
        return np.ascontiguousarray(red)
    found = describe_colors(pack_colors(raw)) if raw.dtype == np.uint8 else f'not listed ({raw.dtype})'
    raise LabelFormatError(f'has colours in place of ids: {found} (red, green, blue; share of the pixels). Give the '
                           'train id of each colour, such as label_map={(0, 0, 255): 0, ...}, or '
                           "label_map='palette' for the colours of `metainfo.palette`. If one channel has the ids, "
                           "set label_channel='red' (or 'green', 'blue').")
