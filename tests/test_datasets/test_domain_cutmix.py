"""Source and labelled target mixed within one image."""
from math import sqrt
from typing import Callable, List, Optional, Tuple

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from udas_mmseg.datasets.transforms import paste_box, paste_mask, sample_box, sample_classes

SIZES = [(12, 17), (17, 12), (8, 8), (3, 9), (36, 64)]
SOURCE_IDS, TARGET_IDS = (0, 1, 2, 3, 255), (5, 6, 7, 255)  # 255 in both; else a label says where it comes from


def sample(low: int, ids: Tuple[int, ...], size: Tuple[int, int], seed: int) -> dict:
    """Noise in [low, low + 100) with labels, and a second label that differs in every pixel."""
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array(ids, np.uint8), size)
    return dict(img=rng.integers(low, low + 100, (*size, 3), dtype=np.uint8), gt_seg_map=label, gt_ids=label ^ 16,
                seg_fields=['gt_seg_map', 'gt_ids'], img_path=f'{low}.png')


def pair(size: Tuple[int, int] = (12, 17), seed: int = 0, **target: object) -> dict:
    """A source sample, darker than 100, with its target sample, brighter."""
    partner = dict(sample(150, TARGET_IDS, size, seed + 1), img_path='target.png', **target)
    return dict(sample(0, SOURCE_IDS, size, seed), img_path='source.png', mix_results=[partner])


def mix(results: dict, kind: str = 'DomainCutMix', seed: int = 0, **arguments: object) -> dict:
    np.random.seed(seed)
    return TRANSFORMS.build(dict(type=kind, **arguments))(results)


def from_target(mixed: dict) -> np.ndarray:
    """(H, W) bool, told by brightness; no pixel is neither."""
    bright = mixed['img'] >= 150
    assert (bright | (mixed['img'] < 100)).all() and (bright.min(axis=2) == bright.max(axis=2)).all()
    return bright[:, :, 0]


def assert_mixed(mixed: dict, before: dict, mask: np.ndarray) -> None:
    """Image and labels are the target's where the mask says so, and the source's elsewhere."""
    target = before['mix_results'][0]
    for key in ('img', 'gt_seg_map', 'gt_ids'):
        where = mask[..., None] if key == 'img' else mask
        np.testing.assert_array_equal(mixed[key], np.where(where, target[key], before[key]), key)
        assert mixed[key].dtype == np.uint8


def is_box(mask: np.ndarray) -> bool:
    rows, columns = mask.any(axis=1), mask.any(axis=0)
    return bool((mask == (rows[:, None] & columns)).all() and all(
        (np.diff(np.flatnonzero(line)) == 1).all() for line in (rows, columns)))


class TestCutMix:

    @pytest.mark.parametrize('size', SIZES)
    @pytest.mark.parametrize('lam', [0, 0.1, 0.5, 0.9, 1, None])
    def test_inside_a_box_all_is_the_targets_and_outside_all_the_sources(self, size: Tuple[int, int],
                                                                        lam: Optional[float]) -> None:
        shapes = set()
        for seed in range(25):
            mixed = mix(pair(size, seed), seed=seed, lam=lam)
            mask = from_target(mixed)
            assert is_box(mask)
            assert_mixed(mixed, pair(size, seed), mask)
            shapes.add(mask.tobytes())
        assert len(shapes) == 1 if lam == 1 else len(shapes) >= 5  # an empty box, or boxes everywhere

    @pytest.mark.parametrize('size', SIZES)
    @pytest.mark.parametrize('lam', [0, 0.3, 0.64, 0.99, 1])
    def test_sides_are_as_the_paper_says_and_only_the_border_cuts(self, size: Tuple[int, int], lam: float) -> None:
        sides = [round(side * sqrt(1 - lam)) for side in size]
        rng, whole = np.random.default_rng(0), 0
        for _ in range(300):
            box = sample_box(*size, lam, rng)
            for first, last, length, side in zip(box[:2], box[2:], size, sides):
                assert 0 <= first <= last <= length
                assert last - first == side or (first == 0 or last == length) and last - first < side
            whole += box.bottom - box.top == sides[0] and box.right - box.left == sides[1]
        centres = [side - max(taken - 1, 0) for side, taken in zip(size, sides)]  # from which nothing is cut
        share = centres[0] * centres[1] / (size[0] * size[1])
        assert abs(whole / 300 - share) <= 4 * sqrt(max(share * (1 - share), 0.01) / 300)

    @pytest.mark.parametrize('size', [(12, 17), (3, 9), (36, 64)])
    @pytest.mark.parametrize('lam', [0, 0.2, 0.5, 0.8])
    def test_mean_area_is_that_of_centres_all_over_the_image(self, size: Tuple[int, int], lam: float) -> None:
        rng, count = np.random.default_rng(1), 4000
        boxes = [sample_box(*size, lam, rng) for _ in range(count)]
        areas = np.array([(box.bottom - box.top) * (box.right - box.left) for box in boxes])
        expected = 1.0
        for length in size:
            side = round(length * sqrt(1 - lam))
            low = np.arange(length) - side // 2
            expected *= np.mean(np.minimum(low + side, length) - np.maximum(low, 0))
        assert abs(areas.mean() - expected) <= 4 * areas.std() / sqrt(count)

    def test_centres_are_uniform_over_the_image(self) -> None:
        rng, counts = np.random.default_rng(2), np.zeros((6, 10), int)
        for _ in range(6000):
            box = sample_box(6, 10, 1 - 1 / 36, rng)  # 1 by 2 pixels: the left one may be cut off
            counts[box.top, box.right - 1] += 1
        assert ((counts - 100)**2 / 100).sum() < 98.3  # chi-square with 59 degrees of freedom: 99.9 percent

    def test_lam_is_drawn_from_a_beta_distribution(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: List[float] = []
        monkeypatch.setattr('udas_mmseg.datasets.transforms.domain_cutmix.sample_box',
                            lambda height, width, lam, rng: drawn.append(lam) or sample_box(height, width, lam, rng))
        for arguments, variance in ((dict(), 1 / 12), (dict(alpha=1), 1 / 12), (dict(alpha=4.0), 1 / 36),
                                    (dict(alpha=0.1), 1 / 4.8)):
            drawn.clear()
            transform = TRANSFORMS.build(dict(type='DomainCutMix', **arguments))
            np.random.seed(0)
            for _ in range(1000):
                transform(pair((4, 4)))
            assert len(drawn) == 1000 and min(drawn) >= 0 and max(drawn) <= 1
            assert abs(np.mean(drawn) - 0.5) < 4 * sqrt(variance / 1000)
            assert 0.85 < np.var(drawn) / variance < 1.15

    def test_fixed_lam_is_the_same_for_all_samples(self) -> None:
        areas = {from_target(mix(pair((20, 20)), seed=seed, lam=0.75)).sum() for seed in range(60)}
        assert max(areas) == 100 and min(areas) < 100  # cut at the border


class TestClassMix:

    @pytest.mark.parametrize(('ids', 'count'), [((4, ), 1), ((0, 254), 1), ((0, 1, 2), 2), (range(19), 10), ((), 0)])
    def test_half_of_the_classes_are_drawn_one_more_if_odd(self, ids: Tuple[int, ...], count: int) -> None:
        label = np.array([[*ids, 255], [*ids, 255]], np.uint8)
        rng, seen = np.random.default_rng(0), np.zeros(256, int)
        for _ in range(100):
            chosen = sample_classes(label, rng)
            assert len(chosen) == count and chosen.tolist() == sorted(set(chosen))
            seen[chosen] += 1
        for few in (1, 3):
            assert len(sample_classes(label, rng, few)) == min(few, len(ids))
        assert set(np.flatnonzero(seen)) == set(ids)  # each class comes, and none else
        if len(ids) > 1:
            assert seen[list(ids)].min() >= 30 and seen[list(ids)].max() <= 85

    @pytest.mark.parametrize('classes_of', ['source', 'target'])
    @pytest.mark.parametrize('size', SIZES)
    def test_whole_classes_lie_over_the_other_image(self, classes_of: str, size: Tuple[int, int]) -> None:
        chosen_sets = set()
        for seed in range(20):
            before = pair(size, seed)
            mixed = mix(pair(size, seed), 'DomainClassMix', seed, classes_of=classes_of)
            mask = from_target(mixed)
            assert_mixed(mixed, before, mask)
            label = before['gt_seg_map'] if classes_of == 'source' else before['mix_results'][0]['gt_seg_map']
            over = mask if classes_of == 'target' else ~mask
            chosen, left = set(label[over]), set(label[~over])
            assert not chosen & left and 255 not in chosen
            assert len(chosen) == (len((chosen | left) - {255}) + 1) // 2
            chosen_sets.add(frozenset(chosen))
        assert len(chosen_sets) >= 3

    @pytest.mark.parametrize(('classes_of', 'share'), [('source', 1), ('target', 0)])
    def test_of_a_label_without_classes_nothing_lies_over(self, classes_of: str, share: int) -> None:
        results = pair()
        label = results['gt_seg_map'] if classes_of == 'source' else results['mix_results'][0]['gt_seg_map']
        label[:] = 255
        assert from_target(mix(results, 'DomainClassMix', classes_of=classes_of)).mean() == share

    @pytest.mark.parametrize(('classes_of', 'share'), [('source', 0), ('target', 1)])
    def test_a_single_class_lies_over_whole(self, classes_of: str, share: int) -> None:
        results = pair()
        label = results['gt_seg_map'] if classes_of == 'source' else results['mix_results'][0]['gt_seg_map']
        label[:] = 2
        assert from_target(mix(results, 'DomainClassMix', classes_of=classes_of)).mean() == share

    def test_source_classes_are_the_default(self) -> None:
        np.testing.assert_array_equal(
            mix(pair(), 'DomainClassMix')['img'], mix(pair(), 'DomainClassMix', classes_of='source')['img'])


@pytest.mark.parametrize('kind', ['DomainCutMix', 'DomainClassMix'])
class TestBoth:

    @pytest.mark.parametrize('prob', [0, 0.5, 1])
    def test_inputs_are_not_changed_in_place(self, kind: str, prob: float) -> None:
        results, before = pair(), pair()
        arrays = {key: results[key] for key in ('img', 'gt_seg_map', 'gt_ids')}
        target, fields = results['mix_results'][0], results['seg_fields']
        mixed = mix(results, kind, prob=prob, record_mask=True)
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, before[key])
            np.testing.assert_array_equal(target[key], before['mix_results'][0][key])
            assert prob < 1 or mixed[key] is not array and not np.shares_memory(mixed[key], target[key])
        assert fields == target['seg_fields'] == ['gt_seg_map', 'gt_ids']

    def test_prob_is_the_share_of_mixed_samples(self, kind: str) -> None:
        masks = [mix(pair(), kind, seed, prob=0.3, record_mask=True)['mix_mask'].any() for seed in range(200)]
        assert 40 <= sum(masks) <= 80
        assert not any(from_target(mix(pair(), kind, seed, prob=0)).any() for seed in range(20))
        always = [from_target(mix(pair((30, 30)), kind, seed, prob=1)).any() for seed in range(20)]
        assert sum(always) >= 18  # a box may be empty

    def test_mask_tells_where_pixels_come_from_and_changes_nothing(self, kind: str) -> None:
        for seed in range(20):
            noted, plain = (mix(pair(), kind, seed, prob=0.8, record_mask=record) for record in (True, False))
            assert noted['mix_mask'].dtype == np.uint8 and set(np.unique(noted['mix_mask'])) <= {0, 1}
            np.testing.assert_array_equal(noted['mix_mask'] == 1, from_target(noted))
            np.testing.assert_array_equal(noted['img'], plain['img'])
            assert noted['mix_img_path'] == 'target.png'
            assert noted['seg_fields'] == ['gt_seg_map', 'gt_ids', 'mix_mask']
            assert 'mix_mask' not in plain and plain['seg_fields'] == ['gt_seg_map', 'gt_ids']

    def test_mask_moves_with_flips_and_crops(self, kind: str) -> None:
        moves = [TRANSFORMS.build(move) for move in (dict(type='RandomFlip', prob=0.5, direction=['horizontal',
                                                                                                  'vertical']),
                                                     dict(type='RandomCrop', crop_size=(10, 10)))]
        flips = set()
        for seed in range(20):
            mixed = mix(dict(pair((24, 24)), img_shape=(24, 24)), kind, seed, record_mask=True)
            for move in moves:
                mixed = move(mixed)
            assert mixed['mix_mask'].shape == (10, 10)
            np.testing.assert_array_equal(mixed['mix_mask'] == 1, from_target(mixed))
            flips.add(mixed.get('flip_direction'))
        assert len(flips) == 3

    def test_mixing_twice_notes_both(self, kind: str) -> None:
        both = set()
        for seed in range(10):
            once = mix(pair(), kind, seed, record_mask=True)
            first = once['mix_mask']
            twice = mix(once, kind, seed + 100, record_mask=True)
            np.testing.assert_array_equal(twice['mix_mask'] == 1, from_target(twice))
            assert twice['seg_fields'] == ['gt_seg_map', 'gt_ids', 'mix_mask']
            both.add(twice['mix_mask'].sum() > first.sum())
        assert True in both

    @pytest.mark.parametrize('image', [np.float32, np.uint16])
    def test_other_types_of_images_stay_as_they_are(self, kind: str, image: type) -> None:
        results = pair()
        for part in (results, results['mix_results'][0]):
            part['img'] = part['img'].astype(image)
        mixed = mix(results, kind)
        assert mixed['img'].dtype == image
        np.testing.assert_array_equal(mixed['img'], mix(pair(), kind)['img'])


@pytest.mark.parametrize(('arguments', 'message'), [
    (dict(lam=0.5, alpha=1.0), r'lam=0.5 and alpha=1.0\. Set only one of them'),
    (dict(lam=-0.1), r'lam=-0.1 .*0 \(the largest box\) to 1 \(no box\)'),
    (dict(lam=1.01), r'lam=1.01 .*0 \(the largest box\) to 1 \(no box\)'),
    (dict(lam=float('nan')), 'lam=nan .*0 .* to 1'),
    (dict(alpha=0), 'alpha=0.*above 0'),
    (dict(alpha=float('nan')), 'alpha=nan.*above 0'),
    (dict(alpha=float('inf')), 'alpha=inf.*above 0'),
    (dict(prob=-0.1), 'DomainCutMix: prob=-0.1 .*0 to 1'),
    (dict(type='DomainClassMix', prob=1.1), 'DomainClassMix: prob=1.1 .*0 to 1'),
    (dict(type='DomainClassMix', count=0), 'count=0. Allowed are whole numbers from 1'),
    (dict(type='DomainClassMix', classes_of='both'), "classes_of='both'.*'source' and 'target'"),
])
def test_arguments_outside_their_range_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(dict(type='DomainCutMix'), **arguments))


@pytest.mark.parametrize('paste', [paste_box, paste_mask])
@pytest.mark.parametrize('target', [np.zeros((4, 5), np.uint8), np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3))])
def test_arrays_that_do_not_fit_are_refused(paste: Callable, target: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'the source is \(4, 5, 3\) uint8 and the target \(4, .* same shape and type'):
        paste(np.zeros((4, 5, 3), np.uint8), target, None)
