"""Calling `tools/predict.py` on small images, with a model whose data do not exist."""
import runpy
import shutil
import sys
from pathlib import Path
from typing import Tuple

import cv2
import numpy as np
import pytest

from labeling import CONFIG, NAMES, save_checkpoint
from small_data import write_image

TOOL = str(Path(__file__).parents[1] / 'tools/predict.py')
COLORS = [[128, 64, 128], [244, 35, 232], [70, 70, 70]]  # of Cityscapes
IMAGES = ['images/0.jpg', 'images/ulm/1.png', 'images/ulm/2.JPG']


def noise(seed: int, width: int = 60, height: int = 40) -> np.ndarray:
    """A smooth picture, (H, W, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_work(root: Path) -> Path:
    """`mine.py`, `trained.pth` and images of two sizes in the current folder, `root`, without the config's data."""
    write_image(root / 'data/leftImg8bit/train' / NAMES[0], noise(0))
    (root / 'mine.py').write_text(CONFIG)
    save_checkpoint('trained.pth', 1)
    shutil.rmtree(root / 'data')
    for number, name in enumerate(IMAGES):
        write_image(root / name, noise(number, 60 + 20 * (number == 1)))
    return root


def predict(*arguments: str, workers: int = 0) -> None:
    """The tool, without the time that a new process takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['predict.py', *arguments, '--workers', str(workers)])
        runpy.run_path(TOOL, run_name='__main__')


def error_of(*arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        predict(*arguments)
    return str(caught.value)


def write_video(path: Path, count: int = 3, size: Tuple[int, int] = (60, 40), fps: float = 12.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), fps, size)
    assert writer.isOpened()
    for number in range(count):
        writer.write(noise(number, *size))
    writer.release()
    return path
