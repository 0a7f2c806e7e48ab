"""Images that the shipped configs shrink keep thin objects and lose noise: in training, testing and translation."""
from functools import cache
from pathlib import Path
from typing import Iterator, Tuple

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import TRANSFORMS
from PIL import Image

from config_data import CONFIGS, name_of
from udas_mmseg.utils.config_dicts import config_dicts

# part of the path of the images -> width, height; the first that fits
SIZES = {'demo': (256, 128), 'gta5': (1914, 1052), 'cityscapes': (2048, 1024), 'synthia': (1280, 760),
         'carla': (160, 80), 'camvid': (480, 360), 'VOC': (500, 375), 'acdc': (1920, 1080), 'dark_zurich': (1920, 1080)}
MILD = 0.75  # above this factor, bilinear sampling leaves out nothing: two pixels are read in each direction
RESIZING = sorted(path for path in CONFIGS.rglob('*.py') if "Resize'" in path.read_text())


def steps_and_sizes(cfg: Config) -> Iterator[Tuple[dict, Tuple[int, int]]]:
    """Each resize of the config's data sets at its smallest scale, with the size of the images."""
    for _, part in config_dicts(cfg.to_dict()):
        images = f'{part.get("data_root")}/{(part.get("data_prefix") or {}).get("img_path")}'
        size = next((size for name, size in SIZES.items() if name in images), None)
        steps = [step for step in part.get('pipeline') or () if 'Resize' in step['type']]
        assert size or not steps or 'data_prefix' not in part, images
        for step in steps if size else ():
            yield smallest(step), size


def smallest(step: dict) -> dict:
    """The step with its smallest scale alone; `SparseLabelResize` wraps such a step."""
    if 'resize' in step:
        return dict(step, resize=smallest(step['resize']))
    low = (step.get('ratio_range') or [None])[0]
    return step if low is None else dict(step, ratio_range=(low, low))


@cache
def poles_and_noise(size: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Poles of two pixels at many positions, and noise with a standard deviation of 30."""
    poles = np.zeros((*size[::-1], 3), np.uint8)
    for left in range(10, size[0] - 10, 41):
        poles[:, left:left + 2] = 200
    noise = np.random.default_rng(0).normal(128, 30, (*size[::-1], 1)).clip(0, 255).astype(np.uint8)
    return poles, np.repeat(noise, 3, axis=2)


def weakest_pole(image: np.ndarray, size: Tuple[int, int]) -> float:
    """The smallest brightness of the poles of an image that was resized."""
    row, factor = image[len(image) // 2, :, 0], image.shape[1] / size[0]
    centres = [int((left + 1) * factor) for left in range(10, size[0] - 10, 41)]
    return float(min(row[max(0, centre - 2):centre + 3].max() for centre in centres))


@cache
def expected(size: Tuple[int, int], new: Tuple[int, int]) -> Tuple[float, float]:
    """The weakest pole after averaging, and the standard deviation of the noise: Pillow's or OpenCV's area."""
    made = []
    for image in poles_and_noise(size):
        pillow = np.asarray(Image.fromarray(image).resize(new, Image.Resampling.BICUBIC))
        made.append((pillow, cv2.resize(image, new, interpolation=cv2.INTER_AREA)))
    poles, noise = made
    return min(weakest_pole(image, size) for image in poles), max(float(image.std()) for image in noise)


@pytest.mark.parametrize('path', RESIZING, ids=name_of)
def test_thin_objects_stay_and_noise_is_averaged(path: Path) -> None:
    checked = {str(pair): pair for pair in steps_and_sizes(Config.fromfile(path))}
    assert checked
    for step, size in checked.values():
        poles, noise = poles_and_noise(size)
        transform = TRANSFORMS.build(step)
        image = transform(dict(img=poles))['img']
        if image.shape[1] > MILD * size[0]:
            continue
        pole, deviation = expected(size, image.shape[1::-1])
        assert weakest_pole(image, size) > 0.9 * pole, (step, size)
        assert transform(dict(img=noise))['img'].std() < 1.1 * deviation, (step, size)
        label = noise[:, :, 0] // 64 * 60
        small = transform(dict(img=noise, gt_seg_map=label, seg_fields=['gt_seg_map']))['gt_seg_map']
        assert small.shape == image.shape[:2] and set(np.unique(small)) <= {0, 60, 120, 180}, (step, size)
