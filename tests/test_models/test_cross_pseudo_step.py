"""Whole steps of `CrossPseudoSupervision` against those of the paper, in float64."""
import copy
from typing import Any, Dict

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import nn

from adversarial_models import RESNET
from cross_pseudo_step import CrossPseudoStep
from double_models import DECAY, LR, MOMENTUM, SIZE, TOLERANCE, batches, branches, distance, head
from udas_mmseg.models.mixing import multi_box_masks
from udas_mmseg.utils.randomness import child_generator


def build(**options: Any) -> nn.Module:
    """Two tiny networks in float64."""
    torch.manual_seed(0)
    segmentor = dict(type='EncoderDecoder', backbone=RESNET, decode_head=head(32, 3, 1.0, False),
                     auxiliary_head=head(16, 2, 0.4, False), train_cfg=dict(), test_cfg=dict(mode='whole'))
    model = MODELS.build(dict(type='CrossPseudoSupervision', segmentor=segmentor, cps_weight=1.5,
                              data_preprocessor=dict(type='DoublePreProcessor'), **options))
    for network in model.networks.values():
        for parameter in network.decode_head.parameters():
            parameter.data *= 30  # so that more than one class is predicted
    return model.double().train()


def sgd(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(module.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)


def deviations(model: nn.Module, lambda_cps: float = 1.5, mixed: bool = False) -> Dict[str, float]:
    """Train both alike: how far every loss, weight and buffer of both networks is from the reference's."""
    networks = [copy.deepcopy(network) for network in model.networks.values()]
    reference = CrossPseudoStep(networks, [sgd(network) for network in networks], lambda_cps, lambda_aux=0.4)
    wrapper, before, result = OptimWrapper(sgd(model)), copy.deepcopy(model.state_dict()), {}
    for number, (images, label, target) in enumerate(batches()):
        target = torch.cat([target, images[:1].flip(-1) / 2])  # three, so that it matters which one is the next
        np.random.seed(number)
        mask = multi_box_masks(len(target), SIZE, child_generator()) if mixed else None
        expected = reference(images, label, target, mask)
        np.random.seed(number)
        logs = model.train_step(branches(images, label, target, 'labeled_target'), wrapper)
        assert {key for key in logs if 'loss' in key} == set(expected)
        assert 0 < float(logs['target.agreement']) < 1
        result.update({f'step {number}: {key}': distance(logs[key], expected[key]) for key in expected})
    for prefix, network in zip(('segmentor', 'second'), networks):
        for key, value in network.state_dict().items():
            name = f'{prefix}.{key}'
            now = model.state_dict()[name]
            assert not torch.equal(now, before[name]), f'{name} did not change'
            result[name] = distance(now - before[name], value - before[name])
    return result


@pytest.mark.parametrize('mixed', [False, True])
def test_two_steps_are_those_of_the_paper(mixed: bool) -> None:
    far = {key: value for key, value in deviations(build(cut_mix=mixed), mixed=mixed).items() if not value < TOLERANCE}
    assert not far


@pytest.mark.parametrize('ours', [dict(cut_mix=dict(boxes=2)), dict(cut_mix=True, lambda_cps=1.6)])
def test_another_setting_is_noticed(ours: dict) -> None:
    """The comparison above can fail: in the losses, and in the weights of both networks."""
    weight = ours.pop('lambda_cps', 1.5)
    found = deviations(build(**ours), mixed=True, lambda_cps=weight)
    for key in ('step 0: target.first.loss_cps', 'segmentor.backbone.conv1.weight', 'second.backbone.conv1.weight'):
        assert found[key] > 100 * TOLERANCE, key
