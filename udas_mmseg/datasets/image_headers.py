"""Reading from the bytes of an image file whether it is complete, its orientation and its depth."""
import re
import struct
from typing import Iterator, Optional, Tuple

import cv2
import numpy as np

PNG, JPEG = b'\x89PNG\r\n\x1a\n', b'\xff\xd8'
TIFF = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')  # the last two are BigTIFF
RIFF = b'RIFF'  # WebP
_IEND, _EXIF = b'IEND', b'Exif\0\0'
_PNG_END, _JPEG_END = b'IEND\xaeB`\x82', b'\xff\xd9'
_ONLY_8_BITS = (JPEG, b'BM', RIFF, b'GIF8')
# a marker of JPEG; 00 and the restart markers D0-D7 belong to the compressed pixels, FF is padding
_MARKER = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]')
_SCAN, _END, _APP1 = 0xda, 0xd9, 0xe1
_WITHOUT_LENGTH = (0x01, 0xd8)
_ORIENTATION_TAG, _BITS_TAG, _FORMAT_TAG = 0x0112, 0x0102, 0x0153
_UNSIGNED = 1  # sample format of TIFF


def find_damage(content: bytes) -> Optional[str]:
    """Detect a truncated image, which decoders accept silently.

    OpenCV and Pillow fill the missing part of a truncated file with grey or zeros. A label that is half zeros would
    teach a model to predict class 0. A JPEG is complete with its EOI marker and a PNG with its IEND chunk, whatever
    follows (padding, or data of a camera).

    Args:
        content (bytes): Content of the file. Formats other than PNG and JPEG are not checked.

    Returns:
        str | None: A description of the damage, or None.
    """
    if not content:
        return 'is empty'
    # a file usually ends with its end marker; only other files are searched
    if content.startswith(PNG) and not content.endswith(_PNG_END) and _IEND not in dict(_png_chunks(content)):
        return f'is truncated after {len(content)} bytes (PNG without its IEND chunk)'
    if content.startswith(JPEG) and not content.endswith(_JPEG_END) and _END not in dict(_jpeg_segments(content)):
        return f'is truncated after {len(content)} bytes (JPEG without its end marker)'
    return None


def exif_orientation(content: bytes) -> int:
    """Return the EXIF orientation of a JPEG, PNG, TIFF or WebP.

    Args:
        content (bytes): Content of the file, or its beginning.

    Returns:
        int: 1 (pixels are stored as displayed, or there is no orientation) to 8. From 5 on, the image is displayed
            with width and height exchanged.
    """
    if content.startswith(TIFF):
        return _orientation_in(content)
    if content.startswith(JPEG):
        for marker, start in _jpeg_segments(content):
            if marker == _APP1 and content.startswith(_EXIF, start + 2):
                return _orientation_in(content[start + 8:start + 65536])
            if marker in (_SCAN, _END):
                return 1
    if content.startswith(PNG):
        for name, start in _png_chunks(content):
            if name == b'eXIf':
                return _orientation_in(content[start:])
    if content.startswith(RIFF):
        for name, start in _riff_chunks(content):
            if name == b'EXIF':
                skipped = len(_EXIF) if content.startswith(_EXIF, start) else 0  # some writers repeat JPEG's prefix
                return _orientation_in(content[start + skipped:])
    return 1


def is_deep(content: bytes) -> bool:
    """Whether the channels of an image have more than 8 bits, or are not integers without a sign."""
    if content.startswith(PNG):
        return content[24] == 16  # in the IHDR chunk
    if content.startswith(_ONLY_8_BITS):
        return False
    bits = tiff_tag(content, _BITS_TAG) if content.startswith(TIFF) else None
    if bits is not None:
        return bits > 8 or (tiff_tag(content, _FORMAT_TAG) or _UNSIGNED) != _UNSIGNED
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return pixels is not None and pixels.dtype != np.uint8


def _png_chunks(content: bytes) -> Iterator[Tuple[bytes, int]]:
    """Iterate over the chunks of a PNG: name, and position of the data."""
    place = len(PNG)
    while place + 8 <= len(content):
        yield content[place + 4:place + 8], place + 8
        place += 12 + int.from_bytes(content[place:place + 4], 'big')


def _riff_chunks(content: bytes) -> Iterator[Tuple[bytes, int]]:
    """Iterate over the chunks of a WebP: name, and position of the data."""
    place = 12
    while place + 8 <= len(content):
        size = int.from_bytes(content[place + 4:place + 8], 'little')
        yield content[place:place + 4], place + 8
        place += 8 + size + size % 2


def _jpeg_segments(content: bytes) -> Iterator[Tuple[int, int]]:
    """Iterate over the markers of a JPEG up to its end: marker, and position after it."""
    found = _MARKER.search(content, len(JPEG))
    while found:
        marker, place = content[found.end() - 1], found.end()
        yield marker, place
        if marker == _END:
            return
        if marker not in _WITHOUT_LENGTH:
            place += int.from_bytes(content[place:place + 2], 'big')
        found = _MARKER.search(content, place)


def _orientation_in(exif: bytes) -> int:
    """Read the orientation in the first directory of a TIFF structure; 1 if there is none."""
    value = tiff_tag(exif, _ORIENTATION_TAG)
    return value if value is not None and 1 <= value <= 8 else 1


def tiff_tag(content: bytes, wanted: int) -> Optional[int]:
    """Read the first number of a 16-bit tag in the first directory of a TIFF or BigTIFF; None if there is none."""
    order = '<' if content.startswith(b'II') else '>'
    is_big = content[2:4] in (b'+\0', b'\0+')
    offset, counter, head, at = ('Q', 'Q', 'HHQ', 8) if is_big else ('I', 'H', 'HHI', 4)
    head_size, room = struct.calcsize(f'={head}'), struct.calcsize(f'={offset}')
    try:
        start, = struct.unpack_from(f'{order}{offset}', content, at)
        count, = struct.unpack_from(f'{order}{counter}', content, start)
        for number in range(count):
            place = start + struct.calcsize(f'={counter}') + (head_size + room) * number
            tag, _, length = struct.unpack_from(f'{order}{head}', content, place)
            if tag == wanted:
                place += head_size
                if 2 * length > room:  # the entry has the position of the numbers
                    place, = struct.unpack_from(f'{order}{offset}', content, place)
                return struct.unpack_from(f'{order}H', content, place)[0]
    except struct.error:  # not complete; decoders ignore it as well
        pass
    return None
