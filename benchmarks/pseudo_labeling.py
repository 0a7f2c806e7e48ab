"""Pseudo-labels: a whole set, from files to files, against the bare forward of the teacher, and their size on disk.

The teacher is the published multi-level DeepLabv2 on ResNet-101, with random weights. As for Cityscapes at 640x360,
files are 3.2 times as wide as what the network sees; on the CPU all of it is a quarter as wide.
"""
import contextlib
import copy
import io
import os
import os.path as osp
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from measuring import Parts, Row, absolute, compared, costs, images_a_second
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS, MODELS
from PIL import Image
from torch import nn

from udas_mmseg.datasets.image_views import ImageViewsDataset, build_augment
from udas_mmseg.datasets.thresholds import encode_confidence
from udas_mmseg.models.max_confidence import confidence
from udas_mmseg.pseudo_labels.label import LabelingOptions, label_dataset, open_set
from udas_mmseg.pseudo_labels.predict import Labeler, predict_views
from udas_mmseg.pseudo_labels.writer import encode_png
from udas_mmseg.scenes import write_cityscapes

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
FILE, SEEN = ((2048, 1024), (640, 360)) if DEVICE == 'cuda' else ((512, 256), (160, 88))  # width, height
FILES = 512 if DEVICE == 'cuda' else 8  # so that starting the workers is a small part
DRAWN = 32  # files beyond these hold the same images
VIEWS, BATCH = 3, 4
WORKERS = 12 if DEVICE == 'cuda' else 2
TEACHER = dict(sha256='', config_digest='')  # nobody asks


def published() -> Dict[str, Any]:
    """The model of the config."""
    model = Config.fromfile(osp.join(ROOT, 'configs/_base_/models/deeplabv2-multi_r101-d8.py')).to_dict()['model']
    for head in ('decode_head', 'auxiliary_head'):
        model[head]['num_classes'] = 19
    return model


def build(cfg: Dict[str, Any]) -> nn.Module:
    """A teacher of random weights, the same each time."""
    torch.manual_seed(0)
    cfg = copy.deepcopy(cfg)
    cfg['backbone']['init_cfg'] = None
    return MODELS.build(ConfigDict(cfg)).eval().to(DEVICE)


def images_of(root: str, files: int, size: Tuple[int, int], seen: Tuple[int, int]) -> BaseDataset:
    """Drawn scenes as PNG files (width, height), resized as in testing."""
    write_cityscapes(root, min(files, DRAWN), 1, size=size, progress=False)
    folder = Path(root, 'leftImg8bit/train')
    drawn = sorted(folder.rglob('*.png'))
    for number in range(len(drawn), files):
        os.link(drawn[number % len(drawn)], folder / f'again_{number:05d}_leftImg8bit.png')
    images = DATASETS.build(
        dict(type='CityscapesDataset', data_root=root, data_prefix=dict(img_path='leftImg8bit/train'),
             pipeline=[dict(type='LoadVerifiedImage'), dict(type='Resize', scale=seen, keep_ratio=False),
                       dict(type='PackSegInputs')]))
    images.test_mode = True
    return images


def names_of(images: BaseDataset) -> List[str]:
    """What views are drawn by: paths below the image folder."""
    root = images.data_prefix['img_path']
    return [osp.relpath(images.get_data_info(index)['img_path'], root) for index in range(len(images))]


def wait() -> None:
    """CUDA returns before it has computed."""
    if DEVICE == 'cuda':
        torch.cuda.synchronize()


class Files:
    """Label a data set from files to files as tools/pseudo_label.py does, each time to a new folder.

    Starting the loader's workers is included. The system has read the files before.
    """

    def __init__(self, model: nn.Module, images: BaseDataset, out: str) -> None:
        self.labeler, self.images, self.out, self.number = Labeler.of(model), images, out, count()
        self.options = LabelingOptions(views=VIEWS, batch_size=BATCH, workers=WORKERS)

    def __call__(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):  # the progress
            writer = open_set(self.images, osp.join(self.out, str(next(self.number))), TEACHER, self.options, False)
            label_dataset(self.labeler, self.images, writer, self.options)


class Bare:
    """The teacher alone, on the same views in the same batches, in memory and preprocessed: logits of the views."""

    def __init__(self, model: nn.Module, images: BaseDataset) -> None:
        self.model = model
        augment = build_augment(LabelingOptions().augment_cfg or {})
        views = ImageViewsDataset(images, names_of(images), augment, VIEWS)
        samples = [sample for index in range(len(images)) for sample in views[index].samples]
        self.batches = [
            model.data_preprocessor({key: [sample[key] for sample in samples[first:first + BATCH * VIEWS]]
                                     for key in ('inputs', 'data_samples')}) for first in
            range(0, len(samples), BATCH * VIEWS)
        ]  # yapf: disable

    @torch.no_grad()
    def __call__(self) -> None:
        for batch in self.batches:
            self.model.inference(batch['inputs'], [sample.metainfo for sample in batch['data_samples']])
        wait()


class OneByOne:
    """One view of one image at a time, in one process, merged and written before the next image is read."""

    def __init__(self, model: nn.Module, images: BaseDataset, out: str) -> None:
        self.labeler, self.images, self.out, self.number = Labeler.of(model), images, out, count()
        self.options = LabelingOptions(views=VIEWS, workers=0)
        self.views = ImageViewsDataset(images, names_of(images), build_augment(self.options.augment_cfg or {}), VIEWS)
        inference = model.inference
        self.single = lambda inputs, metas: torch.cat([inference(one[None], metas[:1]) for one in inputs])

    def __call__(self) -> None:
        writer = open_set(self.images, osp.join(self.out, f'single_{next(self.number)}'), TEACHER, self.options, False)
        self.labeler.segmentor.inference = self.single
        try:
            for index in writer.begin():
                label, sure = next(iter(predict_views(self.labeler, [self.views[index]])))
                writer.write(index, label.cpu().numpy(), sure)
            writer.finish()
        finally:
            del self.labeler.segmentor.inference


REFERENCES: Dict[type, Tuple[str, str]] = {  # what it is, and the goal
    Bare: ('bare forward of the same views', 'ratio >= 0.9'), OneByOne: ('one view of one image at a time', 'ratio > 1')
}


def throughput(cfg: Dict[str, Any], files: int = FILES, size: Tuple[int, int] = FILE, seen: Tuple[int, int] = SEEN,
               rounds: int = 5, reference: type = Bare) -> List[Row]:
    """Images a second from image files to label files of the same size."""
    model = build(cfg)
    name = f'pseudo-labels of {files} files {size[0]}x{size[1]}, seen at {seen[0]}x{seen[1]}, {VIEWS} views, images/s'
    with tempfile.TemporaryDirectory() as root:
        images = images_of(osp.join(root, 'data'), files, size, seen)
        plain = Bare(model, images) if reference is Bare else OneByOne(model, images, root)
        before, ours = costs([plain, Files(model, images, root)], rounds)
    return [compared(name, before, ours, *REFERENCES[reference], unit=images_a_second(files))]


def disk(size: Tuple[int, int] = (2048, 1024), seen: Tuple[int, int] = (80, 45)) -> Row:
    """Kilobytes of a label and its confidence, of smooth random logits of stride 8, against Pillow's PNG of them."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, 19, seen[1] // 4 + 1, seen[0] // 4 + 1, generator=generator) * 4
    noise = torch.randn(1, 19, *seen[::-1], generator=generator) / 2
    smooth = F.interpolate(coarse, size=seen[::-1], mode='bilinear')
    logits = F.interpolate(smooth + noise, size=size[::-1], mode='bilinear', align_corners=True)[0]
    pictures = logits.argmax(0).to(torch.uint8).numpy(), encode_confidence(confidence(logits))
    ours, theirs = (sum(len(encode(picture)) for picture in pictures) / 1000 for encode in (encode_png, pillow_png))
    return {**absolute(f'label and confidence {size[0]}x{size[1]} on disk, kB', [ours], 'ratio <= 1.2',
                       f"Pillow's 8-bit PNG: {theirs:.3g}"), 'ratio': ours / theirs}


def pillow_png(picture: np.ndarray) -> bytes:
    """At Pillow's defaults."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, 'PNG')
    return file.getvalue()


def parts() -> Parts:
    """The parts of this benchmark."""
    return {'throughput': lambda: throughput(published()), 'disk': lambda: [disk()],
            'one view at a time': lambda: throughput(published(), reference=OneByOne)}
