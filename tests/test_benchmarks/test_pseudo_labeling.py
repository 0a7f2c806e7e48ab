"""The benchmark of pseudo-labels, on a tiny teacher."""
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pseudo_labeling
import pytest
import torch

NORM = dict(type='BN')


@pytest.fixture
def tiny() -> Dict[str, Any]:
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                    dilations=(1, 1, 2, 4), norm_cfg=NORM)
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=19, norm_cfg=NORM)
    return dict(type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3,
                                                              std=[60.] * 3),
                backbone=backbone, decode_head=head, train_cfg=dict(), test_cfg=dict(mode='whole'))  # yapf: disable


def test_throughput_of_files_of_the_teacher_and_of_single_views(tiny: Dict[str, Any],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo_labeling, 'WORKERS', 0)
    rows = [row for reference in pseudo_labeling.REFERENCES for row in pseudo_labeling.throughput(
        tiny, files=3, size=(64, 32), seen=(32, 16), rounds=1, reference=reference)]
    assert [row['name'] for row in rows] == ['pseudo-labels of 3 files 64x32, seen at 32x16, 3 views, images/s'] * 2
    assert all(row['value'] > 0 and row['ratio'] > 0 for row in rows)
    assert 'bare forward' in rows[0]['against'] and 'at a time' in rows[1]['against']


def test_all_compute_the_same(tiny: Dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo_labeling, 'WORKERS', 0)
    monkeypatch.setattr(pseudo_labeling, 'DRAWN', 2)
    model = pseudo_labeling.build(tiny)
    images = pseudo_labeling.images_of(str(tmp_path / 'data'), 5, (64, 32), (32, 16))
    assert len(images) == 5
    whole = pseudo_labeling.Files(model, images, str(tmp_path))
    single = pseudo_labeling.OneByOne(model, images, str(tmp_path))
    for _ in range(2):  # nothing is left of the first call that would spare the second its work
        whole()
    single()
    assert 'inference' not in vars(model)
    sets = [{str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob('*.png')}
            for name in ('0', '1', 'single_0')]
    assert len(sets[0]) == 10 and sets[0] == sets[1] == sets[2]
    bare = pseudo_labeling.Bare(model, images)
    assert sum(len(batch['inputs']) for batch in bare.batches) == 15
    plain = bare.model.data_preprocessor(dict(inputs=[images[1]['inputs']], data_samples=[images[1]['data_samples']]))
    assert torch.equal(bare.batches[0]['inputs'][3], plain['inputs'][0])  # three views of the first image before it


def test_disk() -> None:
    row = pseudo_labeling.disk((256, 128), (32, 16))
    assert row['value'] > 0 and 0.5 < row['ratio'] < 1.2
    assert len(pseudo_labeling.pillow_png(np.zeros((4, 4), np.uint8))) > 8
