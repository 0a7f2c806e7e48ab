"""Losses with a weight for each pixel: MMSegmentation's own, known values, and what takes no weights."""
from typing import Any, Dict

import pytest
import torch
import torch.nn.functional as F
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from torch import Tensor

from adversarial_models import RESNET, SEGMENTORS, stock
from student_models import build_student, labels, preprocessed
from udas_mmseg.models.segmentors.branches import heads_of, segmentation_losses

FCN = dict(type='FCNHead', in_channels=32, in_index=3, channels=8)
OHEM = dict(type='OHEMPixelSampler', thresh=0.7, min_kept=100)
VARIANTS: Dict[str, dict] = {
    'DeepLabv2': SEGMENTORS['DeepLabv2'],
    'sampler': stock(RESNET, dict(FCN, sampler=OHEM)),
    'labelled only': stock(RESNET, dict(FCN, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))),
    'two losses': stock(RESNET, dict(FCN, loss_decode=[dict(type='CrossEntropyLoss'),
                                                       dict(type='CrossEntropyLoss', loss_weight=0.3)])),
    'sigmoid': stock(RESNET, dict(FCN, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))),
}


def losses(segmentor: dict, weights: Any) -> Dict[str, Tensor]:
    """Losses of the source, whose images are fixed; `weights` maps its label to weights, or is None."""
    model = build_student(segmentor)
    branches = preprocessed(model, 'source')
    outputs = {'source': model.forward_images(branches['source']['inputs'])}
    given = None if weights is None else {'source': weights(labels(branches['source']))}
    return segmentation_losses(heads_of(model.segmentor), branches, outputs, given)


@pytest.mark.parametrize('name', VARIANTS)
def test_weights_of_one_are_no_weights_bit_for_bit(name: str) -> None:
    plain, weighted = losses(VARIANTS[name], None), losses(VARIANTS[name], lambda label: torch.ones(label.shape))
    assert list(plain) == list(weighted)
    assert all(torch.equal(value, weighted[key]) for key, value in plain.items())


@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_known_value(avg_non_ignore: bool) -> None:
    segmentor = stock(RESNET, dict(FCN, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=avg_non_ignore)), None)
    model = build_student(segmentor)
    branches = preprocessed(model, 'source')
    label = labels(branches['source'])
    weight = torch.rand(label.shape, generator=torch.Generator().manual_seed(0))
    outputs = {'source': model.forward_images(branches['source']['inputs'])}
    found = segmentation_losses(heads_of(model.segmentor), branches, outputs, {'source': weight})
    full = F.interpolate(outputs['source'].logits[0], label.shape[1:], mode='bilinear')
    ce = F.cross_entropy(full, label, ignore_index=255, reduction='none')
    count = int((label != 255).sum()) if avg_non_ignore else label.numel()  # not the sum of the weights
    assert float(found['source.decode.loss_ce']) == pytest.approx(float((weight * ce).sum()) / count, rel=1e-5)


def test_weights_of_zero_are_no_loss_and_halves_are_half() -> None:
    whole = losses(VARIANTS['DeepLabv2'], None)
    half = losses(VARIANTS['DeepLabv2'], lambda label: torch.full(label.shape, 0.5))
    none = losses(VARIANTS['DeepLabv2'], lambda label: torch.zeros(label.shape))
    for level in ('decode', 'aux'):
        key = f'source.{level}.loss_ce'
        assert float(half[key]) == pytest.approx(float(whole[key]) / 2, rel=1e-6) and float(none[key]) == 0


@MODELS.register_module(force=True)
class OwnLossHead(FCNHead):
    """A head that computes its loss in another way."""

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: list) -> Dict[str, Tensor]:
        return dict(loss_own=seg_logits.mean())


@pytest.mark.parametrize('head', [dict(FCN, type='OwnLossHead'), dict(FCN, loss_decode=dict(type='DiceLoss'))])
def test_heads_that_take_no_weights_are_refused(head: dict) -> None:
    with pytest.raises(ValueError, match='pixel weights need a head with the loss_by_feat of BaseDecodeHead'):
        losses(stock(RESNET, head, None), lambda label: torch.ones(label.shape))


def test_a_segmentor_with_its_own_loss_is_not_overruled() -> None:
    segmentor = dict(SEGMENTORS['DeepLabv2'], type='RectifiedEncoderDecoder')
    model = build_student(segmentor, ema_teacher=dict(threshold=0.))
    assert 'target.decode.loss_rect' in model(**preprocessed(model, 'source', 'target'), mode='loss')
    model = build_student(segmentor, ema_teacher=dict(labeling=dict(type='SureShareLabeling')))
    with pytest.raises(ValueError, match='RectifiedEncoderDecoder has its own loss'):
        model(**preprocessed(model, 'source', 'target'), mode='loss')
    model = build_student(segmentor, terms=[dict(type='EntropyTerm', weight=1., branch='source')])
    with pytest.raises(ValueError, match='RectifiedEncoderDecoder has its own loss'):
        model(**preprocessed(model, 'source'), mode='loss')
    model = build_student(segmentor, joint_forward=True)
    with pytest.raises(ValueError, match='RectifiedEncoderDecoder has its own loss, but joint_forward'):
        model(**preprocessed(model, 'source', 'pseudo_labeled'), mode='loss')




@pytest.mark.parametrize('ignored', ['some', 'all'])
@pytest.mark.parametrize('name', VARIANTS)
def test_losses_of_heads_are_those_of_mmsegmentation_bit_for_bit(name: str, ignored: str) -> None:
    model = build_student(VARIANTS[name])
    branches = preprocessed(model, 'source')
    for sample in branches['source']['data_samples']:
        sample.gt_sem_seg.data[:, :5 if ignored == 'some' else None] = 255
    outputs = model.forward_images(branches['source']['inputs'])
    found = segmentation_losses(heads_of(model.segmentor), branches, {'source': outputs})
    expected = {f'source.{prefix}.{key}': value for (prefix, head), logits in zip(heads_of(model.segmentor).items(),
                                                                                 outputs.logits)
                for key, value in head.loss_by_feat(logits, branches['source']['data_samples']).items()}
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert torch.equal(value, found[key]) or bool(value.isnan().all() and found[key].isnan().all()), key


def test_a_training_step_computes_no_accuracy_by_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError('sorted')

    monkeypatch.setattr('mmseg.models.decode_heads.decode_head.accuracy', fail)
    model = build_student(VARIANTS['DeepLabv2'])
    found = model(**preprocessed(model, 'source'), mode='loss')
    assert 0 <= float(found['source.decode.acc_seg']) <= 100


@pytest.mark.parametrize('change', ['segmentor', 'head', 'loss_by_feat', 'loss_decode'])
def test_segmentors_and_heads_with_their_own_loss_keep_it(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_student(stock(RESNET, FCN))
    head, expected = model.segmentor.decode_head, {'decode.loss_own': torch.ones(())}
    own: Any = lambda self, *args, **kwargs: {'loss_own': torch.ones(())}  # noqa: E731
    if change == 'segmentor':
        monkeypatch.setattr(model.segmentor, '__class__', type('Own', (type(model.segmentor), ), dict(
            loss=lambda self, *args: expected)))
    elif change == 'loss_decode':
        head.loss_decode = MODELS.build(dict(type='DiceLoss', loss_name='loss_own'))
    else:
        name = 'loss' if change == 'head' else change
        monkeypatch.setattr(head, '__class__', type('Own', (FCNHead, ), {name: own}))
    found = model(**preprocessed(model, 'source'), mode='loss')
    assert 'source.decode.loss_own' in found
