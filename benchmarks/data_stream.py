"""The training stream, without and with a cache, against bare decoding and resizing of the same files; its overhead."""
import os.path as osp
import tempfile
from typing import Any, Callable, List, Sized, Tuple

import cv2
import numpy as np
from measuring import Parts, Row, absolute, compared, costs, images_a_second, seconds, threads
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from udas_mmseg.datasets import PositionSampler, StreamDataset, StreamIndex
from udas_mmseg.scenes import write_gta5

FILES = 16
ROUNDS = 5
PAIRS = ((1914, 1052), (640, 360)), ((1280, 720), (640, 360)), ((640, 360), (640, 360)), ((160, 80), (160, 80))


def stream_of(root: str, size: Tuple[int, int], cache: Any = None) -> StreamDataset:
    """The pipeline of configs/udas on a folder in GTA5's format."""
    pipeline = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'),
                dict(type='Resize', scale=size, keep_ratio=False), dict(type='RandomFlip', prob=0.5),
                dict(type='PackSegInputs')]
    source = dict(type='GTA5Dataset', data_root=root, pipeline=pipeline,
                  data_prefix=dict(img_path='images', seg_map_path='labels'))
    return DATASETS.build(dict(type='StreamDataset', dataset=source, cache=cache))


class BareReader:
    """Decode and resize each image and label with the libraries alone."""

    def __init__(self, root: str, names: List[str], size: Tuple[int, int]) -> None:
        self.root, self.names, self.size = root, names, size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: StreamIndex) -> Tuple[np.ndarray, np.ndarray]:
        name = self.names[index.position % len(self.names)]
        with open(osp.join(self.root, 'images', name), 'rb') as file:
            image = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
        label = np.array(Image.open(osp.join(self.root, 'labels', name)))
        return (cv2.resize(image, self.size, interpolation=cv2.INTER_LINEAR),
                cv2.resize(label, self.size, interpolation=cv2.INTER_NEAREST))


def pass_of(dataset: Sized) -> Callable[[], None]:
    """A function that takes one pass of samples from a running loader worker."""
    loader = DataLoader(dataset, batch_size=1, num_workers=1, sampler=PositionSampler(dataset, seed=0),
                        collate_fn=pseudo_collate)
    batches = iter(loader)

    def read() -> None:
        for _ in range(len(dataset)):
            next(batches)

    return read


def against_bare_reading(source: Tuple[int, int], size: Tuple[int, int]) -> List[Row]:
    """Samples a second of one loader worker, from files of `source` to samples of `size` (both width, height)."""
    with tempfile.TemporaryDirectory() as root, threads(1):
        write_gta5(root, FILES, size=source, progress=False)
        stream = stream_of(root, size)
        names = sorted(osp.basename(stream.dataset.get_data_info(i)['img_path']) for i in range(FILES))
        bare, ours = costs([pass_of(BareReader(root, names, size)), pass_of(stream)], ROUNDS)
    return [compared(f'stream, {source[0]}x{source[1]} -> {size[0]}x{size[1]}, samples/s', bare, ours,
                     'bare decode and resize', 'ratio >= 0.7', unit=images_a_second(FILES))]


def with_cache(source: Tuple[int, int], size: Tuple[int, int]) -> List[Row]:
    """Samples a second of a stream without and with a cache, in this process, as a loader worker reads them."""
    with tempfile.TemporaryDirectory() as root, threads(1):
        write_gta5(root, FILES, size=source, progress=False)
        stream = stream_of(root, size, dict(cache_dir=osp.join(root, 'cache')))
        names = sorted(osp.basename(stream.dataset.get_data_info(index)['img_path']) for index in range(FILES))
        plain, bare = stream_of(root, size), BareReader(root, names, size)

        def reads(dataset: Any) -> Callable[[], None]:
            return lambda: [dataset[StreamIndex(0, position)] for position in range(FILES)] and None

        of_bare, without, cached = costs([reads(bare), reads(plain), reads(stream)], ROUNDS)
    name = f'{source[0]}x{source[1]} -> {size[0]}x{size[1]}, samples/s'
    unit = images_a_second(FILES)
    return [compared(f'cached stream, {name}', of_bare, cached, 'bare decode and resize', 'ratio >= 3', unit=unit),
            compared(f'the same stream without a cache, {name}', of_bare, without, 'bare decode and resize', unit=unit)]


class Constant:
    """A data set that costs nothing."""

    metainfo: dict = {}

    def __len__(self) -> int:
        return 25000

    def __getitem__(self, index: int) -> int:
        return index


def overhead(samples: int = 2000) -> List[Row]:
    """Milliseconds a sample that seeding, isolating and permuting cost."""
    stream = StreamDataset(Constant())

    def read() -> None:
        for position in range(samples):
            stream[StreamIndex(0, position)]

    read()
    with threads(1):
        return [absolute('stream overhead, ms a sample', [1000 * seconds(read) / samples for _ in range(ROUNDS)],
                         '< 0.3 ms')]


def parts() -> Parts:
    """The parts of this benchmark."""
    (source, size), *others = PAIRS
    return {
        'stream': lambda: against_bare_reading(source, size),
        'cache': lambda: with_cache(source, size),
        'stream of small files': lambda: against_bare_reading(size, size),
        'cache of small files': lambda: [row for pair in others for row in with_cache(*pair)],
        'overhead': overhead,
    }
