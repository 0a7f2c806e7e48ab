"""Segmentors with the logits of every level."""
from typing import List

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

NORM = dict(type='BN')
BACKBONE = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, strides=(1, 2, 1, 1),
                dilations=(1, 1, 2, 4), norm_cfg=NORM)  # yapf: disable


def deeplab(channels: int, index: int, weight: float = 1.0, **changes: object) -> dict:
    loss = dict(type='CrossEntropyLoss', loss_weight=weight)
    return {**dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=3, loss_decode=loss),
            **changes}


def config(**changes: object) -> ConfigDict:
    return ConfigDict({**dict(type='MultiLevelEncoderDecoder', backbone=BACKBONE, decode_head=deeplab(64, 3),
                   auxiliary_head=deeplab(32, 2, 0.1), train_cfg=dict(), test_cfg=dict(mode='whole')), **changes})


def samples(height: int = 32, width: int = 48) -> List[SegDataSample]:
    label = torch.randint(0, 3, (1, height, width), generator=torch.Generator().manual_seed(0))
    meta = dict(img_shape=(height, width), ori_shape=(height, width), pad_shape=(height, width))
    return [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label)) for _ in range(2)]


IMAGES = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def test_tensor_mode_gives_every_level_main_first() -> None:
    model = MODELS.build(config()).eval()
    main, auxiliary = model(IMAGES, mode='tensor')
    features = model.extract_feat(IMAGES)
    assert torch.equal(main, model.decode_head(features))
    assert torch.equal(auxiliary, model.auxiliary_head(features))
    assert not torch.equal(main, auxiliary)


def test_loss_and_prediction_are_mmsegs() -> None:
    ours = MODELS.build(config())
    stock = MODELS.build(config(type='EncoderDecoder'))
    stock.load_state_dict(ours.state_dict())
    losses, expected = ours(IMAGES, samples(), mode='loss'), stock(IMAGES, samples(), mode='loss')
    assert set(losses) == {'decode.loss_ce', 'decode.acc_seg', 'aux.loss_ce', 'aux.acc_seg'}
    assert all(torch.equal(losses[key], expected[key]) for key in expected)
    ours.eval(), stock.eval()
    for a, b in zip(ours(IMAGES, samples(), mode='predict'), stock(IMAGES, samples(), mode='predict')):
        assert torch.equal(a.pred_sem_seg.data, b.pred_sem_seg.data)


def test_both_heads_predict_with_aux_weight() -> None:
    test_cfg = dict(mode='whole', aux_weight=0.5)
    plain, both = MODELS.build(config()).eval(), MODELS.build(config(test_cfg=test_cfg)).eval()
    both.load_state_dict(plain.state_dict())
    metas = [sample.metainfo for sample in samples()]
    with torch.no_grad():
        main, auxiliary = (F.interpolate(level, size=(32, 48), mode='bilinear', align_corners=head.align_corners)
                           for head, level in zip((plain.decode_head, plain.auxiliary_head), plain(IMAGES)))
        assert torch.allclose(plain.inference(IMAGES, metas), main)
        assert torch.allclose(both.inference(IMAGES, metas), main + 0.5 * auxiliary, atol=1e-6)


def test_lambda_seg_weights_the_auxiliary_level() -> None:
    light, heavy = MODELS.build(config()), MODELS.build(config(auxiliary_head=deeplab(32, 2, 1.0)))
    heavy.load_state_dict(light.state_dict())
    a, b = light(IMAGES, samples(), mode='loss'), heavy(IMAGES, samples(), mode='loss')
    assert a['decode.loss_ce'] == b['decode.loss_ce']
    assert a['aux.loss_ce'].item() == pytest.approx(0.1 * b['aux.loss_ce'].item(), rel=1e-5)


def test_every_parameter_gets_a_gradient() -> None:
    model = MODELS.build(config())
    losses = model(IMAGES, samples(), mode='loss')
    (losses['decode.loss_ce'] + losses['aux.loss_ce']).backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not without, f'no gradient for {without}'


@pytest.mark.parametrize('kind', ['FCNHead', 'PSPHead', 'ASPPHead'])
def test_any_mmseg_head_works(kind: str) -> None:
    head = dict(type=kind, in_channels=64, in_index=3, channels=8, num_classes=3, norm_cfg=NORM)
    auxiliary = dict(type='FCNHead', in_channels=32, in_index=2, channels=8, num_classes=3, norm_cfg=NORM)
    levels = MODELS.build(config(decode_head=head, auxiliary_head=auxiliary))(IMAGES, mode='tensor')
    assert [level.shape for level in levels] == [(2, 3, 4, 6), (2, 3, 4, 6)]


@pytest.mark.parametrize('auxiliary', [None, [deeplab(32, 2), deeplab(16, 1)]])
def test_not_exactly_one_auxiliary_head_is_refused(auxiliary: object) -> None:
    with pytest.raises(ValueError, match='exactly one auxiliary_head'):
        MODELS.build(config(auxiliary_head=auxiliary))


def test_heads_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match='decode_head has 3 output channels, auxiliary_head has 4'):
        MODELS.build(config(auxiliary_head=deeplab(32, 2, num_classes=4)))
