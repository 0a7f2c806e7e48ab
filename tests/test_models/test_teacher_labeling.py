"""Labels and weights from a teacher's logits: known values, and what the student makes of them."""
from typing import Any, Dict

import pytest
import torch
from torch import Tensor

from online_models import build_online, step
from student_models import build_student, preprocessed, sgd, student_batch
from udas_mmseg.models.teachers import (
    ClassBalancedLabeling,
    PixelWeightLabeling,
    SureShareLabeling,
    ThresholdLabeling,
)
from udas_mmseg.models.teachers.labeling import most_probable, sure_share, sure_weights, teacher_logits

# two classes; the confidences are 0.9, 0.6, 0.8, 0.7
PROB_OF_0 = torch.tensor([[[0.9, 0.4], [0.2, 0.7]]], dtype=torch.float64)
LOGITS = torch.stack([PROB_OF_0, 1 - PROB_OF_0], dim=1).log()
CONFIDENCE = torch.tensor([[[0.9, 0.6], [0.8, 0.7]]], dtype=torch.float64)
LABEL = torch.tensor([[[0, 1], [1, 0]]])


def test_the_most_probable_class_and_its_probability() -> None:
    confidence, label = most_probable(LOGITS)
    assert torch.allclose(confidence, CONFIDENCE) and torch.equal(label, LABEL)
    assert most_probable(LOGITS.half())[0].dtype == torch.float32


def test_share_of_sure_pixels() -> None:
    assert float(sure_share(CONFIDENCE, 0.75)) == 0.5
    assert float(sure_share(CONFIDENCE, 0.)) == 1 and float(sure_share(CONFIDENCE, 0.95)) == 0
    inside = torch.tensor([[[True, True], [True, False]]])  # the last pixel is padding
    assert float(sure_share(CONFIDENCE, 0.75, inside)) == pytest.approx(2 / 3)
    assert float(sure_share(CONFIDENCE, 0.65, torch.zeros_like(inside))) == 0


def test_weights_of_sure_pixels() -> None:
    assert sure_weights(CONFIDENCE, 0.75).flatten().tolist() == [1, 0, 1, 0]
    assert sure_weights(CONFIDENCE, 0.75, by_confidence=True).flatten().tolist() == [0.9, 0, 0.8, 0]
    assert torch.equal(sure_weights(CONFIDENCE, 0., by_confidence=True), CONFIDENCE)


def test_policies() -> None:
    kept = torch.tensor([[[True, False], [True, False]]])
    label, sure, weight = ThresholdLabeling(0.75)(LOGITS)
    assert label.flatten().tolist() == [0, 255, 1, 255] and torch.equal(sure, kept) and weight is None
    label, sure, weight = SureShareLabeling(0.75)(LOGITS)
    assert torch.equal(label, LABEL) and torch.equal(sure, kept) and weight.flatten().tolist() == [0.5] * 4
    label, sure, weight = PixelWeightLabeling(0.75)(LOGITS)
    assert torch.equal(label, LABEL) and torch.equal(sure, kept) and weight.flatten().tolist() == [1, 0, 1, 0]
    weight = PixelWeightLabeling(0.75, by_confidence=True)(LOGITS).weight
    assert weight.flatten().tolist() == pytest.approx([0.9, 0, 0.8, 0])


@pytest.mark.parametrize('policy', [ThresholdLabeling, SureShareLabeling, PixelWeightLabeling,
                                    ClassBalancedLabeling])
def test_a_higher_threshold_never_keeps_more(policy: Any) -> None:
    logits = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    kept = [policy(threshold)(logits).kept.sum() for threshold in (0., 0.3, 0.5, 0.9, 1.)]
    assert kept == sorted(kept, reverse=True)
    with pytest.raises(ValueError, match=rf'{policy.__name__}: threshold=1.5: it must be in \[0, 1\]'):
        policy(1.5)


def test_each_class_keeps_the_same_portion_of_its_pixels() -> None:
    logits = 0.3 * torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits[:, 0] += 0.3  # the teacher is more confident of class 0
    confidence, label = most_probable(logits)
    found = ClassBalancedLabeling(threshold=1., portion=0.4)(logits)
    assert torch.equal(found.label, label) and torch.equal(found.weight, found.kept.double())
    for number in range(3):
        count = int((label == number).sum())
        values, kept = confidence[label == number], found.kept[label == number]
        assert int(kept.sum()) == -(-4 * count // 10) and values[kept].min() > values[~kept].max()
    lower = ClassBalancedLabeling(threshold=0.42, portion=0.4)(logits)  # all pixels above the threshold, too
    assert torch.equal(lower.kept, found.kept | (confidence >= 0.42)) and not torch.equal(lower.kept, found.kept)
    inside = torch.zeros_like(found.kept)
    inside[0] = True  # padding does not count
    alone = ClassBalancedLabeling(threshold=1., portion=0.4)(logits[:1])
    assert torch.equal(ClassBalancedLabeling(threshold=1., portion=0.4)(logits, inside).kept[0], alone.kept[0])
    with pytest.raises(ValueError, match='ClassBalancedLabeling: portion=0: it must be above 0 and at most 1'):
        ClassBalancedLabeling(portion=0)


def loss_of(labeling: Dict[str, Any]) -> Dict[str, Tensor]:
    model = build_student(ema_teacher=dict(labeling=labeling))
    return model(**preprocessed(model, 'target'), mode='loss')


def test_one_weight_for_all_pixels_is_a_factor_of_the_loss() -> None:
    model = build_student(ema_teacher=dict())
    images = preprocessed(model, 'target')['target']['inputs']
    confidence = most_probable(teacher_logits(model.teacher.network, images))[0]
    middle = float(confidence.quantile(0.7))
    whole = loss_of(dict(type='ThresholdLabeling', threshold=0.))
    share = loss_of(dict(type='SureShareLabeling', threshold=middle))
    assert float(share['target.kept']) == pytest.approx(0.3, abs=0.01)
    for level in ('decode', 'aux'):
        key = f'target.{level}.loss_ce'
        assert float(share[key].detach()) == pytest.approx(float(share['target.kept'] * whole[key].detach()), rel=1e-5)
    # with the mean over all pixels, a weight of 0 is the same as no label
    ignored = loss_of(dict(type='ThresholdLabeling', threshold=middle))
    weighted = loss_of(dict(type='PixelWeightLabeling', threshold=middle))
    key = 'target.decode.loss_ce'
    assert float(weighted[key].detach()) == pytest.approx(float(ignored[key].detach()), rel=1e-5)
    assert float(weighted['target.decode.acc_seg']) != float(ignored['target.decode.acc_seg'])


@pytest.mark.parametrize('joint', [False, True])
@pytest.mark.parametrize('labeling', ['SureShareLabeling', 'PixelWeightLabeling'])
def test_weights_train(joint: bool, labeling: str) -> None:
    model = build_student(ema_teacher=dict(labeling=dict(type=labeling, threshold=0.3)), joint_forward=joint)
    logs = model.train_step(student_batch('source', 'target'), sgd(model))
    assert float(logs['target.decode.loss_ce']) > 0
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])


def test_the_weight_of_the_target_may_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {}
    for iteration in (0, 15, 40):
        monkeypatch.setattr('mmengine.logging.MessageHub.get_info', lambda *_, now=iteration: now)
        model = build_student(pseudo_weight=dict(weight=0.5, begin=10), ema_teacher=dict(
            threshold=0., weight=dict(weight=2., begin=10, ramp=10)))
        values[iteration] = model(**preprocessed(model, 'source', 'pseudo_labeled', 'target'), mode='loss')
    for branch, factor in (('target', 0.5), ('pseudo_labeled', 1.), ('source', 1.)):
        early, middle, late = (float(values[number][f'{branch}.decode.loss_ce'].detach()) for number in values)
        assert middle == pytest.approx(factor * late) and (early == 0) == (branch != 'source')


def test_threshold_and_policy_together_are_refused() -> None:
    with pytest.raises(ValueError, match='threshold=0.5 and labeling=.*Set only one of them'):
        build_student(ema_teacher=dict(threshold=0.5, labeling=dict(type='SureShareLabeling')))


def test_a_teacher_in_bfloat16_gives_nearly_the_same_labels_and_keeps_its_weights() -> None:
    exact, rounded = (build_online(ema_teacher=dict(momentum=0.9, threshold=0., dtype=dtype))
                      for dtype in (None, 'bfloat16'))
    images = preprocessed(exact, 'target')['target']['inputs']
    logits, other = (model.teacher_logits(model.teacher, images).float() for model in (exact, rounded))
    assert 1e-5 < float((logits - other).abs().max() / logits.abs().max()) < 0.05
    assert {value.dtype for value in rounded.teacher.network.parameters()} == {torch.float32}
    logs = step(rounded)
    assert all(bool(torch.isfinite(value)) for key, value in logs.items() if 'loss' in key)
    with pytest.raises(ValueError, match=r"ema_teacher.dtype='int8'; allowed are \[None, 'bfloat16', 'float16'\]"):
        build_online(ema_teacher=dict(dtype='int8'))
