"""A step of `CrossPseudoSupervision` against two supervised steps of the same networks on the same images."""
from typing import Any, Dict, List, Tuple

import torch
from adversarial_step import CLASSES, DEVICE, Batch, labelled, random_batch, wait
from measuring import Row, compared, costs
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

import udas_mmseg  # noqa: F401  (applies compat)

BATCH = 2  # labelled images, and as many unlabelled ones
SIZE = (180, 320) if DEVICE == 'cuda' else (90, 160)  # height, width
BACKBONE = dict(type='ResNet', depth=18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN'))
HEAD = dict(type='DepthwiseSeparableASPPHead', in_channels=512, in_index=3, channels=128, dilations=(1, 12, 24, 36),
            c1_in_channels=64, c1_channels=48, num_classes=CLASSES, norm_cfg=dict(type='BN'), align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
VARIANTS: Dict[str, Tuple[Dict[str, Any], str]] = {  # options and goal
    'plain': ({}, 'ratio <= 1.15'), 'joint forward': (dict(joint_forward=True), 'ratio <= 1.15'),
    'CutMix': (dict(cut_mix=True), '')}  # yapf: disable
SEGMENTOR = dict(type='EncoderDecoder', backbone=BACKBONE, decode_head=HEAD, train_cfg=dict(),
                 test_cfg=dict(mode='whole'))


def build(kind: str, **options: Any) -> nn.Module:
    """A method on DeepLabv3+ with random weights, the same ones each time."""
    torch.manual_seed(0)
    cfg = dict(type=kind, segmentor=SEGMENTOR, data_preprocessor=dict(type='BaseDataPreprocessor'), **options)
    return MODELS.build(cfg).to(DEVICE).train()


def sgd(model: nn.Module) -> OptimWrapper:
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0025, momentum=0.9, weight_decay=1e-4))


class CrossPseudo:
    """`CrossPseudoSupervision.train_step` on labelled and unlabelled images."""

    def __init__(self, batch: Batch, **options: Any) -> None:
        images, labels, unlabeled = batch
        self.model = build('CrossPseudoSupervision', **options)
        self.wrapper = sgd(self.model)
        self.data = dict(labeled_target=dict(inputs=images, data_samples=labelled(images, labels)),
                         target=dict(inputs=unlabeled, data_samples=[SegDataSample() for _ in unlabeled]))

    def __call__(self) -> None:
        self.model.train_step(self.data, self.wrapper)
        wait()


class Supervised:
    """Two networks that are trained one after the other on the same images, all of which have labels."""

    def __init__(self, batch: Batch) -> None:
        images, labels, unlabeled = batch
        self.models = [build('BranchSegmentor') for _ in range(2)]
        self.wrappers = [sgd(model) for model in self.models]
        self.data = {name: dict(inputs=inputs, data_samples=labelled(inputs, labels))
                     for name, inputs in (('labeled_target', images), ('pseudo_labeled', unlabeled))}

    def __call__(self) -> None:
        for model, wrapper in zip(self.models, self.wrappers):
            model.train_step(self.data, wrapper)
        wait()


def speed(variants: Dict[str, Tuple[Dict[str, Any], str]] = VARIANTS, size: Tuple[int, int] = SIZE,
          rounds: int = 5) -> List[Row]:
    """Seconds of a step in several variants, relative to those of two supervised steps."""
    batch = random_batch(size, BATCH)
    reference, *ours = costs([Supervised(batch), *(CrossPseudo(batch, **options) for options, _ in variants.values())],
                             rounds)
    name = f'cross pseudo supervision {size[1]}x{size[0]}, {BATCH} + {BATCH} images'
    return [compared(f'{name}, {variant}, s', reference, cost, 'two supervised steps', goal, share=True)
            for (variant, (_, goal)), cost in zip(variants.items(), ours)]


def run() -> List[Row]:
    """All figures of this file."""
    return speed()
