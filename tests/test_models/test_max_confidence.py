"""Merging views by the most confident one, on values made by hand."""
import pytest
import torch
from torch import Tensor

from udas_mmseg.models.max_confidence import (
    confidence,
    first_highest,
    max_confidence_merge,
    most_confident,
    most_probable,
    softmax_with_temperature,
    winning_view,
)

# three views of one row of four pixels, two classes
PROBS = torch.tensor([[[0.6, 0.4], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]],
                      [[0.3, 0.7], [0.2, 0.8], [0.1, 0.9], [0.8, 0.2]],
                      [[0.4, 0.6], [0.3, 0.7], [0.0, 1.0], [0.9, 0.1]]]).permute(0, 2, 1)[:, None, :, None]
ALL = torch.ones(3, 1, 1, 4, dtype=torch.bool)


def test_most_confident_view_gives_the_class() -> None:
    label, sure = max_confidence_merge(PROBS, ALL)
    assert label.shape == sure.shape == (1, 1, 4) and label.dtype == torch.int64
    assert label.flatten().tolist() == [1, 0, 1, 0]
    assert sure.flatten().tolist() == pytest.approx([0.7, 0.9, 1.0, 0.9])


def test_pixels_that_left_a_view_do_not_win() -> None:
    valid = ALL.clone()
    valid[1, ..., 0] = valid[2, ..., 2] = valid[2, ..., 3] = False
    valid[0, ..., 1] = False
    label, sure = max_confidence_merge(PROBS, valid)
    assert label.flatten().tolist() == [0, 1, 1, 1]  # 0.6 of class 0 and of class 1 are a tie: the first view
    assert sure.flatten().tolist() == pytest.approx([0.6, 0.8, 0.9, 0.8])


def test_pixel_that_is_in_no_view_has_confidence_0() -> None:
    valid = ALL.clone()
    valid[..., 2:] = False
    label, sure = max_confidence_merge(PROBS, valid)
    assert sure.flatten().tolist() == pytest.approx([0.7, 0.9, 0, 0])
    assert label.flatten().tolist() == [1, 0, 0, 1]  # the first view's


def test_ties_are_the_first_views() -> None:
    probs = torch.tensor([[0.25, 0.75], [0.75, 0.25], [0.75, 0.25]])[:, None, :, None, None]
    assert max_confidence_merge(probs, torch.ones(3, 1, 1, 1, dtype=torch.bool))[0].item() == 1
    assert max_confidence_merge(probs.flip(0), torch.ones(3, 1, 1, 1, dtype=torch.bool))[0].item() == 0
    even = torch.full((2, 1, 3, 1, 1), 1 / 3)
    assert max_confidence_merge(even, torch.ones(2, 1, 1, 1, dtype=torch.bool))[0].item() == 0


def test_one_view_is_its_own_prediction() -> None:
    probs = torch.rand(1, 2, 5, 3, 4, generator=torch.Generator().manual_seed(0)).softmax(dim=2)
    label, sure = max_confidence_merge(probs, torch.ones(1, 2, 3, 4, dtype=torch.bool))
    assert torch.equal(label, probs[0].argmax(dim=1)) and torch.equal(sure, probs[0].amax(dim=1))


def test_more_views_never_lower_the_confidence_and_their_order_decides_ties_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    probs = torch.rand(3, 2, 4, 5, 6, generator=generator).softmax(dim=2)
    valid = torch.rand(3, 2, 5, 6, generator=generator) > 0.3
    sure = [max_confidence_merge(probs[:count], valid[:count])[1] for count in (1, 2, 3)]
    assert bool((sure[0] <= sure[1]).all()) and bool((sure[1] < sure[2]).any())
    label, merged = max_confidence_merge(probs, valid)
    turned = max_confidence_merge(probs.flip(0), valid.flip(0))
    somewhere = valid.any(dim=0)
    assert torch.equal(turned[0][somewhere], label[somewhere]) and torch.equal(turned[1], merged)
    brute = torch.where(valid[:, :, None], probs, -1).amax(dim=(0, 2))
    assert torch.equal(merged, brute.clamp(min=0))


def test_views_may_come_as_sequences_with_a_mask_for_the_whole_batch() -> None:
    probs, masks = torch.cat([PROBS, PROBS.flip(3)], dim=1), ALL[:, 0, 0, None]
    label, sure = max_confidence_merge(list(probs), list(masks))
    expected = max_confidence_merge(probs, masks[:, None].expand(3, 2, 1, 4))
    assert torch.equal(label, expected[0]) and torch.equal(sure, expected[1])


def test_gradient_reaches_the_winner_alone() -> None:
    probs = PROBS.clone().requires_grad_()
    max_confidence_merge(probs, ALL)[1].sum().backward()
    wanted = torch.zeros_like(probs)
    for pixel, (view, winner) in enumerate([(1, 1), (0, 0), (2, 1), (2, 0)]):
        wanted[view, 0, winner, 0, pixel] = 1
    assert torch.equal(probs.grad, wanted)


def test_labels_are_merged_as_probabilities_are() -> None:
    labels = PROBS.argmax(dim=2).to(torch.uint8)
    label, sure = most_confident(labels, PROBS.amax(dim=2), ALL)
    expected = max_confidence_merge(PROBS, ALL)
    assert label.dtype == torch.uint8 and torch.equal(label.long(), expected[0]) and torch.equal(sure, expected[1])
    assert winning_view(PROBS.amax(dim=2), ALL).flatten().tolist() == [1, 0, 2, 2]


def test_class_of_the_highest_value_is_the_first_of_equal_ones() -> None:
    values = torch.randint(0, 3, (5, 20, 30), generator=torch.Generator().manual_seed(0)).float()
    label, highest = first_highest(values)
    assert label.dtype == torch.uint8 and torch.equal(highest, values.amax(dim=0))
    assert torch.equal(label.long(), (values == highest).int().argmax(dim=0))
    assert set(label.unique().tolist()) == set(range(5))
    assert first_highest(torch.full((2, 1, 1), float('nan')))[0].item() == 0


@pytest.mark.parametrize('temperature', [1.0, 0.7])
def test_class_and_probability_are_those_of_the_plain_functions(temperature: float) -> None:
    logits = 9 * torch.randn(19, 70, 21, generator=torch.Generator().manual_seed(0))
    logits[3] = logits[7]  # equal classes
    label, sure = most_probable(logits, temperature)
    assert label.dtype == torch.uint8 and torch.equal(label.long(), logits.argmax(dim=0))
    assert torch.equal(sure, confidence(logits, temperature)) and len(sure.unique()) > 99
    assert all(map(torch.equal, most_probable(logits.half()), (most_probable(logits.half().float()))))


def test_a_hundred_and_more_classes_are_found() -> None:
    values = torch.eye(256)[:, :, None].repeat(1, 1, 2)
    assert torch.equal(first_highest(values)[0][:, 1].long(), torch.arange(256))


@pytest.mark.parametrize('probs, valid, message', [
    (torch.ones(0, 1, 2, 1, 1), torch.ones(0, 1, 1, 1), '0 views and 0 masks'),
    (PROBS, ALL[:2], '3 views and 2 masks'),
    (PROBS[0], ALL, r'must be \(N, C, H, W\)'),
    ([PROBS[0], PROBS[1, ..., :2]], ALL[:2], 'all of the same size'),
])  # yapf: disable
def test_views_that_do_not_fit_are_refused(probs: Tensor, valid: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        max_confidence_merge(probs, valid)


def test_temperature_sharpens() -> None:
    logits = torch.tensor([2.0, 0, 1])[None, :, None, None]
    assert torch.equal(softmax_with_temperature(logits), logits.softmax(dim=1))
    sharp, smooth = (softmax_with_temperature(logits, value) for value in (0.5, 2))
    assert sharp.flatten().tolist() == pytest.approx((logits * 2).softmax(dim=1).flatten().tolist())
    assert sharp.max() > softmax_with_temperature(logits).max() > smooth.max()
    for value in (0.5, 1, 2):
        expected = softmax_with_temperature(logits, value).max().item()
        assert confidence(logits[0], value).item() == pytest.approx(expected)
    half = softmax_with_temperature(logits.half())
    assert half.dtype == torch.float32


@pytest.mark.parametrize('temperature', [0, -1, float('nan')])
def test_temperature_must_be_above_0(temperature: float) -> None:
    for function in (softmax_with_temperature, confidence):
        with pytest.raises(ValueError, match='must be above 0'):
            function(torch.ones(2, 2, 1, 1)[0] if function is confidence else torch.ones(1, 2, 1, 1), temperature)
