"""L_cons: known values, equality with cross-entropy, and views that are undone."""
import math
from typing import List, Optional

import numpy as np
import pytest
import torch
from torch import Tensor

from adversarial_models import RESNET, deeplabv2, stock
from student_models import build_student, preprocessed
from udas_mmseg.datasets.transforms import AffineMap
from udas_mmseg.models.losses.consistency import log_of_probabilities, mean_over_pixels, smoothed_kl
from udas_mmseg.models.terms.consistency import ConsistencyTerm, most_confident_log_probs
from udas_mmseg.models.views import View

# A 2x2 image of two classes; the last pixel is ignored.
LABEL = torch.tensor([[[0, 1], [0, 255]]])
PROB_OF_0 = torch.tensor([[0.9, 0.6], [0.5, 0.2]], dtype=torch.float64)


def two_classes(prob_of_0: Tensor) -> Tensor:
    return torch.stack([prob_of_0, 1 - prob_of_0])[None]


def view_of(*maps: AffineMap) -> View:
    return View(torch.zeros(len(maps), 3, *maps[0].view_size), list(maps))


def test_known_values_on_a_2x2_map() -> None:
    kl = smoothed_kl(two_classes(PROB_OF_0).log(), LABEL, 0.2)[0]
    # smoothed labels (0.9, 0.1), (0.1, 0.9), (0.9, 0.1)
    assert float(kl[0, 0]) == pytest.approx(0, abs=1e-12)
    assert float(kl[0, 1]) == pytest.approx(0.1 * math.log(0.1 / 0.6) + 0.9 * math.log(0.9 / 0.4))
    assert float(kl[1, 0]) == pytest.approx(0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5))
    assert float(kl[1, 1]) == 0
    sharp = smoothed_kl(two_classes(PROB_OF_0).log(), LABEL)[0]
    assert sharp.flatten().tolist() == pytest.approx([-math.log(0.9), -math.log(0.4), -math.log(0.5), 0])
    uniform = smoothed_kl(two_classes(PROB_OF_0).log(), LABEL, 1.0)[0]
    assert float(uniform[1, 0]) == pytest.approx(0, abs=1e-12)


def test_means_are_those_of_cross_entropy() -> None:
    values = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]])
    assert float(mean_over_pixels(values, LABEL, labeled_only=True)) == 2
    assert float(mean_over_pixels(values, LABEL, labeled_only=False)) == 1.5
    nothing = torch.full_like(LABEL, 255)
    assert float(mean_over_pixels(torch.zeros(1, 2, 2), nothing, labeled_only=True)) == 0


def test_the_more_confident_view_gives_the_whole_distribution_and_takes_the_gradient() -> None:
    first = two_classes(PROB_OF_0).log().requires_grad_()
    flip = AffineMap.flip((2, 2))
    other = two_classes(torch.tensor([[0.1, 0.8], [0.3, 0.5]], dtype=torch.float64)).log().requires_grad_()
    merged = most_confident_log_probs([first, other], [view_of(AffineMap.identity((2, 2))), view_of(flip)]).exp()
    # undone, the second view says 0.8, 0.1 / 0.5, 0.3 of class 0; a draw is the first's
    assert merged[0, 0].flatten().tolist() == pytest.approx([0.9, 0.1, 0.5, 0.2])
    assert merged[0, 1].flatten().tolist() == pytest.approx([0.1, 0.9, 0.5, 0.8])
    merged[0, 0].sum().backward()
    assert first.grad is not None and other.grad is not None
    assert (first.grad != 0).any(1)[0].tolist() == [[True, False], [True, True]]
    assert (other.grad != 0).any(1)[0].tolist() == [[True, False], [False, False]]  # in its own, flipped frame


def test_pixels_outside_of_a_view_are_the_images() -> None:
    unsure = torch.zeros(1, 2, 2, 4)
    sure = torch.zeros(1, 2, 2, 4)
    sure[:, 0] = 9.
    view = AffineMap.shift((2, 4), 2, 0)  # the two columns on the right leave the frame
    views = [view_of(AffineMap.identity((2, 4))), view_of(view)]
    merged = most_confident_log_probs([unsure, sure], views).exp()[0, 0]
    assert bool((merged[:, :2] > 0.99).all()) and torch.equal(merged[:, 2:], torch.full((2, 2), 0.5))


@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_one_view_without_smoothing_is_the_heads_cross_entropy(avg_non_ignore: bool) -> None:
    segmentor = deeplabv2()
    for head, weight in (('decode_head', 1.0), ('auxiliary_head', 0.1)):
        segmentor[head] = dict(segmentor[head], loss_decode=dict(
            type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=avg_non_ignore))
    values, gradients = [], []
    for consistency in (None, dict(num_views=1, smoothing=0, replace=True)):
        model = build_student(segmentor, consistency=consistency).double()
        data = preprocessed(model, 'source', 'labeled_target', 'pseudo_labeled')
        data = {name: dict(branch, inputs=branch['inputs'].double()) for name, branch in data.items()}
        losses = model(**data, mode='loss')
        assert ('labeled_target.aux.loss_cons' in losses) == (consistency is not None)
        assert 'pseudo_labeled.aux.loss_ce' in losses  # pseudo-labels keep their cross-entropy
        values.append({key.replace('loss_cons', 'loss_ce'): float(value.detach()) for key, value in losses.items()})
        model.parse_losses(losses)[0].backward()
        gradients.append({key: value.grad for key, value in model.named_parameters()})
    assert values[0].keys() == values[1].keys()
    assert all(values[1][key] == pytest.approx(value, rel=1e-9) for key, value in values[0].items())
    assert all(torch.allclose(gradients[1][key], value, rtol=1e-7, atol=1e-13) for key, value in gradients[0].items())


def parts_of_loss(**consistency: float) -> float:
    model = build_student(consistency=consistency)
    np.random.seed(3)
    loss = model(**preprocessed(model, 'source'), mode='loss')['source.decode.loss_cons']
    return float(loss.detach())


def test_views_and_weight_count_and_are_drawn_from_the_seeded_generator() -> None:
    assert parts_of_loss(num_views=3) == parts_of_loss(num_views=3)
    assert parts_of_loss(num_views=3) != pytest.approx(parts_of_loss(num_views=2), rel=1e-4)
    assert parts_of_loss(num_views=2) != pytest.approx(parts_of_loss(num_views=1), rel=1e-4)
    assert parts_of_loss(num_views=2, weight=0.5) == pytest.approx(parts_of_loss(num_views=2) / 2, rel=1e-6)
    assert parts_of_loss(num_views=2, augment=dict(type='SegRandAugment', strength=1.)) != pytest.approx(
        parts_of_loss(num_views=2), rel=1e-4)


def test_a_view_costs_one_forward() -> None:
    seen: List[int] = []
    model = build_student(consistency=dict(num_views=3), joint_forward=True)
    model.segmentor.backbone.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    model(**preprocessed(model, 'source', 'pseudo_labeled'), mode='loss')
    assert seen == [4, 2, 2]  # both branches; two views of the labelled one


def test_impossible_probabilities_keep_the_loss_finite() -> None:
    probs = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1).requires_grad_()
    loss = smoothed_kl(log_of_probabilities(probs), torch.zeros(1, 1, 1, dtype=torch.long), 0.1)
    loss.sum().backward()
    assert bool(torch.isfinite(loss).all()) and bool(torch.isfinite(probs.grad).all())


def test_it_is_added_to_the_losses_of_the_heads_or_replaces_them() -> None:
    losses = {}
    for name, consistency in {'plain': None, 'added': {}, 'replaced': dict(replace=True)}.items():
        model = build_student(consistency=consistency)
        np.random.seed(3)
        losses[name] = model(**preprocessed(model, 'source', 'pseudo_labeled'), mode='loss')
    terms = {'source.decode.loss_cons', 'source.aux.loss_cons'}
    assert losses['added'].keys() - losses['plain'].keys() == terms
    assert all(torch.allclose(value, losses['added'][name]) for name, value in losses['plain'].items())
    assert {name for name in losses['replaced'] if name.startswith('source') and 'loss' in name} == terms
    assert all(torch.allclose(value, losses['added'][name]) for name, value in losses['replaced'].items())


def test_before_it_begins_no_view_is_computed() -> None:
    seen: List[int] = []
    model = build_student(consistency=dict(num_views=3, begin=5))
    model.segmentor.backbone.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses = model(**preprocessed(model, 'source'), mode='loss')
    assert seen == [2] and float(losses['source.decode.loss_cons'].detach()) == 0


def target_share(consistency: Optional[dict]) -> float:
    """The share of the target in the running mean of the first batch norm, from one step with images of one colour."""
    model = build_student(consistency=consistency)
    data = preprocessed(model, 'source', 'pseudo_labeled')
    means = {}
    for channel, branch in enumerate(data.values()):
        branch['inputs'] = torch.eye(3)[channel].view(1, 3, 1, 1).expand(2, 3, 48, 64).contiguous()
        means[channel] = model.segmentor.backbone.conv1(branch['inputs']).mean(dim=(0, 2, 3))
    model(**data, mode='loss')
    weights = torch.linalg.lstsq(torch.stack([means[0], means[1]], dim=1),
                                 model.segmentor.backbone.bn1.running_mean[:, None]).solution[:, 0]
    return float((weights[1] / weights.sum()).detach())


def test_views_do_not_count_in_the_running_statistics() -> None:
    nothing = dict(type='SegAutoAugment', policy=[[('Color', 1., 5)]])  # does not change the image
    alone = target_share(None)
    assert alone == pytest.approx(1 / 1.9, abs=1e-3)  # the source was before it, with a momentum of 0.1
    assert target_share(dict(num_views=3, augment=nothing)) == pytest.approx(alone, abs=1e-3)
    assert target_share(dict(num_views=3, augment=nothing, replace=True)) == pytest.approx(alone, abs=1e-3)


def test_a_view_is_normalised_by_its_own_batch() -> None:
    model = build_student()
    images = preprocessed(model, 'source')['source']['inputs']
    before = {name: value.clone() for name, value in model.segmentor.named_buffers()}
    of_view = model.forward_view(images)
    assert before and all(torch.equal(value, before[name]) for name, value in model.segmentor.named_buffers())
    as_branch = model.forward_images(images)
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(of_view.logits, as_branch.logits))
    assert not torch.equal(model.segmentor.backbone.bn1.running_mean, before['backbone.bn1.running_mean'])
    assert not torch.allclose(of_view.logits[0], model.eval().forward_images(images).logits[0], atol=1e-3)


def test_layers_that_keep_their_statistics_normalise_views_by_them() -> None:
    model = build_student(dict(deeplabv2(), backbone=dict(RESNET, norm_eval=True)))
    images = preprocessed(model, 'source')['source']['inputs']
    assert all(torch.equal(*pair) for pair in zip(model.forward_view(images).logits,
                                                  model.forward_images(images).logits))


@pytest.mark.parametrize('augment', [dict(type='SegRandAugment'), dict(type='SegWeakAugment', crop_size=(32, 40))])
def test_views_may_have_another_augmentation_and_size(augment: dict) -> None:
    model = build_student(consistency=dict(num_views=2, augment=augment))
    np.random.seed(3)
    losses = model(**preprocessed(model, 'source'), mode='loss')
    model.parse_losses(losses)[0].backward()
    assert 0 < float(losses['source.decode.loss_cons'].detach()) < 10


@pytest.mark.parametrize('augment', [dict(type='RandomFlip', prob=0.5), dict(policy='imagenet')])
def test_views_that_cannot_be_undone_are_refused(augment: dict) -> None:
    with pytest.raises(ValueError, match='views need an augmentation whose geometry can be undone'):
        ConsistencyTerm(augment=augment)


@pytest.mark.parametrize(('name', 'value'), [('num_views', 0), ('smoothing', 1.1), ('smoothing', -0.1),
                                             ('weight', -1)])
def test_values_outside_of_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'consistency.{name}={value}'):
        ConsistencyTerm(**{name: value})


@pytest.mark.parametrize('change', [
    dict(loss_decode=dict(type='CrossEntropyLoss', class_weight=[1., 2., 3.])),
    dict(loss_decode=dict(type='DiceLoss')),
    dict(loss_decode=[dict(type='CrossEntropyLoss', loss_name='loss_1'), dict(type='DiceLoss', loss_name='loss_2')]),
    dict(sampler=dict(type='OHEMPixelSampler')),
])
def test_other_losses_are_refused(change: dict) -> None:
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=8, **change)
    with pytest.raises(ValueError, match='consistency needs heads with the plain cross-entropy, but the decode head'):
        build_student(stock(RESNET, head, None), consistency=dict())
