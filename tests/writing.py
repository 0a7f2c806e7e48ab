"""Writing a small translated set."""
import json
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import cv2
import numpy as np

from udas_mmseg.translation.writer import TranslationWriter

ROOT = 'data/images'
IMAGES = [f'{ROOT}/ulm/0.jpg', f'{ROOT}/ulm/1.jpg', f'{ROOT}/2.png']
NAMES = ['ulm/0.png', 'ulm/1.png', '2.png']
TRANSLATOR = dict(config='a.py', checkpoint='a.pth', sha256='0a', config_digest='0b')
JPG = dict(image_format='jpg')
Make = Callable[..., TranslationWriter]


def picture(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    """Blurred noise, which JPEG can compress."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def write_all(writer: TranslationWriter) -> None:
    for index in writer.pending():
        writer.write(index, picture(index), (60, 40))


def complete(writer: TranslationWriter) -> TranslationWriter:
    writer.begin()
    write_all(writer)
    writer.finish()
    return writer


def index_of(writer: TranslationWriter) -> Dict[str, Any]:
    return json.loads((writer.out / 'index.json').read_text())


def contents(folder: Path) -> Dict[str, Tuple[bytes, int]]:
    """Content and time of every file."""
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.rglob('*') if path.is_file()}  # yapf: disable
