"""Losses for labels with mistakes, on values made by hand and in a student."""
import math
from typing import Any, Dict

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn

from adversarial_models import deeplabv2
from student_models import build_student, preprocessed
from udas_mmseg.models.terms import NoisyLabelTerm, Outputs, TermContext


def head(loss_weight: float = 1.0) -> nn.Module:
    made = nn.Module()
    made.loss_decode = CrossEntropyLoss(loss_weight=loss_weight, avg_non_ignore=True)
    made.align_corners, made.ignore_index, made.sampler, made.out_channels = False, 255, None, 2
    return made


def losses(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Dict[str, Tensor]:
    """Three pixels with p(0) = 0.8, 0.2 and 0.5, and the labels 0, 0 and 255; the other head is always undecided."""
    probs = torch.tensor([[0.8, 0.2, 0.5], [0.2, 0.8, 0.5]])[None, :, None]
    context = TermContext(dict(pseudo_labeled=dict(inputs=torch.zeros(1, 3, 1, 3))),
                          dict(decode=head(), aux=head(0.5)), 0, Outputs, Outputs)  # type: ignore[arg-type]
    context.add({'pseudo_labeled': Outputs([probs.log(), torch.zeros(1, 2, 1, 3)])})
    monkeypatch.setattr(TermContext, 'label', lambda *_: torch.tensor([[[0, 0, 255]]]))
    term = NoisyLabelTerm(**options)
    term.check(context.heads)
    return term(context)


def test_symmetric_loss_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    found = losses(monkeypatch, form='symmetric', alpha=0.1, beta=0.5)
    expected = [0.1 * -math.log(p) + 0.5 * 4 * (1 - p) for p in (0.8, 0.2)]
    assert float(found['decode.loss_noisy']) == pytest.approx(sum(expected) / 2)
    assert float(found['aux.loss_noisy']) == pytest.approx(0.5 * (0.1 * math.log(2) + 1))
    assert float(found['decode.acc_seg']) == pytest.approx(50)
    assert float(losses(monkeypatch, form='symmetric', alpha=1, beta=0)['decode.loss_noisy']) == pytest.approx(
        -(math.log(0.8) + math.log(0.2)) / 2)


def test_smoothed_and_rectified_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    smoothed = losses(monkeypatch, form='smoothed', smoothing=0.2)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    expected = [-0.9 * math.log(p) - 0.1 * math.log(1 - p) - entropy for p in (0.8, 0.2)]
    assert float(smoothed['decode.loss_noisy']) == pytest.approx(sum(expected) / 2, abs=1e-6)
    rectified = losses(monkeypatch, form='rectified', weight=2.0)
    divergence = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    expected = [math.exp(-divergence) * -math.log(p) + divergence for p in (0.8, 0.2)]
    assert float(rectified['decode.loss_noisy']) == pytest.approx(2 * sum(expected) / 2, abs=1e-6)


@pytest.mark.parametrize('joint', [False, True])
def test_only_pseudo_labels_have_this_loss_in_a_student(joint: bool) -> None:
    model = build_student(terms=[dict(type='NoisyLabelTerm', form='rectified')], joint_forward=joint)
    found = model(mode='loss', **preprocessed(model, 'source', 'pseudo_labeled'))
    assert {name for name in found if 'loss' in name} == {
        'source.decode.loss_ce', 'source.aux.loss_ce', 'pseudo_labeled.decode.loss_noisy',
        'pseudo_labeled.aux.loss_noisy'}
    sum(value for name, value in found.items() if 'loss' in name).backward()
    assert all(parameter.grad is not None for parameter in model.segmentor.decode_head.parameters())


@pytest.mark.parametrize('options, message', [
    (dict(form='bootstrap'), "form='bootstrap'; allowed are rectified, symmetric, smoothed"),
    (dict(alpha=0, beta=0), 'alpha=0, beta=0; allowed are numbers from 0, not both 0'),
    (dict(form='smoothed', smoothing=2), r'smoothing=2; it must be in \[0, 1\]'),
])  # yapf: disable
def test_wrong_settings_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoisyLabelTerm(**options)


def test_one_head_has_nothing_to_be_rectified_with() -> None:
    one = {key: value for key, value in deeplabv2().items() if key != 'auxiliary_head'}
    with pytest.raises(ValueError, match="form='rectified' compares the main head with one auxiliary head"):
        build_student(dict(one, type='EncoderDecoder'), terms=[dict(type='NoisyLabelTerm', form='rectified')])
