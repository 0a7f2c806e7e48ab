"""HRDA against its equations in float64: losses, gradients and predictions; crops, windows and mistakes."""
import copy
from collections import Counter
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from adversarial_models import RESNET
from hrda_reference import HRDA, LAMBDA_AUX, SHARE, Trained, build_hrda, predicted
from student_models import images as one_image
from udas_mmseg.models.multi_resolution import draw_corners, window_corners
from udas_mmseg.models.outputs import losses_of_heads
from udas_mmseg.models.segmentors.branches import heads_of

TOLERANCE = 1e-9


def batch(size: Tuple[int, int], count: int = 2) -> Tuple[Tensor, Tensor, Tensor]:
    """Images, labels in boxes of 8 pixels (some 255), and pixel weights that float32 has exactly."""
    generator = torch.Generator().manual_seed(sum(size))
    images = torch.randn(count, 3, *size, dtype=torch.float64, generator=generator)
    cells = torch.tensor([0, 1, 2, 255])[torch.randint(0, 4, (count, *(-(-n // 8) for n in size)), generator=generator)]
    label = cells.repeat_interleave(8, 1).repeat_interleave(8, 2)[:, :size[0], :size[1]]
    weight = torch.randint(0, 5, label.shape, generator=generator).double() / 4
    return images, label, weight


def samples_of(label: Tensor) -> List[SegDataSample]:
    return [SegDataSample(gt_sem_seg=PixelData(data=one[None])) for one in label]


def distance(got: Tensor, expected: Tensor) -> float:
    return float((got - expected).abs().max() / expected.abs().max().clamp(min=1e-12))


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('name', HRDA)
def test_losses_and_gradients_are_those_of_the_equations(name: str, weighted: bool) -> None:
    network = build_hrda(name).train()
    other = copy.deepcopy(network)
    images, label, weight = batch((64, 96))
    np.random.seed(0)
    if weighted:
        of_heads = losses_of_heads(heads_of(network), network.training_outputs(images), samples_of(label), weight)
        losses = {f'{head}.{key}': value for head, of_head in of_heads.items() for key, value in of_head.items()}
    else:
        losses = network.loss(images, samples_of(label))
    np.random.seed(0)
    expected = Trained(other, images).losses(label, weight if weighted else torch.ones_like(weight), LAMBDA_AUX)
    assert {key for key in losses if 'loss' in key} == set(expected)
    far = {key: distance(losses[key], value) for key, value in expected.items()}
    sum(losses[key] for key in expected).backward()
    sum(expected.values()).backward()
    for (key, value), reference in zip(network.named_parameters(), other.parameters()):
        assert value.grad is not None and bool(value.grad.any()) or 'norm' in key or 'bias' in key, key
        if reference.grad is not None:
            far[key] = float((value.grad - reference.grad).norm() / max(float(reference.grad.norm()), 1e-6))
    for (key, value), reference in zip(network.named_buffers(), other.buffers()):  # context first, then detail
        far[key] = distance(value, reference)
    assert not {key: value for key, value in far.items() if not value < TOLERANCE}


@pytest.mark.parametrize('size', [(64, 96), (48, 112), (45, 70), (20, 96), (32, 33)])
@pytest.mark.parametrize('name', HRDA)
def test_predictions_are_those_of_the_equations(name: str, size: Tuple[int, int]) -> None:
    """Also for images that are no multiple of half a window, or of the divisor, or smaller than a window."""
    network = build_hrda(name).eval()
    images, *_ = batch(size)
    logits = network.encode_decode(images, [dict(img_shape=size)] * 2)
    assert logits.shape == (2, 3, *size)
    assert distance(logits, predicted(network, images)) < TOLERANCE


@pytest.mark.parametrize('change', ['share', 'attention', 'corner', 'context'])
def test_another_model_is_noticed(change: str) -> None:
    """The comparisons above can fail."""
    network = build_hrda().eval()
    images, label, weight = batch((64, 96))
    found = {}
    for seed in (0, 1 if change == 'corner' else 0):
        np.random.seed(seed)
        losses = network.loss(images, samples_of(label))
        found[len(found)] = (float(losses['decode.loss_ce']), network.encode_decode(images, []))
        if change == 'share':
            network.detail_weight = SHARE + 1e-6
        elif change == 'attention':
            network.scale_attention.convs[0].bias.data[1] += 1e-2
        elif change == 'context':
            images = images + 1e-3 * torch.eye(96, dtype=torch.float64)[:64]
    assert found[0][0] != pytest.approx(found[1][0], rel=100 * TOLERANCE)
    assert (distance(found[1][1], found[0][1]) > 100 * TOLERANCE) == (change in ('attention', 'context'))


def test_corners_are_divisible_and_all_are_possible() -> None:
    corners = draw_corners(3000, (64, 40), (32, 24), 8, np.random.default_rng(0))
    counts = Counter(corners)
    assert set(counts) == {(top, left) for top in range(0, 33, 8) for left in range(0, 17, 8)}
    assert min(counts.values()) > 140  # of 200 on average
    assert draw_corners(2, (32, 24), (32, 24), 8, np.random.default_rng(0)) == [(0, 0), (0, 0)]


def test_windows_overlap_by_half_and_end_at_the_border() -> None:
    assert window_corners((1024, 1024), (512, 512), 8) == [(top, left) for top in (0, 256, 512)
                                                           for left in (0, 256, 512)]
    assert window_corners((64, 72), (64, 32), 8) == [(0, 0), (0, 16), (0, 32), (0, 40)]
    assert window_corners((24, 24), (24, 24), 8) == [(0, 0)]


def test_draws_come_from_the_seed_of_the_iteration_and_differ_between_images() -> None:
    network = build_hrda('DAFormer')
    images, *_ = batch((64, 96), count=6)
    drawn = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        with torch.no_grad():
            drawn.append(network.training_outputs(images).detail.corners)
    assert drawn[0] == drawn[1] != drawn[2] and len(set(drawn[0])) > 1


def test_it_trains_and_predicts_in_plain_mmsegmentation() -> None:
    torch.manual_seed(0)
    slide = dict(mode='slide', crop_size=(32, 48), stride=(16, 16))
    for test_cfg in (dict(mode='whole'), slide):
        model = MODELS.build(ConfigDict(HRDA['DAFormer'], test_cfg=test_cfg)).eval()
        sample = model.test_step(one_image())[0]
        assert sample.pred_sem_seg.data.shape == (1, 48, 64)
        image = model.data_preprocessor(one_image(), False)['inputs']
        logits = model.encode_decode(image, [])
        assert torch.allclose(sample.seg_logits.data, logits[0], atol=1e-5) == (test_cfg is not slide)
    assert model(image, mode='tensor').shape == (1, 3, 12, 16)


def test_the_attention_decides_where_the_detail_is_seen() -> None:
    network = build_hrda().eval()
    images, *_ = batch((64, 96))
    for bias, zeroed in ((50., 'context'), (-50., 'detail')):
        network.scale_attention.convs[0].bias.data[:] = bias
        before = network.encode_decode(images, [])
        context_cells = (images.shape[2] // 16, images.shape[3] // 16)
        with_other = network.decode_head.register_forward_hook(
            lambda _, args, output, cells=context_cells, which=zeroed:
            output * float((tuple(output.shape[2:]) == cells) != (which == 'context')))
        assert distance(network.encode_decode(images, []), before) < 1e-6
        with_other.remove()


# Mistakes


@pytest.mark.parametrize(('options', 'message'), [
    (dict(detail_size=40), 'detail_size=40: give a number, or height and width, divisible by divisor=16'),
    (dict(detail_size=(32, 0)), r'detail_size=\(32, 0\): give'),
    (dict(detail_size=(32, 32, 32)), r'detail_size=\(32, 32, 32\): give'),
    (dict(detail_weight=1.1), r'detail_weight=1.1: it must be in \[0, 1\]'),
    (dict(downscale=1), 'downscale=1 and divisor=16'),
    (dict(downscale=3), 'downscale=3 and divisor=16'),
])
def test_impossible_options_are_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f'HRDAEncoderDecoder: {message}'):
        build_hrda(**options)


def train(network: nn.Module, size: Tuple[int, int]) -> None:
    network.train().training_outputs(batch(size)[0])


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r'detail_size=\(32, 32\), but the images in training are 16 x 64 .* crop of'):
        train(build_hrda(), (16, 64))
    with pytest.raises(ValueError, match=r'the images in training are 40 x 64 .*must be divisible by divisor=16'):
        train(build_hrda(), (40, 64))
    with pytest.raises(ValueError, match='an image of 15 x 64 pixels .* is smaller than divisor=16'):
        build_hrda().eval().encode_decode(batch((15, 64))[0], [])
    for act in (train, lambda network, size: network.eval().encode_decode(batch(size)[0], [])):
        with pytest.raises(ValueError, match='logits of 4 x 4 cells, so that a cell has 16 x 16 pixels, which does not '
                                             'divide divisor=8. Set divisor'):
            act(build_hrda(divisor=8), (64, 64))
    stem = dict(RESNET, strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1))  # at stride 32: half a cell is rounded up
    with pytest.raises(ValueError, match='48 x 48 pixels .* have logits of 1 x 1 cells, so that a cell has 48 x 48'):
        train(build_hrda(backbone=stem), (48, 48))
