"""What tests need to write small data sets."""
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict

import cv2
import numpy as np
import pytest

from udas_mmseg.scenes import render_scene, write_cityscapes, write_gta5, writer

CLASSES = dict(classes=('road', 'sidewalk', 'other'), palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])
CITY_NAMES = [f'{city}/{city}_{number:06d}_000019' for city in ('aachen', 'ulm') for number in range(4)]
LOAD = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')]


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def write_demo_data(root: Path, train: int = 6, val: int = 2) -> Path:
    """`gta5` and `cityscapes` in their own formats, with scenes of 128x64."""
    for name, content in demo_data(train, val).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


# Data sets of other sizes have the same scenes; one takes as long as a training step of a tiny network.
draw_once = cache(render_scene)


@cache
def demo_data(train: int, val: int) -> Dict[str, bytes]:
    """Files by name, written once."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, 'render_scene', draw_once)
        write_gta5(f'{folder}/gta5', train, val, size=(128, 64), progress=False)
        write_cityscapes(f'{folder}/cityscapes', train, val, size=(128, 64), progress=False)
        return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob('*') if path.is_file()}


def write_carla_and_camvid(root: Path, count: int = 3) -> Path:
    """`carla` and `camvid` as configs/benchmarks/carla2camvid expects them, holding noise; one more image to judge."""
    rng = np.random.default_rng(0)
    sequences = ('0001TP', '0006R0', '0016E5')
    names = [f'{sequences[number % 3]}_{number:05d}' for number in range(count)]
    judged = [f'{sequence}_{count + number:05d}' for number, sequence in enumerate(sequences)]
    for number in range(count):
        write_image(root / f'carla/images/{number}.jpg', rng.integers(0, 256, (80, 160, 3), dtype=np.uint8))
        write_image(root / f'carla/labels/{number}.png', rng.integers(0, 3, (80, 160), dtype=np.uint8))
    for split, members in (('train', [*names, *judged]), ('val', names)):
        for name in members:
            write_image(root / f'camvid/images/{split}/{name}.jpg',
                        rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
            write_image(root / f'camvid/labels/{split}/{name}.png',
                        rng.integers(0, 12, (120, 160), dtype=np.uint8))
    splits = root / 'camvid/splits'
    splits.mkdir()
    lists = {'pool': names, 'pool_labeled_1': names[:1], 'pool_without_1': names[1:],
             **{f'judge_{name.split("_")[0]}': [name] for name in judged}}
    for stem, members in lists.items():
        (splits / f'{stem}.txt').write_text('\n'.join(members) + '\n')
    return root
