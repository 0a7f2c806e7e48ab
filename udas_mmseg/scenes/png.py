"""Writing PNG files with a palette, which OpenCV cannot do."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b'\x89PNG\r\n\x1a\n'


def encode_palette_png(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Encode an 8-bit palette PNG (colour type 3), the format of GTA5's label maps.

    Args:
        indices: (H, W) uint8 palette indices.
        palette: (256, 3) uint8 RGB.

    Returns:
        bytes: Content of the file.

    Raises:
        ValueError: If a shape or type is wrong.

    Source: PNG specification, third edition, sections 5 and 11.2.
    """
    if indices.ndim != 2 or indices.dtype != np.uint8:
        raise ValueError(
            f'indices must be (H, W) uint8, not {indices.shape} {indices.dtype}.')
    if palette.shape != (256, 3) or palette.dtype != np.uint8:
        raise ValueError(f'palette must be (256, 3) uint8, not {palette.shape} {palette.dtype}.')
    height, width = indices.shape
    header = struct.pack('>IIBBBBB', width, height, 8, 3, 0, 0, 0)
    # Every row starts with its filter type; 0 stores the row as it is.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1)
    chunks = ((b'IHDR', header), (b'PLTE', palette.tobytes()),
              (b'IDAT', zlib.compress(rows.tobytes(), 6)), (b'IEND', b''))
    return _SIGNATURE + b''.join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', checksum)
