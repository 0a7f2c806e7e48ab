"""Augmenting image and label at 640x360, in milliseconds of one core a sample, against decoding and resizing one.

Everything runs in one thread, and what is measured is its CPU time: other work on the machine makes it slower by
sharing caches, but is not counted in. `python benchmarks/augmentation.py` lists every sub-policy of AutoAugment.
"""
import functools
import io
import os.path as osp
import statistics
import tempfile
import time
from typing import Callable, List, Tuple

import cv2
import numpy as np
import torch
from measuring import Row, absolute
from mmseg.registry import TRANSFORMS
from PIL import Image

from udas_mmseg.datasets.transforms import SegAutoAugment
from udas_mmseg.datasets.transforms.auto_augment import IMAGENET_POLICY
from udas_mmseg.scenes import write_gta5

SIZE = (640, 360)
SAMPLES = 50  # of one measurement: every sub-policy is drawn several times
Sample = Tuple[np.ndarray, np.ndarray]


def cpu_ms(function: Callable[[], object]) -> float:
    """Milliseconds that one call keeps a core busy."""
    started = time.process_time()
    function()
    return 1000 * (time.process_time() - started)


def generated(size: Tuple[int, int]) -> Sample:
    """A street scene (H, W, 3) and its label (H, W) of (width, height)."""
    with tempfile.TemporaryDirectory() as root:
        write_gta5(root, 1, size=size, progress=False)
        return (cv2.imread(osp.join(root, 'images', '00001.png')),
                np.array(Image.open(osp.join(root, 'labels', '00001.png'))))


def reader(sample: Sample) -> Callable[[], Sample]:
    """A function that decodes an image from JPEG and a label from PNG, and resizes both."""
    image = cv2.imencode('.jpg', sample[0])[1]
    buffer = io.BytesIO()
    Image.fromarray(sample[1]).save(buffer, 'png')

    def read() -> Sample:
        label = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
        return (cv2.resize(cv2.imdecode(image, cv2.IMREAD_COLOR), SIZE, interpolation=cv2.INTER_LINEAR),
                cv2.resize(label, SIZE, interpolation=cv2.INTER_NEAREST))

    return read


def passes(transforms: List[dict], sample: Sample) -> Callable[[], None]:
    """A function that applies transforms to so many samples, each time with the same draws."""
    built = [TRANSFORMS.build(config) for config in transforms]
    partner = dict(img=sample[0][:, ::-1].copy(), gt_seg_map=sample[1][:, ::-1].copy(), seg_fields=['gt_seg_map'])

    def augment() -> None:
        np.random.seed(0)
        for _ in range(SAMPLES):
            results = dict(img=sample[0], gt_seg_map=sample[1], seg_fields=['gt_seg_map'], mix_results=[partner])
            for transform in built:
                results = transform(results)

    return augment


def against_reading(name: str, transforms: List[dict], goal: str = '', rounds: int = 5) -> Row:
    """Milliseconds a sample that transforms take, and what share that is of decoding and resizing."""
    read, augment = reader(generated((1280, 720))), passes(transforms, generated(SIZE))
    read(), augment()
    pairs = [(cpu_ms(lambda: [read() for _ in range(SAMPLES)]) / SAMPLES, cpu_ms(augment) / SAMPLES)
             for _ in range(rounds)]
    reading, ours = zip(*pairs)
    ratios = [b / a for a, b in pairs]
    return {**absolute(f'{name}, {SIZE[0]}x{SIZE[1]}, ms of a processor a sample', ours, goal,
                       f'decode and resize 1280x720 JPEG and PNG: {statistics.median(reading):.1f} ms'),
            'cpu_ratio': statistics.median(ratios)}


def sub_policies(draws: int = 7) -> List[Tuple[float, str]]:
    """Milliseconds of each of AutoAugment's sub-policies with all of its operations, the slowest first."""
    image, label = generated(SIZE)
    found = []
    for sub_policy in dict.fromkeys(IMAGENET_POLICY):
        certain = [(name, 1, magnitude) for name, _, magnitude in sub_policy]
        apply = functools.partial(SegAutoAugment(policy=[certain]).apply, image, label, rng=np.random.default_rng(0))
        apply()
        found.append((statistics.median(cpu_ms(apply) for _ in range(draws)),
                      ' + '.join(f'{name} {magnitude}' for name, _, magnitude in sub_policy)))
    return sorted(found, reverse=True)


def extremes() -> List[Row]:
    """The slowest and the fastest sub-policy of AutoAugment."""
    ranked = sub_policies()
    return [absolute(f'{which} sub-policy: {name}, ms of a processor a sample', [value])
            for which, (value, name) in (('slowest', ranked[0]), ('fastest', ranked[-1]))]


def run() -> List[Row]:
    """All figures of this file."""
    cv2.setNumThreads(1)  # as in a loader worker
    torch.set_num_threads(1)
    mixing, auto = dict(type='DomainCutMix', alpha=1.0), dict(type='SegAutoAugment')
    return [
        against_reading('SegAutoAugment', [auto]), against_reading('DomainCutMix', [mixing]),
        against_reading('DomainCutMix and SegAutoAugment', [mixing, auto], '< 8 ms'),
        against_reading('SegRandAugment', [dict(type='SegRandAugment')]),
        against_reading('SegWeakAugment', [dict(type='SegWeakAugment', crop_size=(360, 640))]), *extremes()
    ]


if __name__ == '__main__':  # every sub-policy
    cv2.setNumThreads(1)
    for milliseconds, name in sub_policies():
        print(f'{milliseconds:6.2f} ms  {name}')
