"""Prediction of a folder, from image files to overlays and masks, against the bare forward of the same model.

The model is the multi-level DeepLabv2 with random weights: on ResNet-101 as published, on the CPU on ResNet-18, whose
forward hides less of the other work. The model is loaded before; starting the workers that load images is included.
"""
import contextlib
import io
import os.path as osp
import tempfile
from itertools import count
from typing import Any, Dict, List, Tuple

import torch
from measuring import Row, compared, costs, images_a_second
from mmengine.config import Config
from pseudo_labeling import DEVICE, ROOT, build, images_of, wait
from torch import nn

from udas_mmseg.apis import PredictionOptions, Predictor
from udas_mmseg.apis.image_samples import ImageSamples
from udas_mmseg.apis.predict import predict_set
from udas_mmseg.apis.prediction_set import PredictionWriter

SIZE = (640, 360)  # width, height
MODEL = 'deeplabv2-multi_r101-d8' if DEVICE == 'cuda' else 'deeplabv2-multi_r18-d8'
FILES = 200 if DEVICE == 'cuda' else 6  # on the CPU a forward takes so long that starting the workers matters little
BATCH = 4 if DEVICE == 'cuda' else 1
WORKERS = 8 if DEVICE == 'cuda' else 2


def load(model: Dict[str, Any], folder: str) -> Predictor:
    """A predictor of random weights, from a config and a checkpoint, which reads images as they are."""
    pipeline = [dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]
    cfg = Config(dict(model={**model, 'backbone': {**model['backbone'], 'init_cfg': None}}, test_pipeline=pipeline))
    checkpoint = osp.join(folder, 'random.pth')
    torch.save(dict(state_dict=build(model).state_dict()), checkpoint)
    return Predictor(cfg, checkpoint)


class Files:
    """Predict a folder as tools/predict.py does, each time into a new one."""

    def __init__(self, predictor: Predictor, paths: List[str], root: str, out: str) -> None:
        self.predictor, self.paths, self.root, self.out, self.number = predictor, paths, root, out, count()

    def __call__(self) -> None:
        writer = PredictionWriter(
            osp.join(self.out, f'out_{next(self.number)}'), self.paths, self.root, dict(sha256='', config_digest=''),
            self.predictor.classes, self.predictor.palette, PredictionOptions(batch_size=BATCH, workers=WORKERS))
        with contextlib.redirect_stderr(io.StringIO()):  # the progress
            predict_set(self.predictor, writer)


class Bare:
    """The model alone, on the same images in the same batches, in memory and preprocessed: its logits."""

    def __init__(self, predictor: Predictor, paths: List[str]) -> None:
        samples = [ImageSamples([path], predictor.pipeline).load(path).packed for path in paths]
        self.model: nn.Module = predictor.labeler.segmentor
        self.batches = [
            predictor.labeler.preprocessor({key: [sample[key] for sample in samples[first:first + BATCH]]
                                            for key in ('inputs', 'data_samples')}, False)
            for first in range(0, len(samples), BATCH)
        ]  # yapf: disable

    @torch.no_grad()
    def __call__(self) -> None:
        for batch in self.batches:
            self.model.inference(batch['inputs'], [sample.metainfo for sample in batch['data_samples']])
        wait()


def throughput(model: Dict[str, Any], name: str, files: int = FILES, size: Tuple[int, int] = SIZE,
               rounds: int = 5) -> Row:
    """Images a second from files to overlays and masks."""
    with tempfile.TemporaryDirectory() as folder:
        images = images_of(osp.join(folder, 'data'), files, size, size)
        paths = [images.get_data_info(number)['img_path'] for number in range(len(images))]
        predictor = load(model, folder)
        bare, ours = costs([Bare(predictor, paths),
                            Files(predictor, paths, images.data_prefix['img_path'], folder)], rounds)
    return compared(f'prediction of {files} files {size[0]}x{size[1]} to overlays and masks, {name}, images/s', bare,
                    ours, 'bare forward', 'ratio <= 1.2', share=True, unit=images_a_second(files))


def run() -> List[Row]:
    """All figures of this file."""
    model = Config.fromfile(osp.join(ROOT, f'configs/_base_/models/{MODEL}.py')).to_dict()['model']
    for head in ('decode_head', 'auxiliary_head'):
        model[head]['num_classes'] = 19
    return [throughput(model, MODEL)]
