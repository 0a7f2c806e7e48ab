"""Whole steps of `PixelSelector` against those of the papers, in float64."""
import copy
from typing import Any, Dict, Iterator

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import nn

from adversarial_models import RESNET
from double_models import DECAY, LR, MOMENTUM, TOLERANCE, batches, branches, distance, head
from pixel_selector_step import PixelSelectorStep


@pytest.fixture(autouse=True)
def first_iteration() -> Iterator[None]:
    yield
    MessageHub.get_current_instance().update_info('iter', 0)


def build(**options: Any) -> nn.Module:
    """A tiny pixel selector in float64."""
    torch.manual_seed(0)
    segmentor = dict(type='EncoderDecoder', backbone=RESNET, decode_head=head(32, 3, 1.0, False),
                     auxiliary_head=head(16, 2, 0.4, False), train_cfg=dict(), test_cfg=dict(mode='whole'))
    model = MODELS.build(dict(type='PixelSelector', segmentor=segmentor, **options,
                              data_preprocessor=dict(type='DoublePreProcessor')))
    for one in (model.segmentor.decode_head, model.second.decode_head):
        for parameter in one.parameters():
            parameter.data *= 30  # so that the heads are sure of some pixels
    return model.double().train()


def sgd(*modules: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.ModuleList(modules).parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)


def deviations(model: nn.Module, updates: str, weights: tuple = (2., 2.)) -> Dict[str, float]:
    """Train both alike: how far every loss, weight and buffer is from the reference's."""
    network, second = copy.deepcopy(model.segmentor), copy.deepcopy(model.second)
    reference = PixelSelectorStep(network, second, sgd(network, second), 0.4, updates_backbone=updates == 'all')
    wrapper, before, result = OptimWrapper(sgd(model)), copy.deepcopy(model.state_dict()), {}
    for number, ((images, label, target), weight) in enumerate(zip(batches(), weights)):
        MessageHub.get_current_instance().update_info('iter', number)
        labeled = dict(source=(images, label), pseudo_labeled=(target.flip(-1), label.flip(-2)))
        expected = reference(labeled, target, weight)
        batch = branches(images, label, target)
        batch['pseudo_labeled'] = branches(*labeled['pseudo_labeled'], target)['source']
        logs = model.train_step(batch, wrapper)
        assert {key for key in logs if 'loss' in key} == set(expected)
        result.update({f'step {number}: {key}': distance(logs[key], expected[key]) for key in expected})
    for prefix, part in dict(segmentor=network, second=second).items():
        for key, value in part.state_dict().items():
            name = f'{prefix}.{key}'
            now = model.state_dict()[name]
            assert not torch.equal(now, before[name]), f'{name} did not change'
            result[name] = distance(now - before[name], value - before[name])
    return result


@pytest.mark.parametrize('updates', ['classifiers', 'all'])
def test_two_steps_are_those_of_the_papers(updates: str) -> None:
    found = deviations(build(discrepancy_weight=2., discrepancy_updates=updates), updates)
    assert not {key: value for key, value in found.items() if not value < TOLERANCE}


def test_the_discrepancy_begins_later() -> None:
    model = build(discrepancy_weight=dict(weight=2., begin=1))
    found = deviations(model, 'classifiers', (0., 2.))
    assert not {key: value for key, value in found.items() if not value < TOLERANCE}


def test_another_setting_is_noticed() -> None:
    """The comparison above can fail: by the gradient that reaches the backbone, and by the weight."""
    found = deviations(build(discrepancy_weight=2.), 'all')
    assert found['segmentor.backbone.conv1.weight'] > 100 * TOLERANCE
    assert found['step 0: target.loss_discrepancy'] < TOLERANCE
    found = deviations(build(discrepancy_weight=2.1), 'classifiers')
    for key in ('step 0: target.loss_discrepancy', 'second.decode_head.convs.0.weight'):
        assert found[key] > 100 * TOLERANCE, key
