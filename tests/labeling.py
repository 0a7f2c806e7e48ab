"""Calling `tools/pseudo_label.py` on small data."""
import runpy
import sys
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.registry import MODELS

from small_data import write_image

TOOL = str(Path(__file__).parents[1] / 'tools/pseudo_label.py')
CONFIG = '''
custom_imports = dict(imports=['udas_mmseg'])
default_scope = 'mmseg'
norm = dict(type='BN')
metainfo = dict(classes=('road', 'sidewalk', 'building'))
segmentor = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=dict(type='DomainDataPreProcessor', mean=[120., 110, 100], std=[60., 50, 55], bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                  dilations=(1, 1, 2, 4), norm_cfg=norm, init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth')),
    decode_head=dict(type='DeepLabV2Head', in_channels=32, in_index=3, num_classes=3, align_corners=True),
    auxiliary_head=dict(type='DeepLabV2Head', in_channels=16, in_index=2, num_classes=3),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
discriminators = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=4))
model = dict(type='AdversarialSegmentor', segmentor=segmentor, discriminators=discriminators)
test_pipeline = [dict(type='LoadVerifiedImage'), dict(type='Resize', scale=(48, 32), keep_ratio=False),
                 dict(type='LoadLabelIds', label_map='cityscapes'), dict(type='PackSegInputs')]
target_train = dict(
    type='CityscapesDataset', metainfo=metainfo, data_root='data', data_prefix=dict(img_path='leftImg8bit/train'),
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='RandomFlip', prob=1.0), dict(type='PackSegInputs')])
labeled_target_train = dict(
    type='CityscapesDataset', metainfo=metainfo, data_root='data',
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'), pipeline=test_pipeline)
test_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CityscapesDataset', metainfo=metainfo, data_root='data', test_mode=True, pipeline=test_pipeline,
                 data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val')))
'''
NAMES = ['bremen/bremen_0_leftImg8bit.png', 'bremen/bremen_1_leftImg8bit.png', 'ulm/ulm_0_leftImg8bit.png']


def save_checkpoint(path: str, seed: int) -> None:
    torch.manual_seed(seed)
    model = MODELS.build(ConfigDict(Config.fromfile('mine.py').to_dict()['model']))
    for parameter in model.segmentor.decode_head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    pixels = cv2.imread(f'data/leftImg8bit/train/{NAMES[0]}')[:32, :48, ::-1].transpose(2, 0, 1).copy()
    logits = model.eval()((torch.from_numpy(pixels)[None].float() - 110) / 55)[0]  # of the main head
    model.segmentor.decode_head.convs[0].bias.data -= logits.mean(dim=(0, 2, 3))  # so that several classes occur
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=1), message_hub=dict()), path)


def write_work(root: Path) -> None:
    """Images, labels that cannot be read, a config and the checkpoint of a model of random weights, for `chdir`."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        noise = cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (60, 40), interpolation=cv2.INTER_CUBIC)
        write_image(root / 'data/leftImg8bit/train' / name, noise)
        label = root / 'data/gtFine/train' / name.replace('_leftImg8bit', '_gtFine_labelTrainIds')
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(b'must not be opened')
    (root / 'mine.py').write_text(CONFIG)


def label(*arguments: str, workers: int = 0, views: int = 1) -> None:
    """The tool, without the time that a new process takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['pseudo_label.py', *arguments, '--workers', str(workers), '--views',
                                    str(views)])
        runpy.run_path(TOOL, run_name='__main__')


def error_of(*arguments: str, **options: int) -> str:
    with pytest.raises(SystemExit) as caught:
        label(*arguments, **options)
    return str(caught.value)


def read(folder: Path) -> List[np.ndarray]:
    return [cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for name in NAMES]


def files_of(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
