"""A step of `OnlineSelfTrainingSegmentor` against the published step: gradients, time, memory, update of the teacher.

"Published" is published_online_step.py, which is also what the tests compare the arithmetic with.
"""
import copy
from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from adversarial_step import DEVICE, Batch, disagreement, gradients_of, labelled, step_memory, wait
from measuring import Parts, Row, absolute, compared, costs, has_bfloat16
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from published_online_step import PublishedOnlineStep
from torch import nn

import udas_mmseg  # noqa: F401  (applies compat)

CLASSES, COUNT = 19, 2  # images of each domain
SIZE, SMALL = (128, 256), (96, 192)  # height, width; the smaller one for transformers
MEAN, STD = (torch.tensor(values).view(3, 1, 1) for values in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
TEACHER = dict(momentum=0.99, labeling=dict(type='SureShareLabeling'))
FAST: Dict[str, Any] = dict(joint_forward=True, ema_teacher=dict(TEACHER, dtype='bfloat16'))


@MODELS.register_module(force=True)
class NormalizedImages(BaseDataPreprocessor):
    """Passes on images that are normalised already, and says how."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('mean', MEAN)
        self.register_buffer('std', STD)


def deeplabv2(depth: int = 18) -> dict:
    """A multi-level DeepLabv2 on a ResNet of full width at stride 8."""
    width = 512 if depth < 50 else 2048
    heads = [dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=CLASSES, align_corners=True,
                  loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=False))
             for channels, index, weight in ((width, 3, 1.0), (width // 2, 2, 0.4))]
    backbone = dict(type='ResNet', depth=depth, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN'))
    return dict(type='EncoderDecoder', backbone=backbone, decode_head=heads[0], auxiliary_head=heads[1],
                train_cfg=dict(), test_cfg=dict(mode='whole'))


def daformer(width: int = 32, layers: Sequence[int] = (2, 2, 2, 2)) -> dict:
    """DAFormer's head on a MiT (by default B0), without the random parts (dropout, stochastic depth)."""
    heads = [1, 2, 5, 8]
    backbone = dict(type='MixVisionTransformer', embed_dims=width, num_layers=list(layers), num_heads=heads,
                    patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], mlp_ratio=4, qkv_bias=True, drop_path_rate=0.0)
    head = dict(type='DAFormerHead', in_channels=[width * each for each in heads], in_index=[0, 1, 2, 3],
                num_classes=CLASSES,
                dropout_ratio=0.0, align_corners=False,
                loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=False))
    return dict(type='EncoderDecoder', backbone=backbone, decode_head=head, train_cfg=dict(),
                test_cfg=dict(mode='whole'))


NETWORKS: Dict[str, Callable[[], dict]] = {'DeepLabv2 on ResNet-18': deeplabv2, 'DAFormerHead on MiT-B0': daformer}
LARGE: Dict[str, Callable[[], dict]] = {  # with a GPU
    'DAFormerHead on MiT-B5': lambda: daformer(64, (3, 6, 40, 3)),
    'DeepLabv2 on ResNet-101': lambda: deeplabv2(101)}


def build(network: str, **options: Any) -> nn.Module:
    """DACS with random weights, the same ones each time; the teacher is a copy of the student."""
    torch.manual_seed(0)
    cfg = dict(type='OnlineSelfTrainingSegmentor', segmentor={**NETWORKS, **LARGE}[network](), ema_teacher=TEACHER,
               data_preprocessor=dict(type='NormalizedImages'))
    model = MODELS.build({**cfg, **options}).to(DEVICE).train()
    for name, parameter in model.segmentor.named_parameters():
        if 'head' in name:
            parameter.data *= 10  # so that the teacher is sure of some pixels, and the weight of the target is not 0
    model.teacher.copy_from(model.segmentor)
    return model


def random_batch(size: Tuple[int, int], dtype: torch.dtype = torch.float32) -> Batch:
    """Normalised images of random colours, with labels of 16 x 16 boxes."""
    generator = torch.Generator().manual_seed(0)
    images, target = ((255 * torch.rand(COUNT, 3, *size, generator=generator) - MEAN) / STD for _ in range(2))
    boxes = torch.randint(0, CLASSES, (COUNT, -(-size[0] // 16), -(-size[1] // 16)), generator=generator)
    labels = boxes.repeat_interleave(16, dim=1).repeat_interleave(16, dim=2)[:, :size[0], :size[1]]
    return images.to(DEVICE, dtype), labels.to(DEVICE), target.to(DEVICE, dtype)


class MixedPrecision(OptimWrapper):
    """MMEngine's `AmpOptimWrapper` in bfloat16, on any device."""

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast(DEVICE, torch.bfloat16):
            yield


class Ours:
    """A training step on one batch, and the update of the teacher."""

    def __init__(self, model: nn.Module, batch: Batch, amp: bool = False) -> None:
        self.model, self.optimizers = model, [sgd(model)]
        self.wrapper = (MixedPrecision if amp else OptimWrapper)(self.optimizers[0])
        images, labels, target = batch
        meta = dict(img_shape=tuple(target.shape[2:]))
        self.data = dict(source=dict(inputs=images, data_samples=labelled(images, labels)),
                         target=dict(inputs=target, data_samples=[SegDataSample(metainfo=meta) for _ in target]))

    def __call__(self) -> None:
        np.random.seed(0)
        self.model.train_step(self.data, self.wrapper)
        self.model.teacher.update(self.model.segmentor)
        wait()


class Published:
    """The published step on one batch."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        self.model, self.batch, self.optimizers = model, batch, [sgd(model.segmentor)]
        dtype = batch[0].dtype
        self.step = PublishedOnlineStep(model.segmentor, self.optimizers[0], MEAN.to(DEVICE, dtype),
                                        STD.to(DEVICE, dtype))

    def __call__(self) -> None:
        np.random.seed(0)
        self.step(*self.batch)
        wait()


class SourceOnly:
    """A training step of the segmentor alone, on the source images."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        self.model, self.optimizer = model.segmentor, sgd(model.segmentor)
        self.images = batch[0].contiguous(memory_format=model.memory_format)
        self.samples = labelled(*batch[:2])

    def __call__(self) -> None:
        losses = self.model(self.images, self.samples, mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        wait()


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)


def agreement(network: str, size: Tuple[int, int] = (64, 128)) -> Row:
    """Both steps compute the same gradients; in float64, as for the adversarial step."""
    batch = random_batch(size, torch.float64)
    models = [build(network, channels_last=last, augment=dict(hue=0)).double() for last in (False, True)]
    published, ours = Published(models[0], batch), Ours(models[1], batch)
    published.step.augmentation = ours.model.augment  # torchvision computes the hue in float32
    return absolute(f'online step, {network}, {size[1]}x{size[0]}, float64, difference of gradients',
                    [disagreement(gradients_of(published), gradients_of(ours))], '< 1e-4',
                    'published step, of the largest of each parameter')


def speed(network: str, size: Tuple[int, int] = SIZE, rounds: int = 5) -> List[Row]:
    """Seconds of a step with several options, and how many times faster than the published one it is."""
    batch = random_batch(size)
    variants: Dict[str, Tuple[str, Dict[str, Any], bool]] = {'published arithmetic': ('ratio >= 1', {}, False)}
    if has_bfloat16():
        variants['fast options'] = 'ratio >= 1.3', FAST, False
        variants['mixed precision, one forward pass'] = '', dict(joint_forward=True), True
    steps: Dict[str, Any] = {'published': Published(build(network, channels_last=False), batch)}
    steps.update((name, Ours(build(network, **options), batch, amp)) for name, (_, options, amp) in variants.items())
    measured = dict(zip(steps, costs(list(steps.values()), rounds)))
    return [compared(f'online step, {network}, {size[1]}x{size[0]}, {name}, s', measured['published'], measured[name],
                     'published step', goal) for name, (goal, *_) in variants.items()]


def memory(network: str, size: Tuple[int, int] = SIZE) -> List[Row]:
    """Peak memory, with weights and optimizer states but without the teacher, against that of source-only training."""
    batch = random_batch(size)
    published, ours = Published(build(network, channels_last=False), batch), Ours(build(network), batch)
    source = SourceOnly(build(network), batch)
    weights = sum(value.numel() * value.element_size() for value in ours.model.segmentor.state_dict().values())
    base = 2 * weights + step_memory(source, source.model)  # with SGD's momentum
    rows: List[Row] = []
    for name, step, goal in (('published step', published, ''), ('published arithmetic', ours, 'ratio <= 1.1')):
        used = 2 * weights + step_memory(step, step.model)
        row = absolute(f'online step, {network}, {size[1]}x{size[0]}, {name}, peak MB without the teacher',
                       [used / 1e6], goal, f'source-only training: {base / 1e6:.0f}; the teacher: {weights / 1e6:.0f}')
        rows.append({**row, 'ratio': used / base})
    return rows


def update(network: str, size: Tuple[int, int] = SIZE, rounds: int = 5) -> Row:
    """Share of the teacher's update in a step."""
    step = Ours(build(network), random_batch(size))
    model = step.model
    other = copy.deepcopy(model.segmentor)
    whole, alone = costs([step, lambda: model.teacher.update(other)], rounds)
    return compared(f'update of the teacher, {network}, ms', whole, alone, 'a step', 'ratio < 0.02', share=True,
                    unit=lambda seconds: 1000 * seconds)


def parts() -> Parts:
    """The parts of this benchmark."""
    sizes = dict(zip(NETWORKS, (SIZE, SMALL)))
    found: Parts = {f'speed, {network}': partial(speed, network, size) for network, size in sizes.items()}
    for network, size in sizes.items():
        found.update({f'memory, {network}': partial(memory, network, size),
                      f'teacher, {network}': lambda network=network, size=size: [update(network, size)],
                      f'gradients, {network}': lambda network=network: [agreement(network)]})
    return found
