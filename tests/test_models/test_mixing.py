"""Mixing of batches: the same pixels as by the data transforms, images, labels and weights alike."""
from typing import Tuple

import numpy as np
import pytest
import torch

from udas_mmseg.datasets.transforms.domain_cutmix import paste_box, paste_mask, sample_box, sample_classes
from udas_mmseg.models.mixing import (
    MIXINGS,
    LabeledImages,
    class_mix_masks,
    cut_mix_masks,
    mix,
    mix_batches,
    multi_box_masks,
)

N, H, W = 3, 12, 20


def batches(seed: int = 0) -> Tuple[LabeledImages, LabeledImages]:
    generator = torch.Generator().manual_seed(seed)

    def one() -> LabeledImages:
        label = torch.randint(0, 6, (N, H, W), generator=generator)
        label[:, :2] = 255
        return LabeledImages(torch.randn(N, 3, H, W, generator=generator), label,
                             torch.rand(N, H, W, generator=generator))

    return one(), one()


@pytest.mark.parametrize('seed', range(5))
def test_class_mix_is_that_of_the_data_transform(seed: int) -> None:
    source, target = batches(seed)
    mask = class_mix_masks(source.label, np.random.default_rng(seed))
    mixed = mix_batches(source, target, mask)
    rng = np.random.default_rng(seed)
    for number in range(N):
        label, other = (batch.label[number].numpy().astype(np.uint8) for batch in (source, target))
        chosen = np.zeros(256, np.uint8)
        chosen[sample_classes(label, rng)] = 1
        from_target = (1 - chosen)[label]  # as DomainClassMix(classes_of='source')
        assert np.array_equal(mask[number].numpy(), from_target.astype(bool))
        assert np.array_equal(mixed.label[number].numpy(), paste_mask(label, other, from_target))
        images = (batch.images[number].permute(1, 2, 0).contiguous().numpy() for batch in (source, target))
        assert np.array_equal(mixed.images[number].permute(1, 2, 0).numpy(), paste_mask(*images, from_target))
        weights = (batch.weight[number].numpy() for batch in (source, target))
        assert np.array_equal(mixed.weight[number].numpy(), paste_mask(*weights, from_target))


def test_one_class_is_pasted() -> None:
    source, _ = batches()
    pasted = ~MIXINGS['one_class'](source, np.random.default_rng(0))
    drawn = [source.label[number][pasted[number]].unique().tolist() for number in range(N)]
    assert all(len(classes) == 1 and classes != [255] for classes in drawn)


@pytest.mark.parametrize('lam', [None, 0., 0.3, 1.])
def test_cut_mix_is_that_of_the_data_transform(lam: float) -> None:
    source, target = batches()
    mixed = mix_batches(source, target, cut_mix_masks(N, (H, W), np.random.default_rng(4), lam))
    rng = np.random.default_rng(4)
    for number in range(N):
        box = sample_box(H, W, float(rng.beta(1., 1.)) if lam is None else lam, rng)
        for ours, of_source, of_target in zip(mixed, source, target):
            parts = [part[number].numpy() for part in (of_source, of_target)]
            if parts[0].ndim == 3:
                expected = paste_box(*(part.transpose(1, 2, 0) for part in parts), box).transpose(2, 0, 1)
            else:
                expected = paste_box(*parts, box)
            assert np.array_equal(ours[number].numpy(), expected)


def test_half_of_the_classes_stay_and_ignored_pixels_do_not() -> None:
    label = torch.tensor([[[0, 1, 2], [4, 255, 0]], [[255, 255, 255], [255, 255, 255]]])
    masks = class_mix_masks(label, np.random.default_rng(0))
    kept = torch.unique(label[0][~masks[0]])
    assert len(kept) == 2 and 255 not in kept  # two of 0, 1, 2, 4
    assert all(bool((~masks[0])[label[0] == number].all()) for number in kept)
    assert bool(masks[1].all())  # nothing to keep


def test_255_and_weights_survive() -> None:
    source, target = batches()
    mask = cut_mix_masks(N, (H, W), np.random.default_rng(1), 0.5)
    mixed = mix_batches(source, target, mask)
    assert torch.equal(mixed.label == 255, torch.where(mask, target.label == 255, source.label == 255))
    half = mix_batches(source._replace(weight=None), target, mask)
    assert torch.equal(half.weight, torch.where(mask, target.weight, torch.ones(())))
    other = mix_batches(source, target._replace(weight=None), mask)
    assert torch.equal(other.weight, torch.where(mask, torch.ones(()), source.weight))
    assert mix_batches(source._replace(weight=None), target._replace(weight=None), mask).weight is None


def test_batches_are_not_changed_and_gradients_go_to_where_pixels_come_from() -> None:
    source, target = batches()
    before = source.images.clone()
    images = source.images.requires_grad_()
    mask = cut_mix_masks(N, (H, W), np.random.default_rng(2), 0.5)
    mix(images, target.images, mask).sum().backward()
    assert torch.equal(images.detach(), before)
    assert torch.equal(images.grad, (~mask)[:, None].float().expand(-1, 3, -1, -1))


def test_what_does_not_fit_is_refused() -> None:
    source, target = batches()
    mask = cut_mix_masks(N, (H, W), np.random.default_rng(0))
    with pytest.raises(ValueError, match='same batch size'):
        mix(source.images, target.images[:2], mask)
    with pytest.raises(ValueError, match='same batch size'):
        mix(source.label, target.label.to(torch.uint8), mask)
    with pytest.raises(ValueError, match=r'the mask is \(2, 12, 20\)'):
        mix(source.images, target.images, mask[:2])
    with pytest.raises(ValueError, match='lam=1.5'):
        cut_mix_masks(N, (H, W), np.random.default_rng(0), 1.5)


def test_several_boxes_have_the_published_sizes() -> None:
    """Before overlaps are counted out, each box has a third of 25 to 50 % of the image."""
    size = (120, 240)
    one = multi_box_masks(400, size, np.random.default_rng(0), boxes=1)
    shares = one.float().mean(dim=(1, 2))
    assert 0.24 < float(shares.min()) < 0.27 and 0.48 < float(shares.max()) < 0.51
    heights, widths = one.any(2).sum(1), one.any(1).sum(1)
    assert bool((heights * widths == one.sum((1, 2))).all())  # one whole box, inside the image
    assert float((heights / size[0]).min()) < 0.4 and float((heights / size[0]).max()) > 0.9  # of any shape
    three = multi_box_masks(400, size, np.random.default_rng(0)).float().mean(dim=(1, 2))
    assert 0.15 < float(three.mean()) < 0.375 and float(three.max()) < 0.51
    assert torch.equal(multi_box_masks(2, size, np.random.default_rng(3)),
                       multi_box_masks(2, size, np.random.default_rng(3)))


def test_where_two_boxes_overlap_the_first_image_stays() -> None:
    whole = multi_box_masks(3, (8, 8), np.random.default_rng(0), boxes=1, share=(1, 1))
    assert bool(whole.all())
    twice = multi_box_masks(50, (64, 64), np.random.default_rng(0), boxes=2, share=(1, 1))
    assert bool((twice.float().mean((1, 2)) < 0.98).any()) and bool(twice.any())


@pytest.mark.parametrize('options', [dict(boxes=0), dict(share=(0, 0.5)), dict(share=(0.5, 0.25)), dict(share=(1, ))])
def test_boxes_outside_their_range_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='multi_box_masks: boxes='):
        multi_box_masks(1, (8, 8), np.random.default_rng(0), **options)
