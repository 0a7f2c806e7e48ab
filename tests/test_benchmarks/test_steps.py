"""The benchmarks of students, of large networks, of hooks, and of how time grows, on tiny networks."""
from typing import Dict, Iterator, Sequence, Tuple

import channels_last
import fast_conv
import large_steps
import many_images
import online_training
import pytest
import scaling
import student_step
import torch
from measuring import Cost

NORM = dict(type='BN')
TINY = 'tiny'


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    segmentor = online_training.daformer(8, (1, 1, 1, 1))
    segmentor['decode_head'].update(channels=8, embed_channels=8)
    monkeypatch.setitem(online_training.NETWORKS, TINY, lambda: segmentor)
    monkeypatch.setattr(scaling, 'NETWORK', TINY)


def test_a_student_has_twice_the_gradients_of_mmsegmentation() -> None:
    assert 0 < student_step.agreement(TINY)['value'] < 1e-4


def test_student_rows() -> None:
    rows = student_step.speed(TINY, (32, 64), rounds=1)
    endings = ['2 + 2 images, s', 'FastConvHook, s', 'FastConvHook, one forward pass, s']
    assert all(row['name'].endswith(ending) for row, ending in zip(rows, endings)) and len(rows) == 3
    assert all(row['value'] > 0 and row['ratio'] > 0 for row in rows)


def test_fast_convolutions_give_the_same_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_conv, 'SIZE', (32, 32))
    cfg = dict(fast_conv.NETWORK, backbone=dict(fast_conv.BACKBONE, widen_factor=0.1),
               decode_head=dict(fast_conv.HEAD, in_channels=32, channels=4))
    assert fast_conv.agreement(cfg)['value'] == 0
    assert fast_conv.speed(False, '', 1, cfg)['ratio'] > 0


def test_channels_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels_last.NETWORKS, TINY, online_training.NETWORKS[TINY])
    row, = channels_last.speed(TINY, (32, 64), rounds=1)
    assert row['name'] == 'ChannelsLastHook, tiny, 4 images of 64x32, s' and row['ratio'] > 0


def test_time_is_divided_by_the_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, 'costs', lambda steps, rounds: [Cost([2.0], [2.0]), Cost([6.0], [8.0])])
    row, = scaling.per_unit('step', 'image', {'1 image': (1, print), '4 images': (4, print)}, 'ratio <= 1')
    assert row['name'] == 'step: 4 images, s a image' and row['value'] == 1.5
    assert row['ratio'] == 0.75 and row['cpu_ratio'] == 1 and row['against'] == '1 image: 2'


def test_classes_and_batches() -> None:
    few, theirs = scaling.classes((19, 20), (32, 32), 1)
    assert '20 classes' in few['name'] and few['against'].startswith('19 classes') and theirs['ratio'] > 0
    assert [row['against'].split(':')[0] for row in scaling.batches((1, 2), (32, 32))] == ['1 + 1 images']


def test_memory_over_the_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def each(count: int, names: Sequence[str]) -> Iterator[Tuple[str, Dict[str, float]]]:
        for name in names:
            yield name, dict(seconds=count / 100, worker=20 + count / 1000, growth=0.5, kept=count / 2000)

    monkeypatch.setattr(many_images, 'each', each)
    rows = many_images.loading_memory((1000, 2000))
    assert len(rows) == 4 * len(many_images.CHOSEN)
    worker, growth, kept, start = rows[:4]
    assert worker['ratio'] == pytest.approx(22 / 21) and '1,000 images: 21' in worker['against']
    assert growth['value'] == 0.5 and kept['value'] == 500 and start['value'] == 20


def test_large_steps_need_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bool(large_steps.parts()) == torch.cuda.is_available()
    monkeypatch.setattr(large_steps, 'peak_of', lambda make: (make(), 1.5))
    rows = large_steps.student_steps(TINY, (32, 64), 1) + large_steps.online_steps(TINY, (32, 64), 1)
    assert len(rows) == 6 and all(row['peak_gb'] == 1.5 and row['images_per_second'] > 0 for row in rows)
    assert all('peak 1.50 GB' in row['against'] for row in rows)
    monkeypatch.setattr(large_steps, 'DEVICE', 'cuda')
    assert list(large_steps.parts())[0] == 'adversarial, ResNet-101 640x360'
