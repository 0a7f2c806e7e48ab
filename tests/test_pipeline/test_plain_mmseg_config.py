"""Domain CutMix in a plain MMSegmentation config: its own model, loaders, loop and sampler."""
from pathlib import Path
from typing import List

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from small_data import write_image

CONFIG = '''
custom_imports = dict(imports=['udas_mmseg'])
default_scope = 'mmseg'
work_dir = 'work'
log_level = 'WARNING'
randomness = dict(seed=0)
classes = dict(classes=('road', 'sidewalk', 'building'), palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]])
norm = dict(type='BN')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[0, 0, 0], std=[255, 255, 255], size=(64, 128)),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm),
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, num_classes=3, norm_cfg=norm),
    test_cfg=dict(mode='whole'))
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='RandomCrop', crop_size=(64, 128))]
prefix = dict(img_path='images', seg_map_path='labels')
train_dataloader = dict(
    batch_size=4,
    num_workers=WORKERS,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='DomainMixDataset',
        dataset=dict(type='BaseSegDataset', metainfo=classes, data_root='source', data_prefix=prefix, pipeline=load,
                     img_suffix='.png'),
        target=dict(type='CityscapesDataset', metainfo=classes, data_root='target', data_prefix=prefix, pipeline=load),
        pipeline=[MIXING, dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
'''


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images whose brightness is 100 times the label, up to noise; 0 | 1 in the source and 2 in the target."""
    folders = (('source', [0, 1], '.png', '.png'), ('target', [2, 2], '_leftImg8bit.png', '_gtFine_labelTrainIds.png'))
    rng = np.random.default_rng(0)
    for root, classes, image, label in folders:
        pixels = np.repeat(np.array(classes, np.uint8), 80) * np.ones((80, 1), np.uint8)
        for name in 'abcde':
            noise = rng.integers(0, 50, (80, 160, 3), dtype=np.uint8)
            write_image(tmp_path / root / 'images' / (name + image), 100 * pixels[..., None] + noise)
            write_image(tmp_path / root / 'labels' / (name + label), pixels)
    monkeypatch.chdir(tmp_path)  # MMEngine takes many seconds to print a config with long paths in it
    return tmp_path


def load(data: Path, mixing: str, workers: int) -> Config:
    (data / 'plain.py').write_text(CONFIG.replace('MIXING', mixing).replace('WORKERS', str(workers)))
    cfg = Config.fromfile('plain.py')
    cfg.experiment_name = data.name  # MMEngine hands out what has the same name again
    return cfg


@pytest.mark.parametrize(('mixing', 'workers'), [
    ("dict(type='DomainCutMix', lam=0.5)", 0),
    ("dict(type='DomainCutMix')", 2),
    ("dict(type='DomainClassMix')", 0),
])
def test_it_trains_on_mixed_samples(data: Path, mixing: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner.from_cfg(load(data, mixing, workers))
    before = {name: parameter.detach().clone() for name, parameter in runner.model.named_parameters()}
    batches: List[dict] = []
    step = runner.model.train_step
    monkeypatch.setattr(runner.model, 'train_step',
                        lambda batch, optim_wrapper: batches.append(batch) or step(batch, optim_wrapper))
    runner.train()
    stuck = [name for name, parameter in runner.model.named_parameters() if torch.equal(parameter, before[name])]
    assert all('bn' in name for name in stuck), stuck  # 1 + a tiny gradient may be 1
    shares = []
    for batch in batches:
        for image, sample in zip(batch['inputs'], batch['data_samples']):
            assert image.shape == (3, 64, 128)
            assert torch.equal(image // 100, sample.gt_sem_seg.data.expand(3, -1, -1))
            shares.append((sample.gt_sem_seg.data == 2).float().mean().item())
    assert len(batches) == 2 and len(shares) == 8
    assert sum(0 < share < 1 for share in shares) >= 6 and len(set(shares)) >= 6  # a box may be empty
