"""Tiny models and batches in float64, for comparisons of whole steps with references."""
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from adversarial_models import RESNET

CLASSES, STEPS = 4, 2
SIZE = (32, 64)  # a share of 4,096 pixels is exact in float32, to which MMSegmentation converts pixel weights
TOLERANCE = 1e-9  # relative to the largest entry of what is compared
LR, MOMENTUM, DECAY = 0.01, 0.9, 5e-4
MEAN, STD = torch.tensor([120., 110., 100.]).view(3, 1, 1), torch.tensor([60., 55., 50.]).view(3, 1, 1)


@MODELS.register_module(force=True)
class DoublePreProcessor(BaseDataPreprocessor):
    """Passes on what is normalised already; MMSegmentation's would make the images float32."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('mean', MEAN)
        self.register_buffer('std', STD)


def head(channels: int, index: int, weight: float, by_labeled: bool) -> dict:
    loss = dict(type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=by_labeled)
    return dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=CLASSES, dilations=(1, 2),
                align_corners=True, loss_decode=loss)


def build(folder: Path, kind: str, by_labeled: bool = False, **options: Any) -> nn.Module:
    """A tiny student with pretrained weights, in float64."""
    torch.manual_seed(3)
    torch.save(MODELS.build(RESNET).state_dict(), folder / 'backbone.pth')
    torch.manual_seed(0)
    backbone = dict(RESNET, init_cfg=dict(type='Pretrained', checkpoint=str(folder / 'backbone.pth')))
    segmentor = dict(type='EncoderDecoder', backbone=backbone, decode_head=head(32, 3, 1.0, by_labeled),
                     auxiliary_head=head(16, 2, 0.4, by_labeled), train_cfg=dict(), test_cfg=dict(mode='whole'))
    model = MODELS.build(dict(type=kind, segmentor=segmentor, data_preprocessor=dict(type='DoublePreProcessor'),
                              **options))
    model.init_weights()
    model.double().train()
    for parameter in (*model.segmentor.decode_head.parameters(), *model.segmentor.auxiliary_head.parameters()):
        parameter.data *= 30  # so that the teacher is sure of some pixels
    model.teacher.copy_from(model.segmentor)
    return model


def batches() -> List[Tuple[Tensor, Tensor, Tensor]]:
    """Labelled images, labels of large boxes (some of them 255) and darker target images, for each step."""
    generator = torch.Generator().manual_seed(1)
    result = []
    for _ in range(STEPS):
        images, target = (torch.rand(2, 3, *SIZE, dtype=torch.float64, generator=generator) for _ in range(2))
        boxes = torch.tensor([0, 1, 2, 3, 255])[torch.randint(0, 5, (2, 2, 4), generator=generator)]
        labels = boxes.repeat_interleave(16, dim=1).repeat_interleave(16, dim=2)
        result.append(((255 * images - MEAN) / STD, labels, (150 * target - MEAN) / STD))
    return result


def branches(images: Tensor, labels: Tensor, target: Tensor, labeled: str = 'source') -> Dict[str, dict]:
    meta = dict(img_shape=SIZE)
    samples = [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label[None])) for label in labels]
    return {labeled: dict(inputs=images, data_samples=samples),
            'target': dict(inputs=target, data_samples=[SegDataSample(metainfo=meta) for _ in target])}


def distance(got: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest entry of what is expected."""
    scale = expected.abs().max().item()
    return (got - expected).abs().max().item() / scale if scale else got.abs().max().item()
