"""Binary segmentation with one sigmoid channel is refused where a softmax is needed."""
from typing import Any, Dict

import pytest
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from adversarial_models import SMALL, deeplabv2


def binary(channels: int, kind: str = 'MultiLevelEncoderDecoder') -> Dict[str, Any]:
    head = dict(type='FCNHead', num_classes=2, out_channels=channels, channels=4, num_convs=1, norm_cfg=dict(type='BN'),
                threshold=0.5 if channels == 1 else None,
                loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=channels == 1))
    return dict(deeplabv2(), type=kind, decode_head=dict(head, in_channels=32, in_index=3),
                auxiliary_head=dict(head, in_channels=16, in_index=2))


METHODS = {
    'the adversarial term': dict(type='AdversarialSegmentor', discriminators=SMALL),
    'EntropyTerm': dict(type='AdversarialSegmentor', entropy=dict(weight=(0.1, 0.1))),
    'HeadDivergenceTerm': dict(type='AdversarialSegmentor', kl=dict(form='symmetric_cross_entropy', weight=0.1)),
    'ConsistencyTerm': dict(type='StudentTeacherSegmentor', consistency=dict()),
    'ema_teacher': dict(type='StudentTeacherSegmentor', ema_teacher=dict()),
}


@pytest.mark.parametrize('name', METHODS)
def test_a_method_that_needs_a_softmax_says_so(name: str) -> None:
    with pytest.raises(ValueError, match=rf'{name} needs a softmax.*out_channels=1.*out_channels=2'):
        MODELS.build(ConfigDict(METHODS[name], segmentor=binary(1)))
    MODELS.build(ConfigDict(METHODS[name], segmentor=binary(2)))


def test_the_rectified_loss_needs_a_softmax() -> None:
    with pytest.raises(ValueError, match='RectifiedEncoderDecoder needs a softmax.*decode_head and auxiliary_head'):
        MODELS.build(ConfigDict(binary(1, 'RectifiedEncoderDecoder')))
    MODELS.build(ConfigDict(binary(2, 'RectifiedEncoderDecoder')))


def test_a_method_without_a_softmax_is_built() -> None:
    for kind in ('BranchSegmentor', 'AdversarialSegmentor'):
        model = MODELS.build(ConfigDict(type=kind, segmentor=binary(1)))
        assert model.segmentor.out_channels == 1 and model.segmentor.num_classes == 2
