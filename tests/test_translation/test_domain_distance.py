"""Distances between sets of images: known values, and what they must not depend on."""
from pathlib import Path
from typing import Any, Callable, List, Tuple

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor, nn

from udas_mmseg.translation.domain_distance import (
    ColorStatistics,
    FeatureNetwork,
    build_backbone,
    extract_features,
    frechet_distance,
    kernel_distance,
)

WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (0, 0, 255)  # BGR
LAB_RED = (53.24, 80.09, 67.20)  # of sRGB, D65
NORM = dict(type='BN')
BACKBONE = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=NORM)
HEAD = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=3, norm_cfg=NORM)
AUXILIARY = dict(HEAD, in_channels=16, in_index=2)
PREPROCESSOR = dict(type='SegDataPreProcessor', mean=[10., 20, 30], std=[2., 4, 8], bgr_to_rgb=True, size=(8, 8),
                    test_cfg=dict(size_divisor=64))


def flat(color: Tuple[int, int, int], height: int = 8, width: int = 16) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def statistics_of(*images: np.ndarray) -> ColorStatistics:
    statistics = ColorStatistics()
    for image in images:
        statistics.add(image)
    return statistics


def random_images(count: int, brightness: int = 128, seed: int = 0) -> List[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(brightness - 40, brightness + 40, (12, 24, 3), dtype=np.uint8) for _ in range(count)]


def gaussian(seed: int, channels: int = 3) -> Tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(channels, channels))
    return rng.normal(size=channels), factor @ factor.T


def test_a_gaussian_is_at_no_distance_from_itself_and_a_shift_is_its_length() -> None:
    mean, cov = gaussian(0)
    assert frechet_distance(mean, cov, mean, cov) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(mean, cov, mean + [2, 3, 6], cov) == pytest.approx(7)


def test_diagonal_covariances_compare_standard_deviations() -> None:
    mean1, mean2 = np.array([0., 0, 5]), np.array([1., 0, 5])
    distance = frechet_distance(mean1, np.diag([4., 9, 0]), mean2, np.diag([1., 1, 4]))
    assert distance == pytest.approx(np.sqrt(1 + (2 - 1)**2 + (3 - 1)**2 + (0 - 2)**2))


def test_general_covariances_agree_with_the_root_of_their_product() -> None:
    (mean1, cov1), (mean2, cov2) = gaussian(1), gaussian(2)
    roots = np.sqrt(np.linalg.eigvals(cov1 @ cov2)).sum().real  # as FID writes it
    squared = ((mean1 - mean2)**2).sum() + np.trace(cov1 + cov2) - 2 * roots
    assert frechet_distance(mean1, cov1, mean2, cov2) == pytest.approx(np.sqrt(squared))
    assert frechet_distance(mean2, cov2, mean1, cov1) == pytest.approx(np.sqrt(squared))


@pytest.mark.parametrize('color, lab', [(WHITE, (100, 0, 0)), (BLACK, (0, 0, 0)), (RED, LAB_RED)])
def test_colors_are_lab(color: Tuple[int, int, int], lab: tuple) -> None:
    statistics = statistics_of(flat(color))
    assert statistics.mean == pytest.approx(lab, abs=0.05)
    assert statistics.covariance == pytest.approx(np.zeros((3, 3)), abs=1e-3)


def test_color_cast_and_contrast_have_known_distances() -> None:
    assert statistics_of(flat(BLACK)).distance(statistics_of(flat(WHITE))) == pytest.approx(100, abs=0.01)
    cast = statistics_of(flat(BLACK)).distance(statistics_of(flat(RED)))
    assert cast == pytest.approx(np.linalg.norm(LAB_RED), abs=0.05)
    striped = flat(BLACK)
    striped[::2] = 255
    grey = statistics_of(flat((119, 119, 119)))  # L 50.03
    assert statistics_of(striped).distance(grey) == pytest.approx(50, abs=0.05)


def test_each_image_counts_the_same_whatever_its_size() -> None:
    assert statistics_of(flat(WHITE, 300, 400), flat(BLACK)).mean == pytest.approx([50, 0, 0], abs=0.01)


@pytest.mark.parametrize('size', [(64, 128), (512, 512), (720, 1280)])
def test_large_images_keep_their_contrast_and_regular_patterns(size: Tuple[int, int]) -> None:
    rows, columns = np.indices(size)
    image = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    statistics = statistics_of(image)
    assert statistics.mean[0] == pytest.approx(50, abs=1)
    assert statistics.covariance[0, 0] == pytest.approx(2500, rel=0.01)


def test_merged_statistics_are_those_of_all_images() -> None:
    images = random_images(5)
    merged, together = statistics_of(*images[:2]).merge(statistics_of(*images[2:])), statistics_of(*images)
    assert merged.count == 5
    assert merged.mean == pytest.approx(together.mean) and merged.covariance == pytest.approx(together.covariance)


def test_colors_nearer_to_the_target_have_a_smaller_distance() -> None:
    target = statistics_of(*random_images(4, 80))
    distances = [statistics_of(*random_images(4, level, 1)).distance(target) for level in (200, 140, 90, 80)]
    assert distances == sorted(distances, reverse=True) and distances[-1] < 2 < distances[-2]


@pytest.mark.parametrize('image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_other_arrays_are_no_images(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'must be uint8 \(H, W, 3\)'):
        ColorStatistics().add(image)


def test_no_images_have_no_statistics() -> None:
    with pytest.raises(ValueError, match='no image was added'):
        ColorStatistics().distance(ColorStatistics())


def test_kernel_distance_is_the_mean_over_pairs_of_different_samples() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(5, 3)), rng.normal(1, size=(4, 3))

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (x @ y / 3 + 1)**3

    within = [np.mean([kernel(x, y) for i, x in enumerate(part) for j, y in enumerate(part) if i != j])
              for part in (first, second)]
    between = np.mean([kernel(x, y) for x in first for y in second])
    assert kernel_distance(first, second) == pytest.approx(sum(within) - 2 * between)


@pytest.mark.parametrize('chunk', [1, 7, 40])
def test_kernel_distance_does_not_depend_on_its_chunks(chunk: int) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(40, 8)).astype(np.float32), rng.normal(size=(23, 8)).astype(np.float32)
    assert kernel_distance(first, second, chunk) == pytest.approx(kernel_distance(first, second), rel=1e-9)


def test_kernel_distance_is_unbiased() -> None:
    rng = np.random.default_rng(0)
    same = [kernel_distance(rng.normal(size=(10, 4)), rng.normal(size=(10, 4))) for _ in range(300)]
    assert min(same) < 0 < max(same)
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))
    few = [kernel_distance(rng.normal(size=(5, 4)), rng.normal(0.5, size=(5, 4))) for _ in range(3000)]
    many = kernel_distance(rng.normal(size=(2000, 4)), rng.normal(0.5, size=(2000, 4)))
    assert np.mean(few) == pytest.approx(many, abs=4 * np.std(few) / np.sqrt(len(few))) and many > 1


def test_features_nearer_to_the_target_have_a_smaller_distance() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(50, 6))
    distances = [kernel_distance(rng.normal(shift, size=(50, 6)), target) for shift in (3, 2, 1, 0)]
    assert distances == sorted(distances, reverse=True)


@pytest.mark.parametrize('first, second, message', [
    (np.zeros((1, 3)), np.zeros((4, 3)), r'\(1, 3\) and \(4, 3\).*at least two'),
    (np.zeros((4, 3)), np.zeros((4, 2)), r'\(4, 3\) and \(4, 2\)'),
    (np.full((4, 3), np.nan), np.zeros((4, 3)), 'not finite'),
])  # yapf: disable
def test_features_that_do_not_compare_are_refused(first: np.ndarray, second: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel_distance(first, second)


class Recorder(nn.Module):
    """A backbone whose last stage is the images themselves; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: List[tuple] = []
        self.seen: List[Tuple[bool, bool]] = []

    def forward(self, inputs: Tensor) -> Tuple[Tensor, Tensor]:
        self.shapes.append(tuple(inputs.shape))
        self.seen.append((self.training, torch.is_grad_enabled()))
        return inputs.new_zeros(len(inputs), 1, 1, 1), inputs


def recorder(**preprocessor: Any) -> FeatureNetwork:
    return FeatureNetwork(Recorder(), SegDataPreProcessor(**preprocessor), 'recorder')


def test_features_are_the_average_of_the_normalised_last_stage() -> None:
    network = recorder(mean=[10., 20, 30], std=[2., 4, 8], bgr_to_rgb=True)
    image = flat((50, 60, 70))
    image[:4] += 2
    features = extract_features(network, [image], short_side=8)
    assert features.dtype == np.float32 and features.tolist() == [[(71 - 10) / 2, (61 - 20) / 4, (51 - 30) / 8]]


def test_images_keep_their_shape_and_share_their_shorter_side() -> None:
    network = recorder()
    images = [flat(RED, 10, 20), flat(RED, 20, 40), flat(RED, 40, 10), flat(RED, 10, 20)]
    assert extract_features(network, images, short_side=16).tolist() == [[0, 0, 255]] * 4
    assert network.backbone.shapes == [(2, 3, 16, 32), (1, 3, 64, 16), (1, 3, 16, 32)]


def test_networks_are_left_as_they_were_and_have_no_gradients() -> None:
    network = recorder()
    network.backbone.train()
    extract_features(network, [flat(RED)])
    assert network.backbone.training and network.backbone.seen == [(False, False)]
    with pytest.raises(ValueError, match='no images'):
        extract_features(network, [])
    assert network.backbone.training


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Config]:
    """Config of a segmentor whose backbone has weights in a file, less those that are named."""

    def make(without: str = '', adversarial: bool = False, **changes: Any) -> Config:
        weights = MODELS.build(BACKBONE).state_dict()
        path = str(tmp_path / 'backbone.pth')
        torch.save({name: value for name, value in weights.items() if name != without}, path)
        segmentor = dict(type='EncoderDecoder', data_preprocessor=PREPROCESSOR, decode_head=HEAD,
                         auxiliary_head=AUXILIARY, test_cfg=dict(mode='whole'),
                         backbone=dict(BACKBONE, init_cfg=dict(type='Pretrained', checkpoint=path)))
        segmentor = {name: value for name, value in {**segmentor, **changes}.items() if value is not None}
        wrapped = dict(type='AdversarialSegmentor', segmentor=segmentor,
                       discriminators=dict(type='MultiLevelDiscriminator'))
        return Config(dict(model=wrapped if adversarial else segmentor))

    return make


@pytest.mark.parametrize('adversarial', [False, True])
def test_pretrained_backbone_is_loaded_quietly(make_config: Callable, tmp_path: Path, adversarial: bool,
                                               capfd: pytest.CaptureFixture) -> None:
    cfg = make_config(adversarial=adversarial)
    state = torch.get_rng_state()
    network = build_backbone(cfg, device='cpu')
    assert torch.equal(torch.get_rng_state(), state)
    assert 'PretrainedInit' not in ''.join(capfd.readouterr())
    wanted = torch.load(tmp_path / 'backbone.pth')
    assert all(torch.equal(value, wanted[name]) for name, value in network.backbone.state_dict().items())
    assert not network.backbone.training
    assert network.description == f'ResNet, weights {tmp_path}/backbone.pth'
    assert network.preprocessor.mean.flatten().tolist() == [10, 20, 30] and network.preprocessor.channel_conversion
    features = extract_features(network, random_images(3), short_side=32)
    assert features.shape == (3, 32)
    batched = extract_features(network, random_images(3), short_side=32, batch_size=2)
    assert batched == pytest.approx(features, abs=1e-5)
    assert network.preprocessor(dict(inputs=[torch.zeros(3, 32, 48)]), False)['inputs'].shape == (1, 3, 32, 48)


def test_checkpoint_of_a_whole_model_is_loaded(make_config: Callable, tmp_path: Path) -> None:
    cfg = make_config(adversarial=True, backbone=BACKBONE)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'iter_8.pth')
    network = build_backbone(cfg, str(tmp_path / 'iter_8.pth'), device='cpu')
    wanted = model.segmentor.backbone.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in network.backbone.state_dict().items())
    assert network.description == f'ResNet, weights {tmp_path}/iter_8.pth'


def test_pretrained_mobilenet_is_built(make_config: Callable, tmp_path: Path) -> None:
    """Its `train` returns nothing."""
    mobilenet = dict(type='MobileNetV2', widen_factor=0.1, norm_cfg=NORM, out_indices=(1, 2, 4, 6))
    torch.save(MODELS.build(mobilenet).state_dict(), tmp_path / 'mobilenet.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'mobilenet.pth'))
    network = build_backbone(make_config(backbone=dict(mobilenet, init_cfg=init_cfg)), device='cpu')
    assert extract_features(network, random_images(2), short_side=32).shape == (2, 32)


@pytest.mark.parametrize('changes, message', [
    (dict(backbone=BACKBONE), 'weights of the backbone are random, such as conv1.weight.*init_cfg.*checkpoint'),
    (dict(without='layer4.1.conv2.weight'), r'^1 of 60 weights .* random, such as layer4\.1\.conv2\.weight'),
    (dict(data_preprocessor=None), 'no `model.data_preprocessor`'),
    (dict(backbone=None, type='CycleGAN'), 'model CycleGAN has no backbone'),
])  # yapf: disable
def test_backbone_without_meaning_is_refused(make_config: Callable, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_backbone(make_config(**changes), device='cpu')


def test_config_without_a_model_and_missing_files_are_named(make_config: Callable, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='has no `model`'):
        build_backbone(Config(), device='cpu')
    cfg = make_config()
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth'):
        build_backbone(cfg, 'nowhere.pth', device='cpu')
    (tmp_path / 'backbone.pth').unlink()
    with pytest.raises(FileNotFoundError, match=r'backbone\.pth'):
        build_backbone(cfg, device='cpu')
