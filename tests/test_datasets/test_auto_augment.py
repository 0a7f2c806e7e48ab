"""AutoAugment, RandAugment and the weak augmentation: image and label together."""
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import TRANSFORMS

from udas_mmseg.datasets.transforms import AffineMap, SegAutoAugment, SegRandAugment, SegWeakAugment
from udas_mmseg.datasets.transforms.augment_ops import OPERATIONS, RANGES
from udas_mmseg.datasets.transforms.auto_augment import IMAGENET_POLICY


def scene(height: int = 45, width: int = 60, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: smooth, with a different range in each channel, and a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers((30, 5, 80), (180, 250, 220), (6, 8, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return large + rng.integers(0, 5, large.shape, dtype=np.uint8)


def test_the_published_policy_is_well_formed() -> None:
    assert len(IMAGENET_POLICY) == 25 and all(len(sub_policy) == 2 for sub_policy in IMAGENET_POLICY)
    assert TRANSFORMS.build(dict(type='SegAutoAugment', policy=IMAGENET_POLICY)).sub_policies == IMAGENET_POLICY
    names = [name for sub_policy in IMAGENET_POLICY for name, _, _ in sub_policy]
    # The paper's observation: colour operations, hardly any geometric ones
    assert names.count('Rotate') == 6 and names.count('ShearX') == 1 and names.count('Equalize') == 17
    assert not {'ShearY', 'TranslateX', 'TranslateY', 'Brightness'} & set(names)
    assert len(set(IMAGENET_POLICY)) == 20
    assert IMAGENET_POLICY[10] == (('Rotate', 0.8, 8), ('Color', 0.4, 0))


def test_the_published_policy_is_that_of_torchvision() -> None:
    # here, since it needs what udas_mmseg.compat bridges
    from torchvision.transforms.autoaugment import AutoAugment, AutoAugmentPolicy
    published = AutoAugment(AutoAugmentPolicy.IMAGENET).policies
    assert len(published) == len(IMAGENET_POLICY)
    for ours, theirs in zip(IMAGENET_POLICY, published):
        # None stands where an operation has no magnitude
        assert [(*operation[:2], expected[2] and operation[2]) for operation, expected in zip(ours, theirs)] == [
            (*expected[:2], expected[2] and int(expected[2])) for expected in theirs]  # yapf: disable


def square(height: int = 45, width: int = 60) -> Tuple[np.ndarray, np.ndarray]:
    """A red square on black, and the label that is its mask."""
    label = np.zeros((height, width), np.uint8)
    label[height // 3:2 * height // 3, width // 3:2 * width // 3] = 7
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 2] = 200 * (label == 7)
    return image, label


EVERYTHING = [[(name, 1.0, 9)] for name in OPERATIONS]
TRANSFORM_CONFIGS: List[Dict[str, Any]] = [
    dict(type='SegAutoAugment'), dict(type='SegAutoAugment', policy=EVERYTHING),
    dict(type='SegAutoAugment', geometric=False), dict(type='SegRandAugment'),
    dict(type='SegRandAugment', num_ops=4, strength=1.0), dict(type='SegRandAugment', geometric=False),
    dict(type='SegWeakAugment', crop_size=(32, 40)), dict(type='SegWeakAugment', crop_size=80, scale_range=(0.3, 0.9))
]


@pytest.fixture(params=TRANSFORM_CONFIGS, ids=lambda config: '-'.join(map(str, config.values()))[:40])
def transform(request: pytest.FixtureRequest) -> Any:
    return TRANSFORMS.build(request.param)


class TestEveryTransform:

    def test_the_same_seed_gives_the_same_result(self, transform: Any) -> None:
        image, label = scene(), square()[1]
        runs = [transform.apply(image, label, rng=np.random.default_rng(seed)) for seed in (*range(20), *range(20))]
        for first, second in zip(runs[:20], runs[20:]):
            np.testing.assert_array_equal(first[0], second[0])
            np.testing.assert_array_equal(first[1], second[1])
            np.testing.assert_array_equal(first[2].matrix, second[2].matrix)
        assert len({view.tobytes() for view, _, _ in runs}) > 5

    def test_arguments_are_not_changed(self, transform: Any) -> None:
        image, label = scene(), square()[1]
        image.setflags(write=False), label.setflags(write=False)
        for seed in range(40):
            transform.apply(image, label, rng=np.random.default_rng(seed))
        np.testing.assert_array_equal(image, scene())
        np.testing.assert_array_equal(label, square()[1])

    def test_the_map_says_where_the_label_went(self, transform: Any) -> None:
        image, label = scene(), square()[1]
        label[:10] = 255
        for seed in range(40):
            view, moved, affine = transform.apply(image, label, rng=np.random.default_rng(seed))
            assert view.shape == (*affine.view_size, 3) and view.dtype == moved.dtype == np.uint8
            np.testing.assert_array_equal(moved, affine.warp_label(label))
            assert set(np.unique(moved)) <= {0, 7, 255}
            if affine.is_identity:
                assert (moved[:10] == 255).all()

    def test_image_and_label_move_together(self, transform: Any) -> None:
        image, label = square()
        moved_at_all = 0
        for seed in range(60):
            view, moved, affine = transform.apply(image, label, rng=np.random.default_rng(seed))
            moved_at_all += not np.array_equal(moved, label)
            core, around = (cv2.erode((moved == value).astype(np.uint8), np.ones((5, 5)), borderValue=0) == 1
                            for value in (7, 0))
            if core.any() and around.any():
                # Each colour operation makes one colour of the square and one of its surroundings.
                spread = max(np.ptp(view[mask].astype(int), 0).max() for mask in (core, around))
                assert spread <= 2, (seed, spread)
        geometric = getattr(transform, 'geometric', True)
        assert (moved_at_all > 5) == geometric

    def test_transform_is_apply_with_numpys_generator(self, transform: Any) -> None:
        def run(seed: int) -> dict:
            np.random.seed(seed)
            return transform(dict(img=scene(), gt_seg_map=square()[1], other=square()[1], img_shape=(45, 60),
                                  seg_fields=['gt_seg_map', 'other'], img_path='a.png'))

        results = [run(seed) for seed in range(20)]
        assert len({result['img'].tobytes() for result in results}) > 5
        for seed, result in enumerate(results):
            np.testing.assert_array_equal(run(seed)['img'], result['img'])
            np.testing.assert_array_equal(result['gt_seg_map'], result['other'])
            assert result['img_shape'] == result['img'].shape[:2] == result['gt_seg_map'].shape

    def test_an_image_without_label_is_fine(self, transform: Any) -> None:
        np.random.seed(3)
        labelled = transform(dict(img=scene(), gt_seg_map=square()[1], seg_fields=['gt_seg_map']))
        np.random.seed(3)
        bare = transform(dict(img=scene(), img_shape=(45, 60)))
        np.testing.assert_array_equal(bare['img'], labelled['img'])
        assert 'gt_seg_map' not in bare
        assert transform.apply(scene(), rng=np.random.default_rng(0))[1] is None

    def test_it_works_in_a_pipeline_of_mmsegmentation(self, transform: Any) -> None:
        init_default_scope('mmseg')
        sample = dict(img=scene(), gt_seg_map=square()[1], seg_fields=['gt_seg_map'], img_shape=(45, 60),
                      ori_shape=(45, 60), img_path='a.png', seg_map_path='a.png', reduce_zero_label=False)
        packed = TRANSFORMS.build(dict(type='PackSegInputs'))(
            transform(TRANSFORMS.build(dict(type='RandomFlip', prob=1.0))(sample)))
        assert packed['inputs'].shape[1:] == packed['data_samples'].gt_sem_seg.shape
        assert packed['data_samples'].img_shape == tuple(packed['inputs'].shape[1:])

    def test_repr_is_how_it_was_made(self, transform: Any) -> None:
        if 'sub-policies' not in repr(transform):
            again = eval(repr(transform), dict(SegAutoAugment=SegAutoAugment, SegRandAugment=SegRandAugment,
                                               SegWeakAugment=SegWeakAugment))
            assert vars(again) == vars(transform)

    @pytest.mark.parametrize('image', [scene().astype(np.float32), scene()[:, :, 0], scene()[:, :, :2]])
    def test_another_kind_of_image_is_refused(self, transform: Any, image: np.ndarray) -> None:
        name = type(transform).__name__
        with pytest.raises(ValueError, match=rf'{name}: a\.png is \(45, 60.*\(H, W, 3\) uint8.*to_float32'):
            transform(dict(img=image, img_path='a.png'))
        with pytest.raises(ValueError, match=r'\(H, W, 3\) uint8'):
            transform.apply(image, rng=np.random.default_rng(0))

    @pytest.mark.parametrize('label', [np.zeros((45, 61), np.uint8), np.zeros((45, 60), np.int64),
                                       np.zeros((45, 60, 1), np.uint8)])
    def test_another_kind_of_label_is_refused(self, transform: Any, label: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"'gt_seg_map' of a\.png is \(45, 6.*\(45, 60\) uint8.*seg_fields"):
            transform(dict(img=scene(), img_path='a.png', gt_seg_map=label, seg_fields=['gt_seg_map']))
        with pytest.raises(ValueError, match=r"'label'.*\(45, 60\) uint8"):
            transform.apply(scene(), label, rng=np.random.default_rng(0))


class TestAutoAugment:

    def test_colours_alone_leave_labels_untouched(self) -> None:
        whole, colours = SegAutoAugment(), SegAutoAugment(geometric=False)
        image, label = scene(), square()[1]
        moved = 0
        for seed in range(80):
            view, same, affine = colours.apply(image, label, rng=np.random.default_rng(seed))
            assert same is label and affine.is_identity
            other, _, geometry = whole.apply(image, label, rng=np.random.default_rng(seed))
            moved += not geometry.is_identity
            if geometry.is_identity:  # the same draws
                np.testing.assert_array_equal(view, other)
        assert 5 < moved < 30  # 3.5 of 25 on average

    def test_prob_is_the_share_of_changed_samples(self) -> None:
        invert = [[('Invert', 1, 0)]]
        for prob, low, high in ((0, 0, 0), (0.5, 70, 130), (1, 200, 200)):
            augment = SegAutoAugment(policy=invert, prob=prob)
            changed = [not np.array_equal(augment.apply(scene(), rng=np.random.default_rng(seed))[0], scene())
                       for seed in range(200)]
            assert low <= sum(changed) <= high

    def test_operations_happen_with_their_probability_and_sign(self) -> None:
        augment = SegAutoAugment(policy=[[('Rotate', 0.25, 5), ('ShearX', 1, 10)], [('Color', 0.5, 0)]])
        rng = np.random.default_rng(0)
        drawn = [augment.draw(rng) for _ in range(2000)]
        count = {step: sum(step in steps for steps in drawn) for steps in drawn for step in steps}
        shares = {(step.name, round(step.value, 6)): number / 100 for step, number in count.items()}
        assert shares == {
            ('Rotate', 15): pytest.approx(1.25, abs=0.4), ('Rotate', -15): pytest.approx(1.25, abs=0.4),
            ('ShearX', 0.3): pytest.approx(5, abs=0.8), ('ShearX', -0.3): pytest.approx(5, abs=0.8),
            ('Color', 0.1): pytest.approx(5, abs=0.8)}

    def test_all_sub_policies_are_drawn(self) -> None:
        augment = SegAutoAugment(policy=[[('Rotate', 1, index)] for index in range(1, 11)])
        rng = np.random.default_rng(0)
        assert {round(abs(augment.draw(rng)[0].value)) for _ in range(200)} == set(range(3, 31, 3))

    @pytest.mark.parametrize(('policy', 'message'), [
        ('cifar', "policy='cifar'.*'imagenet' or a list"), ([], r'policy=\[\]'), (None, 'policy=None'),
        ([[]], r'\[\] is not a sub-policy'), ([('Rotate', 0.5, 5)], "'Rotate' is not an operation"),
        ([[('Rotate', 0.5)]], r"\('Rotate', 0.5\) is not an operation"),
        ([[('rotate', 0.5, 5)]], "'rotate' is unknown.*Rotate"), ([[(['Rotate'], 0.5, 5)]], 'is unknown'),
        ([[('Rotate', 1.5, 5)]], 'probability of Rotate is 1.5.*0 to 1'),
        ([[('Rotate', 0.5, 11)]], 'magnitude of Rotate is 11.*0 to 10'),
        ([[('Rotate', 0.5, '5')]], "magnitude of Rotate is '5'"), ([[('Rotate', float('nan'), 5)]], 'nan')])
    def test_malformed_policies(self, policy: Any, message: str) -> None:
        with pytest.raises(ValueError, match=f'SegAutoAugment: .*{message}'):
            SegAutoAugment(policy=policy)

    @pytest.mark.parametrize('prob', [-0.1, 1.1, float('nan')])
    def test_no_probability(self, prob: float) -> None:
        with pytest.raises(ValueError, match='prob=.*0 to 1'):
            SegAutoAugment(prob=prob)


class TestRandAugment:

    def test_strength_zero_is_the_identity_and_little_strength_nearly_so(self) -> None:
        image, label = scene(), square()[1]
        none, little = SegRandAugment(strength=0), SegRandAugment(strength=0.01)
        little.names = [name for name in little.names if name in RANGES]  # those that have a magnitude
        for seed in range(100):
            view, same, affine = none.apply(image, label, rng=np.random.default_rng(seed))
            assert view is image and same is label and affine.is_identity
            view, _, affine = little.apply(image, label, rng=np.random.default_rng(seed))
            assert np.abs(affine.matrix - np.eye(3)).max() < 0.5
            difference = np.abs(view.astype(int) - image)[3:-3, 3:-3]
            assert np.median(difference) <= 2

    @pytest.mark.parametrize('strength', [0.3, 1.0])
    def test_values_grow_with_strength(self, strength: float) -> None:
        augment = SegRandAugment(num_ops=3, strength=strength)
        rng = np.random.default_rng(0)
        values: Dict[str, set] = {}
        for _ in range(500):
            steps = augment.draw(rng)
            assert len(steps) <= 3
            for step in steps:
                values.setdefault(step.name, set()).add(round(step.value, 6))
        assert set(values) == set(OPERATIONS) - {'Invert'}
        assert values['Rotate'] == {30 * strength, -30 * strength}
        assert values['Color'] == {round(1 + 0.9 * strength, 6), round(1 - 0.9 * strength, 6)}
        assert values['Solarize'] == {round(256 * (1 - strength), 6)} and values['Posterize'] == {8 - 4 * strength}

    def test_operations_are_drawn_uniformly_and_one_in_fourteen_is_nothing(self) -> None:
        augment, rng = SegRandAugment(num_ops=1), np.random.default_rng(0)
        names = [steps[0].name if steps else '' for steps in (augment.draw(rng) for _ in range(2800))]
        counts = {name: names.count(name) for name in set(names)}
        assert len(counts) == 14 and min(counts.values()) > 140 and max(counts.values()) < 260

    def test_colours_alone(self) -> None:
        augment, label = SegRandAugment(geometric=False, strength=1, num_ops=3), square()[1]
        for seed in range(30):
            _, same, affine = augment.apply(scene(), label, rng=np.random.default_rng(seed))
            assert same is label and affine.is_identity

    @pytest.mark.parametrize('arguments', [dict(num_ops=0), dict(num_ops=1.5), dict(strength=-0.1), dict(strength=9)])
    def test_mistakes(self, arguments: dict) -> None:
        with pytest.raises(ValueError, match=f'SegRandAugment: {next(iter(arguments))}=.*Allowed'):
            SegRandAugment(**arguments)


def test_the_map_is_an_affine_map() -> None:
    assert isinstance(SegAutoAugment().apply(scene(), rng=np.random.default_rng(0))[2], AffineMap)
