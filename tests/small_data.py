"""What tests need to write small data sets."""
from pathlib import Path

import cv2
import numpy as np

from udas_mmseg.scenes import write_cityscapes, write_gta5

CLASSES = dict(classes=('road', 'sidewalk', 'other'), palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])
CITY_NAMES = [f'{city}/{city}_{number:06d}_000019' for city in ('aachen', 'ulm') for number in range(4)]
LOAD = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')]


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def write_demo_data(root: Path, train: int = 6, val: int = 2) -> Path:
    """`gta5` and `cityscapes` in their own formats, with scenes of 128x64."""
    write_gta5(str(root / 'gta5'), train, val, size=(128, 64), progress=False)
    write_cityscapes(str(root / 'cityscapes'), train, val, size=(128, 64), progress=False)
    return root


def write_carla_and_camvid(root: Path, count: int = 3) -> Path:
    """`carla` and `camvid` as configs/benchmarks/carla2camvid expects them, holding noise."""
    rng = np.random.default_rng(0)
    for number in range(count):
        write_image(root / f'carla/images/{number}.jpg', rng.integers(0, 256, (80, 160, 3), dtype=np.uint8))
        write_image(root / f'carla/labels/{number}.png', rng.integers(0, 3, (80, 160), dtype=np.uint8))
        for split in ('train', 'val'):
            write_image(root / f'camvid/images/{split}/{number}.jpg',
                        rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
            write_image(root / f'camvid/labels/{split}/{number}.png',
                        rng.integers(0, 12, (120, 160), dtype=np.uint8))
    splits = root / 'camvid/splits'
    splits.mkdir()
    names = [str(number) for number in range(count)]
    for budget in (1, 2, 5, 10):  # as far as there are images
        size = min(budget, count - 1)
        (splits / f'labeled_{budget}.txt').write_text('\n'.join(names[:size]) + '\n')
        (splits / f'unlabeled_without_{budget}.txt').write_text('\n'.join(names[size:]) + '\n')
    return root
