"""A whole step of `AdversarialSegmentor` against the published step, written from the equations, in float64."""
import copy
from typing import Any, Dict, List, Tuple

import pytest
import torch
from mmengine.optim import OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from mmseg.structures import SegDataSample
from published_step import PublishedStep
from torch import Tensor, nn

CLASSES, STEPS = 4, 2
TOLERANCE = 1e-9  # relative to the largest entry of what is compared
# momentum, weight decay and ten times the learning rate on the heads, so that each of them has to be right
LR, MOMENTUM, DECAY = 0.01, 0.9, 5e-4
ADAM = dict(lr=1e-3, betas=(0.9, 0.99))
HEAVY = dict(weight=(1.0, 0.5))
FC = dict(type='FCDiscriminator', base_channels=4)
MULTI_SCALE = dict(type='MultiScaleDiscriminator', base_channels=4, num_layers=2, num_scales=2)
RESIDUAL = dict(type='ResidualMultiScaleDiscriminator', base_channels=4, num_blocks=1, num_scales=2)


def head(channels: int, index: int, weight: float) -> dict:
    return dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=CLASSES, dilations=(1, 2),
                align_corners=True,
                loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=True))


def build(lambda_seg: float = 0.1, discriminator: Any = FC, **changes: Any) -> nn.Module:
    """A tiny multi-level segmentor with its discriminators, in float64, initialised the same each time."""
    torch.manual_seed(0)
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                    dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN'))
    segmentor = dict(type='MultiLevelEncoderDecoder', backbone=backbone, decode_head=head(32, 3, 1.0),
                     auxiliary_head=head(16, 2, lambda_seg), train_cfg=dict(), test_cfg=dict(mode='whole'))
    if discriminator is not None:
        changes['discriminators'] = dict(type='MultiLevelDiscriminator', discriminator=discriminator)
    # DomainDataPreProcessor would make the images float32
    model = MODELS.build(dict(type='AdversarialSegmentor', segmentor=segmentor,
                              data_preprocessor=dict(type='BaseDataPreprocessor'), **changes))
    return model.double().train()


def optimizers_of(model: nn.Module) -> OptimWrapperDict:
    ten_times = dict(lr_mult=10.)
    sgd = dict(type='SGD', lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    cfg = dict(type='PerChildOptimWrapperConstructor', segmentor=dict(
        optimizer=sgd, paramwise_cfg=dict(custom_keys=dict(decode_head=ten_times, auxiliary_head=ten_times))))
    if model.discriminators is not None:
        cfg['discriminators'] = dict(optimizer=dict(type='Adam', **ADAM))
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(dict(type=cfg.pop('type'), optim_wrapper_cfg=cfg))
    return constructor(model)


def published(segmentor: nn.Module, discriminators: Any, **options: Any) -> PublishedStep:
    """The reference, with optimizers made by hand."""
    heads = [*segmentor.decode_head.parameters(), *segmentor.auxiliary_head.parameters()]
    groups = [dict(params=segmentor.backbone.parameters()), dict(params=heads, lr=10 * LR)]
    sgd = torch.optim.SGD(groups, lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    if discriminators is None:
        return PublishedStep(segmentor, sgd, **options)
    adam = torch.optim.Adam(discriminators.parameters(), **ADAM)
    return PublishedStep(segmentor, sgd, list(discriminators.levels), adam, **options)


def batches() -> List[Tuple[Tensor, Tensor, Tensor]]:
    """Source images, their labels (a fifth of them 255) and target images of another size, for each step."""
    generator = torch.Generator().manual_seed(1)
    result = []
    for _ in range(STEPS):
        images = torch.randn(2, 3, 48, 80, dtype=torch.float64, generator=generator)
        labels = torch.randint(0, CLASSES, (2, 48, 80), generator=generator)
        labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
        target = 0.5 + 2 * torch.randn(2, 3, 56, 64, dtype=torch.float64, generator=generator)
        result.append((images, labels, target))
    return result


def branches(images: Tensor, labels: Tensor, target_images: Tensor) -> Dict[str, dict]:
    meta = dict(img_shape=tuple(images.shape[2:]))
    source = [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label[None])) for label in labels]
    target = [SegDataSample(metainfo=dict(img_shape=tuple(target_images.shape[2:]))) for _ in target_images]
    return dict(source=dict(inputs=images, data_samples=source), target=dict(inputs=target_images, data_samples=target))


def distance(got: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest entry of what is expected."""
    scale = expected.abs().max().item()
    return (got - expected).abs().max().item() / scale if scale else got.abs().max().item()


def deviations(model: nn.Module, **options: Any) -> Dict[str, float]:
    """Train `model` and the reference alike: how far every loss, parameter and buffer is from the reference's."""
    segmentor, discriminators = copy.deepcopy(model.segmentor), copy.deepcopy(model.discriminators)
    before = copy.deepcopy(model.state_dict())
    reference = published(segmentor, discriminators, **options)
    optimizers = optimizers_of(model)
    result = {}
    for step, batch in enumerate(batches()):
        expected = reference(*batch)
        logs = model.train_step(branches(*batch), optimizers)
        assert {key for key in logs if 'loss' in key} == set(expected)
        result.update({f'step {step}: {key}': distance(logs[key], expected[key]) for key in expected})
    after = model.state_dict()
    for prefix, child in (('segmentor', segmentor), ('discriminators', discriminators)):
        for key, value in ({} if child is None else child.state_dict()).items():
            name = f'{prefix}.{key}'
            assert not torch.equal(after[name], before[name]), f'{name} did not change'
            result[name] = distance(after[name] - before[name], value - before[name])
    return result


VARIANTS: Dict[str, Tuple[dict, dict]] = {
    'AdaptSegNet': ({}, {}),
    'AdvEnt': (dict(adapt_map='self_information'), dict(adapt_map='self_information')),
    'MinEnt': (dict(discriminator=None, entropy=dict(weight=(0.001, 0.0002))), dict(lambda_ent=(0.001, 0.0002))),
    'MRNet': (dict(lambda_seg=0.5, gan_objective='lsgan', discriminator=MULTI_SCALE,
                   kl=dict(form='memory_regularization', weight=0.1)),
              dict(lambda_seg=0.5, objective='lsgan', lambda_kl=0.1, kl_form='memory_regularization')),
    'MRNet, its code': (dict(lambda_seg=0.5, gan_objective='lsgan', discriminator=RESIDUAL, gradient_penalty=0.01,
                             adversarial=dict(weight=(0.002, 0.0004))),
                        dict(lambda_seg=0.5, objective='lsgan', lambda_adv=(0.002, 0.0004), gradient_penalty=0.01)),
    # at the published weights the adversarial gradients are a hundred-thousandth of what they are added to
    'AdaptSegNet, heavy': (dict(adversarial=HEAVY), dict(lambda_adv=HEAVY['weight'])),
    'AdvEnt, heavy': (dict(adversarial=HEAVY, adapt_map='self_information'),
                      dict(lambda_adv=HEAVY['weight'], adapt_map='self_information')),
    'least squares, heavy': (dict(adversarial=HEAVY, gan_objective='lsgan'),
                             dict(lambda_adv=HEAVY['weight'], objective='lsgan')),
    'MinEnt, heavy': (dict(discriminator=None, entropy=HEAVY), dict(lambda_ent=HEAVY['weight'])),
    'UDAS': (dict(kl=dict(form='symmetric_cross_entropy', weight=0.05)),
             dict(lambda_kl=0.05, kl_form='symmetric_cross_entropy')),
}  # yapf: disable


@pytest.mark.parametrize('name', VARIANTS)
def test_two_steps_are_the_published_ones(name: str) -> None:
    ours, reference = VARIANTS[name]
    far = {key: value for key, value in deviations(build(**ours), **reference).items() if not value < TOLERANCE}
    assert not far


def test_the_memory_layout_does_not_matter() -> None:
    assert max(deviations(build(channels_last=False)).values()) < TOLERANCE


@pytest.mark.parametrize(('ours', 'reference', 'log'), [
    (dict(lambda_seg=0.1001), {}, 'source.aux.loss_ce'),
    (dict(adversarial=dict(weight=(0.001, 0.00021))), {}, 'target.aux.loss_adv'),
    (dict(adversarial=dict(weight=(0.0002, 0.001))), {}, 'target.decode.loss_adv'),
    (dict(adapt_map='self_information'), {}, 'target.decode.loss_adv'),
    (dict(kl=dict(form='memory_regularization', weight=0.1)), dict(lambda_kl=0.1), 'target.loss_kl'),
    (dict(gradient_penalty=1.0, adversarial=HEAVY), dict(lambda_adv=HEAVY['weight']), 'discriminators.decode.loss'),
    (dict(upsample_maps=False, discriminator=dict(strides=(1, 1, 1, 1, 1), **FC)), {}, 'target.decode.loss_adv'),
])  # yapf: disable
def test_another_setting_is_noticed(ours: dict, reference: dict, log: str) -> None:
    """The comparison above can fail: in the losses of the first step, and in the weights of the whole network."""
    found = deviations(build(**ours), **reference)
    assert found[f'step 0: {log}'] > 100 * TOLERANCE
    assert found['segmentor.backbone.conv1.weight'] > 100 * TOLERANCE
