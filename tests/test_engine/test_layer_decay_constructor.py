"""Learning rates that decrease from the last to the first layer of a vision transformer."""
from typing import Any, Dict

import pytest
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from torch import nn

from adversarial_models import deeplabv2
from online_models import build_online
from vit_models import vit_segmentor


def rates(model: nn.Module, **paramwise: Any) -> Dict[str, float]:
    optimizer = build_optim_wrapper(model, dict(
        constructor='LayerDecayConstructor', optimizer=dict(type='AdamW', lr=1.0, weight_decay=0.1),
        paramwise_cfg=paramwise)).optimizer  # yapf: disable
    of_parameter = {id(value): group['lr'] for group in optimizer.param_groups for value in group['params']}
    return {name: of_parameter[id(value)] for name, value in model.named_parameters()}


EXPECTED = {  # three blocks
    'backbone.vit.pos_embed': 0.5**4, 'backbone.vit.cls_token': 0.5**4, 'backbone.mask_token': 0.5**4,
    'backbone.vit.patch_embed.proj.weight': 0.5**4, 'backbone.vit.blocks.0.attn.qkv.weight': 0.5**3,
    'backbone.vit.blocks.1.norm2.bias': 0.5**2, 'backbone.vit.blocks.2.ls1.gamma': 0.5, 'backbone.vit.norm.weight': 1.0
}


@pytest.mark.parametrize('predict_with', ['student', 'teacher'])
def test_rates_are_powers_of_the_decay(predict_with: str) -> None:
    model = build_online(vit_segmentor(mask_token=True), predict_with=predict_with)
    found = rates(model, layer_decay=0.5)
    assert {name: found[f'segmentor.{name}'] for name in EXPECTED} == pytest.approx(EXPECTED)
    assert all(rate == 1 for name, rate in found.items() if 'decode_head' in name)


def test_other_settings_are_multiplied() -> None:
    found = rates(MODELS.build(vit_segmentor()), layer_decay=0.5,
                  custom_keys=dict(backbone=dict(lr_mult=0.1), decode_head=dict(lr_mult=3)))
    assert found['backbone.vit.blocks.0.attn.qkv.weight'] == pytest.approx(0.1 * 0.5**3)
    assert found['decode_head.conv_seg.weight'] == 3


def test_impossible_settings_are_refused() -> None:
    model = MODELS.build(vit_segmentor())
    for settings in (dict(), dict(layer_decay=0), dict(layer_decay=1.5), dict(layer_decay='0.9')):
        with pytest.raises(ValueError, match='it must be above 0 and at most 1'):
            rates(model, **settings)
    with pytest.raises(ValueError, match='optimizer has no `lr`'):
        build_optim_wrapper(model, dict(constructor='LayerDecayConstructor', optimizer=dict(type='AdamW')))
    with pytest.raises(ValueError, match='the backbone ResNet does not say which layer'):
        rates(MODELS.build(deeplabv2()), layer_decay=0.9)
