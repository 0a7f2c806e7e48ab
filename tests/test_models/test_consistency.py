"""L_cons: known values, equality with cross-entropy, and views that are undone."""
import math
from typing import List

import numpy as np
import pytest
import torch
from torch import Tensor

from adversarial_models import RESNET, deeplabv2, stock
from student_models import build_student, preprocessed
from udas_mmseg.datasets.transforms import AffineMap
from udas_mmseg.models.losses.consistency import log_of_probabilities, mean_over_pixels, smoothed_kl
from udas_mmseg.models.terms.consistency import ConsistencyTerm, most_confident_log_probs
from udas_mmseg.models.views import change_colours, draw_view, warp_batch

# A 2x2 image of two classes; the last pixel is ignored.
LABEL = torch.tensor([[[0, 1], [0, 255]]])
PROB_OF_0 = torch.tensor([[0.9, 0.6], [0.5, 0.2]], dtype=torch.float64)


def two_classes(prob_of_0: Tensor) -> Tensor:
    return torch.stack([prob_of_0, 1 - prob_of_0])[None]


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
    merged = most_confident_log_probs([first, other], [AffineMap.identity((2, 2)), flip]).exp()
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
    merged = most_confident_log_probs([unsure, sure], [AffineMap.identity((2, 4)), view]).exp()[0, 0]
    assert bool((merged[:, :2] > 0.99).all()) and torch.equal(merged[:, 2:], torch.full((2, 2), 0.5))


@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_one_view_without_smoothing_is_the_heads_cross_entropy(avg_non_ignore: bool) -> None:
    segmentor = deeplabv2()
    for head, weight in (('decode_head', 1.0), ('auxiliary_head', 0.1)):
        segmentor[head] = dict(segmentor[head], loss_decode=dict(
            type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=avg_non_ignore))
    values, gradients = [], []
    for consistency in (None, dict(num_views=1, smoothing=0)):
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
    assert parts_of_loss(num_views=2, contrast=0.5) != pytest.approx(parts_of_loss(num_views=2), rel=1e-6)


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


def test_a_warped_batch_comes_back() -> None:
    rows, columns = torch.meshgrid(torch.arange(32.), torch.arange(48.), indexing='ij')
    images = torch.stack([torch.sin(rows / 6), torch.cos(columns / 7)])[None] + 2
    for seed in range(20):
        view = draw_view((32, 48), np.random.default_rng(seed))
        warped = warp_batch(view, images)
        back, valid = view.undo(warped)
        inner = valid & (view.undo((warped != 0).float())[0][0, 0] == 1)  # nothing of the border in it
        assert float(inner.float().mean()) > 0.2
        assert float((back - images)[:, :, inner].abs().max()) < 0.1
        shown = view.inverse().undo(torch.ones_like(images))[1]
        assert bool((warped[:, :, ~shown] == 0).all())


def test_views_cover_the_ranges() -> None:
    views = [draw_view((20, 40), np.random.default_rng(seed)) for seed in range(300)]
    flipped = np.mean([np.linalg.det(view.matrix) < 0 for view in views])
    assert 0.4 < flipped < 0.6
    angles = [math.degrees(math.asin(np.clip(view.matrix[1, 0], -1, 1))) for view in views]
    assert max(abs(angle) for angle in angles) <= 30 and max(angles) > 20 and min(angles) < -20
    still = [draw_view((20, 40), np.random.default_rng(seed), magnitude=0) for seed in range(20)]
    assert all(np.array_equal(abs(view.matrix[:2, :2]), np.eye(2)) for view in still)


def test_colours_change_within_their_ranges() -> None:
    images = torch.randn(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert change_colours(images, np.random.default_rng(0)) is images
    changed = change_colours(images, np.random.default_rng(0), brightness=0.5)
    shift = (changed - images).mean(dim=(1, 2, 3))
    assert float(shift.abs().max()) <= 0.5 and float(shift.std()) > 0.2
    factor = change_colours(images, np.random.default_rng(0), contrast=0.4).std(dim=(1, 2, 3)) / images.std(
        dim=(1, 2, 3))
    assert float(factor.min()) >= 0.6 - 1e-5 and float(factor.max()) <= 1.4 + 1e-5 and float(factor.std()) > 0.1


@pytest.mark.parametrize(('name', 'value'), [('num_views', 0), ('smoothing', 1.1), ('smoothing', -0.1),
                                             ('magnitude', 2), ('weight', -1), ('brightness', -1), ('contrast', 2)])
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
    with pytest.raises(ValueError, match='consistency replaces the plain cross-entropy, but the decode head'):
        build_student(stock(RESNET, head, None), consistency=dict())
