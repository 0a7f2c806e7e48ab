"""Calling `tools/translate.py` on small data."""
import runpy
import sys
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from tiny_translator import DISCRIMINATOR, GENERATOR

TOOL = str(Path(__file__).parents[1] / 'tools/translate.py')
CONFIG = f'''
custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])
default_scope = 'mmseg'
generator = {GENERATOR}
discriminator = {DISCRIMINATOR}
model = dict(
    type='DomainCycleGAN', generator=generator, discriminator=discriminator,
    data_preprocessor=dict(mean=[120., 110., 100.], std=[60., 50., 55.], output_channel_order='RGB'),
    # only training needs it, and here it cannot be built
    semantic_consistency=dict(config='nowhere.py', checkpoint='nowhere.pth'))
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
pipeline = [load, dict(type='Resize', scale=(24, 12), keep_ratio=True), pack]
images = dict(type='LabelMappedDataset', pipeline=pipeline)
# there is no such folder of labels: they are not even listed
source = dict(images, data_root='source', data_prefix=dict(img_path='images', seg_map_path='nowhere'),
              translated_root='translated_before', pipeline=[load, dict(type='LoadLabelIds'), *pipeline[1:]])
target = dict(images, data_root='target', data_prefix=dict(img_path='images'))
train_dataloader = dict(dataset=dict(type='DomainPairDataset', source=source, target=target))
translate_dataloader = dict(batch_size=4, num_workers=0, dataset=source)
'''
SEGMENTOR = '''
custom_imports = dict(imports=['udas_mmseg'])
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4,
                  init_cfg=dict(type='Pretrained', checkpoint='backbone.pth')),
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=3))
'''
# width and height in turns: one batch of four has both
SIZES = ((32, 16), (20, 24))
IMAGES = [f'{town}/{number}.png' for town, number in zip(['aachen/old'] * 3 + ['bonn'] * 3 + ['ulm'] * 4, range(10))]
UNSEEN = (2, 7)  # by the look at the data before the start, which reads 8 of 10


def build_model() -> torch.nn.Module:
    return MODELS.build({**Config.fromfile('mine.py').model, 'semantic_consistency': None}).eval()


def save_checkpoint(path: str, seed: int, **image_format: object) -> None:
    torch.manual_seed(seed)
    model = build_model()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    meta = dict(image_format={**model.image_format, **image_format})
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)


def translate(*arguments: str, config: str = 'mine.py', checkpoint: str = 'trained.pth') -> None:
    """The tool, without the time that a new process takes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the processes that are started below
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, 'argv', ['translate.py', config, checkpoint, *arguments])
            runpy.run_path(TOOL, run_name='__main__')
    finally:
        torch.set_num_threads(threads)


def error_of(*arguments: str, **files: str) -> str:
    with pytest.raises(SystemExit) as caught:
        translate(*arguments, **files)
    return str(caught.value)


def files_of(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def times_of(folder: Path) -> Dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob('*.png')}


def expected_translations(batch_size: int = 4) -> List[np.ndarray]:
    """What the model makes of the images of each batch that are of one size, enlarged to the size of the originals."""
    model, found = build_model(), {}
    model.load_state_dict(torch.load('trained.pth')['state_dict'])
    originals = [cv2.imread(f'source/images/{name}') for name in IMAGES]
    for first in range(0, len(IMAGES), batch_size):
        for parity in (0, 1):
            members = [number for number in range(first, min(first + batch_size, len(IMAGES))) if number % 2 == parity]
            small = (24, 12) if parity == 0 else (12, 14)
            batch = np.stack([cv2.resize(originals[number], small) for number in members]).transpose(0, 3, 1, 2)
            found.update(zip(members, model.translate(torch.from_numpy(batch.copy())).numpy().transpose(0, 2, 3, 1)))
    return [cv2.resize(found[number], SIZES[number % 2], interpolation=cv2.INTER_CUBIC) for number in sorted(found)]
