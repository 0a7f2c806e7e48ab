"""Converted public checkpoints compute what the published network computes."""
import math
from pathlib import Path
from typing import Tuple

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import Tensor

from public_deeplab import COUNTER, LAYERS, PublicNetwork
from udas_mmseg.export.public_checkpoints import convert_deeplab_multi
from udas_mmseg.export.public_files import find_state_dict

ROOT = Path(__file__).parents[2]
WIDTH, CLASSES = 4, 5


@pytest.fixture
def network() -> PublicNetwork:
    """A narrow network in double precision, ResNet-50."""
    generator = torch.Generator().manual_seed(0)

    def values(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / math.prod(shape[1:])**0.5

    return PublicNetwork(50, WIDTH, CLASSES, values)


def narrow_model(dilations: Tuple[int, ...]) -> torch.nn.Module:
    """Ours, from the config that is meant for public checkpoints, shrunk."""
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/deeplabv2-multi_r101-d8_caffe.py').model
    cfg.backbone.update(depth=50, base_channels=WIDTH, stem_channels=WIDTH)
    cfg.decode_head.update(in_channels=32 * WIDTH, num_classes=CLASSES, dilations=dilations)
    cfg.auxiliary_head.update(in_channels=16 * WIDTH, num_classes=CLASSES, dilations=dilations)
    return MODELS.build(cfg).double().eval()


@pytest.mark.parametrize('prefix', ['', 'Scale.', 'module.', 'module.Scale.'])
def test_logits_of_both_levels_are_those_of_the_public_network(network: PublicNetwork, prefix: str) -> None:
    early_return = prefix in ('', 'module.')
    dilations = (6, 12) if early_return else (6, 12, 18, 24)
    public = {prefix + name: value for name, value in network.weights.items() if prefix or COUNTER not in name}
    result = convert_deeplab_multi(public, dilations, depth=50, width=WIDTH)
    assert (result.prefix, result.num_classes, result.dilations) == (prefix, CLASSES, dilations)
    model = narrow_model(dilations)
    model.load_state_dict(result.state_dict, strict=True)
    for height, width in ((65, 97), (67, 100)):  # pooling rounds up in the second only
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        with torch.no_grad():
            expected, found = network(image, early_return), model(image, mode='tensor')
            for level, other in zip(expected, found):
                torch.testing.assert_close(other, level, atol=1e-10, rtol=1e-10)
            assert not torch.allclose(found[0], network(image, not early_return)[0], atol=1e-3)


def test_missing_counters_become_zero_and_given_ones_are_kept(network: PublicNetwork) -> None:
    name = 'backbone.layer1.0.bn1' + COUNTER
    assert convert_deeplab_multi(network.weights, (6, 12), depth=50, width=WIDTH).state_dict[name] == 7
    public = {name: value for name, value in network.weights.items() if COUNTER not in name}
    assert convert_deeplab_multi(public, (6, 12), depth=50, width=WIDTH).state_dict[name] == 0


def test_the_weights_give_a_wrong_choice_of_dilations_away(network: PublicNetwork) -> None:
    convert = {count: lambda count=count: convert_deeplab_multi(
        network.weights, (6, 12, 18, 24)[:count], depth=50, width=WIDTH) for count in (2, 4)}  # yapf: disable
    assert 'look trained, which speaks for --dilations 6 12 18 24' in convert[2]().warnings[0]
    assert not convert[4]().warnings
    for layer in ('layer5', 'layer6'):
        for branch in (2, 3):
            weight = network.weights[f'{layer}.conv2d_list.{branch}.weight']
            network.weights[f'{layer}.conv2d_list.{branch}.weight'] = 0.01 * torch.randn_like(weight)
    assert not convert[2]().warnings
    assert 'branches 2, 3 of layer5 and layer6' in convert[2]().left_out[0]
    assert 'look untrained, which speaks for --dilations 6 12.' in convert[4]().warnings[0]
    with pytest.raises(ValueError, match='4 branches each.*--dilations 6 12 for AdaptSegNet.*look untrained'):
        convert_deeplab_multi(network.weights, depth=50, width=WIDTH)


def test_two_branches_need_no_choice(network: PublicNetwork) -> None:
    public = {name: value for name, value in network.weights.items() if not any(f'_list.{n}.' in name for n in (2, 3))}
    result = convert_deeplab_multi(public, depth=50, width=WIDTH)
    assert result.dilations == (6, 12) and not result.left_out and not result.warnings


def test_an_initial_file_keeps_its_backbone(network: PublicNetwork) -> None:
    public = {f'Scale.{name}': value for name, value in network.weights.items() if not name.startswith(LAYERS)}
    for branch in range(4):
        public[f'Scale.layer5.conv2d_list.{branch}.weight'] = torch.zeros(21, 32 * WIDTH, 3, 3)
        public[f'Scale.layer5.conv2d_list.{branch}.bias'] = torch.zeros(21)
    result = convert_deeplab_multi(public, depth=50, width=WIDTH)
    assert all(name.startswith('backbone.') for name in result.state_dict)
    assert result.num_classes is None and result.dilations == ()
    assert len(result.left_out) == 1
    assert result.left_out[0].startswith('layer5 (8 tensors, 21 classes): the classifier of a single-level network')


MRNET = {'layer5.conv2d_list.0.0.weight': torch.zeros(1), 'layer6.head.1.weight': torch.zeros(1)}


@pytest.mark.parametrize('drop, add, message', [
    (('layer4.2.bn3.bias', 'bn1.weight'), {}, r'missing: bn1.weight, layer4.2.bn3.bias. Known are conv1'),
    ((), {'layer1.0.conv4.weight': torch.zeros(1)}, r'unknown: layer1.0.conv4.weight. Known'),
    ((), {'fc.weight': torch.zeros(1)}, r'unknown: fc.weight.*torchvision'),
    ((), {'conv1.weight': torch.zeros(4, 1, 7, 7)}, r'conv1.weight \(4, 1, 7, 7\) instead of \(4, 3, 7, 7\)'),
    ((), {'layer3.6.conv1.weight': torch.zeros(1)}, r'have \(3, 4, 7, 3\) blocks.*ResNet-50 \(3, 4, 6, 3\)'),
    (('layer6.conv2d_list.1.bias',), {}, r'missing: layer6.conv2d_list.1.bias'),
    (('layer6',), {}, r'classifiers are layer5 \(8 tensors, 5 classes\); needed are both'),
    (('layer5', 'layer6'), {}, r'classifiers are missing; needed are both'),
    ((), {'layer5.conv2d_list.0.bias': torch.zeros(9)}, r'layer5 has 9 classes and layer6 5'),
    ((), {'layer5.conv2d_list.3.bias': torch.zeros(9)}, r'layer5.conv2d_list.3.bias \(9,\) instead of \(5,\)'),
    (('layer5', 'layer6'), MRNET, r'unknown: layer5.conv2d_list.0.0.weight.*Seg-Uncertainty.*--backbone-only'),
])  # yapf: disable
def test_what_does_not_fit_is_named(network: PublicNetwork, drop: Tuple[str, ...], add: dict, message: str) -> None:
    public = {name: value for name, value in network.weights.items() if not (drop and name.startswith(drop))}
    with pytest.raises(ValueError, match=message):
        convert_deeplab_multi({**public, **add}, (6, 12), depth=50, width=WIDTH)


def test_any_classifier_can_be_left_out(network: PublicNetwork) -> None:
    public = {name: value for name, value in network.weights.items() if not name.startswith(LAYERS)}
    without = convert_deeplab_multi(public, backbone_only=True, depth=50, width=WIDTH)
    with_mrnet = convert_deeplab_multi({**public, **MRNET}, backbone_only=True, depth=50, width=WIDTH)
    assert without.left_out == []
    assert with_mrnet.left_out == ['layer5 (1 tensors) and layer6 (1 tensors): only the backbone is kept']
    assert len(without.state_dict) == len(with_mrnet.state_dict) == len(public)


@pytest.mark.parametrize('dilations', [(), (0, 6), (1, 2, 3, 4, 5)])
def test_impossible_dilations_are_refused(network: PublicNetwork, dilations: Tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match='give 1 to 4 positive integers'):
        convert_deeplab_multi(network.weights, dilations, depth=50, width=WIDTH)


@pytest.mark.parametrize('wrap', ['{}', 'dict(state_dict={}, iteration=3)', 'dict(model=dict(state_dict={}))'])
def test_a_state_dict_is_found_in_its_wrapping(wrap: str) -> None:
    weights = {'conv1.weight': torch.zeros(1)}
    assert find_state_dict(eval(wrap.format('weights'))) == weights
