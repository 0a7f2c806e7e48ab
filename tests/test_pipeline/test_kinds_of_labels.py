"""The demo's labels as ids, colours, palettes and masks: training and scores are the same, digit for digit."""
import json
import os
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.datasets import CityscapesDataset
from PIL import Image

from adversarial_models import RESNET
from forked_python import run_python
from small_data import write_demo_data
from tiny_runs import same_weights, train
from udas_mmseg.datasets.label_maps import BUILT_IN_LABEL_MAPS
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
CLASSES = tuple(CityscapesDataset.METAINFO['classes'])
PALETTE = np.array([*CityscapesDataset.METAINFO['palette'], *[(0, 0, 0)] * 237], np.uint8)  # train id -> colour
TRAIN_IDS = BUILT_IN_LABEL_MAPS['cityscapes']
COLORS = {**{tuple(color): train for train, color in enumerate(PALETTE[:19].tolist())}, (0, 0, 0): 255}
ROAD = {raw: int(train == 0) for raw, train in TRAIN_IDS.items()}  # two classes: others, road

CONFIG = '''
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
randomness = dict(seed=3)
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
norm = dict(type='BN')
model = dict(
    type='EncoderDecoder', data_preprocessor=dict(type='DomainDataPreProcessor', mean=[100.] * 3, std=[50.] * 3),
    backbone={backbone},
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=16, num_classes={num_classes},
                     norm_cfg=norm, dropout_ratio=0),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
dataset = dict(type='LabelMappedDataset', data_root={data!r}, metainfo=dict(classes={classes}), label_map={label_map},
               seg_map_suffix={suffix!r}, data_prefix=dict(img_path='images', seg_map_path={folder!r}))
load, pack = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')], dict(type='PackSegInputs')
crop = [dict(type='RandomCrop', crop_size=(48, 96)), dict(type='RandomFlip', prob=0.5), pack]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='PositionSampler'),
    dataset=dict(type='StreamDataset', dataset=dict(dataset, pipeline=[*load, *crop])))
test_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, test_mode=True, pipeline=[*load, pack]))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
train_cfg = dict(type='PositionTrainLoop', max_iters=2, val_interval=1000)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='SubsetIoUMetric')
'''


def palette_of(ids: np.ndarray) -> Image.Image:
    image = Image.fromarray(ids, mode='P')
    image.putpalette(PALETTE.ravel().tolist())
    return image


def train_ids(ids: np.ndarray) -> np.ndarray:
    return np.array([TRAIN_IDS[raw] for raw in range(35)], np.uint8)[ids]


def is_road(ids: np.ndarray) -> np.ndarray:
    return ids == 7


# name -> suffix, picture of the Cityscapes label ids, label_map
ALL: Dict[str, Any] = dict(
    ids=('.png', Image.fromarray, 'cityscapes'),
    train_ids=('.png', lambda ids: Image.fromarray(train_ids(ids)), None),
    colours=('.png', lambda ids: Image.fromarray(PALETTE[train_ids(ids)]), COLORS),
    palette_tiff=('.tif', palette_of, 'cityscapes'),
    colours_of_a_palette_tiff=('.tif', lambda ids: palette_of(train_ids(ids)), COLORS))
TWO: Dict[str, Any] = dict(
    ids=('.png', Image.fromarray, ROAD),
    one_bit=('.png', lambda ids: Image.fromarray(is_road(ids)), None),
    one_bit_tiff=('.tif', lambda ids: Image.fromarray(is_road(ids)), {0: 0, 1: 1}),
    mask_255=('.png', lambda ids: Image.fromarray(is_road(ids) * np.uint8(255)), {0: 0, 255: 1}))
GROUPS = dict(all_classes=(ALL, CLASSES), two_classes=(TWO, ('other', 'road')))


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's simulated scenes, with a folder of labels for each kind."""
    root = write_demo_data(tmp_path_factory.mktemp('demo'), train=4, val=0) / 'gta5'
    for group, (kinds, _) in GROUPS.items():
        for kind, (suffix, picture, _) in kinds.items():
            (root / group / kind).mkdir(parents=True)
            for path in (root / 'labels').iterdir():
                picture(np.array(Image.open(path))).save(root / group / kind / f'{path.stem}{suffix}')
    return root


@pytest.fixture
def config(data: Path, tmp_path: Path) -> Callable[[str, str], Config]:

    def make(group: str, kind: str) -> Config:
        kinds, classes = GROUPS[group]
        suffix, _, label_map = kinds[kind]
        path = tmp_path / f'{kind}.py'
        path.write_text(CONFIG.format(backbone=RESNET, num_classes=len(classes), classes=classes, data=str(data),
                                      folder=f'{group}/{kind}', suffix=suffix, label_map=repr(label_map)))
        return load_config(str(path), str(tmp_path / kind))

    return make


def scores(config: Path, checkpoint: Path) -> str:
    """Metrics of `tools/test.py`, as it writes them."""
    out = config.with_suffix('.json')
    done = run_python(str(ROOT / 'tools/test.py'), str(config), str(checkpoint), '--json', str(out), '--work-dir',
                      str(config.with_suffix('')), env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert done.returncode == 0, done.stdout + done.stderr
    return out.read_text()


@pytest.mark.parametrize('group', GROUPS)
def test_training_and_scores_do_not_depend_on_the_kind_of_label_file(config: Callable, tmp_path: Path,
                                                                      group: str) -> None:
    kinds = list(GROUPS[group][0])
    runs = {kind: train(config(group, kind)) for kind in kinds}
    checkpoint = shutil.copy(tmp_path / 'ids/iter_2.pth', tmp_path / 'fixed.pth')
    found = {kind: scores(tmp_path / f'{kind}.py', checkpoint) for kind in kinds}
    assert all(same_weights(runs['ids'], runs[kind]) for kind in kinds)
    assert set(found.values()) == {found['ids']}, found
    counted = [name for name, value in json.loads(found['ids']).items() if name.startswith('IoU/') and value > 0]
    assert len(counted) >= 2, found['ids']  # the network does not predict one class everywhere
