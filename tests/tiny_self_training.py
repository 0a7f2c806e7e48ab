"""A tiny run of self-training: its data, its configs, and how to start it.

The configs leave out what the run fills in: `num_classes`, `translated_root` and `pseudo_label_root`.
"""
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List

from forked_python import run_python
from small_data import write_demo_data
from udas_mmseg.engine.launch import load_config
from udas_mmseg.self_training import SelfTrainingRunner

ROOT = Path(__file__).parents[1]

BASE = '''
data = {data!r}
iters = {iters}
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
randomness = dict(seed=0)
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval={save_every}, max_keep_ckpts=2,
                    backend_args=dict(backend='atomic')))
custom_hooks = [dict(type='CheckFiniteLossHook')]
train_cfg = dict(type='PositionTrainLoop', max_iters=iters, val_interval=1000)
'''

DATA = '''
val_cfg = dict(type='ValLoop')
crop = [dict(type='RandomCrop', crop_size=(32, 64)), dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]
load = [dict(type='LoadVerifiedImage')]
test_pipeline = [*load, dict(type='LoadLabelIds', label_map='cityscapes'), dict(type='PackSegInputs')]
source_train = dict(
    type='GTA5Dataset', data_root=f'{_base_.data}/gta5', ann_file='train.txt',
    data_prefix=dict(img_path='images', seg_map_path='labels'), pipeline=[*load, dict(type='LoadLabelIds'), *crop])
target_train = dict(
    type='CityscapesDataset', data_root=f'{_base_.data}/cityscapes', data_prefix=dict(img_path='leftImg8bit/train'),
    pipeline=[*load, *crop])
labeled_target_train = dict(
    type='CityscapesDataset', data_root=f'{_base_.data}/cityscapes', seg_map_suffix='_gtFine_labelIds.png',
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'), pipeline=test_pipeline)
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset', metainfo='CityscapesDataset', data_root=f'{_base_.data}/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/train'), img_suffix='_leftImg8bit.png',
    pipeline=[*load, dict(type='LoadPseudoLabel', threshold=0.05), *crop])
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(labeled_target_train, test_mode=True,
                 data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val')))
val_evaluator = dict(type='SubsetIoUMetric')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
test_cfg = dict(type='TestLoop')
norm = dict(type='BN')
head = dict(type='DeepLabV2Head', dilations=(2, 3))
segmentor = dict(
    type='MultiLevelEncoderDecoder', data_preprocessor=dict(type='DomainDataPreProcessor'),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                  dilations=(1, 1, 2, 4), norm_cfg=norm),
    decode_head=dict(head, in_channels=32, in_index=3), auxiliary_head=dict(head, in_channels=16, in_index=2),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
loader = dict(batch_size=2, num_workers=1, sampler=dict(type='PositionSampler'))
'''

ADAPT = f'''_base_ = './base.py'
{DATA}
model = dict(
    type='AdversarialSegmentor', segmentor=segmentor,
    discriminators=dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=2)))
train_dataloader = dict(loader, dataset=dict(type='DomainPairDataset', source=source_train, target=target_train))
optim_wrapper = dict(
    constructor='PerChildOptimWrapperConstructor', segmentor=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9)),
    discriminators=dict(optimizer=dict(type='Adam', lr=1e-3)))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
'''

STUDENT = f'''_base_ = './base.py'
{DATA}
model = dict(type='StudentTeacherSegmentor', segmentor=segmentor)
train_dataloader = dict(
    loader, dataset=dict(type='DomainPairDataset', source=source_train, pseudo_labeled=pseudo_labeled_train))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
test_evaluator = dict(val_evaluator, groups=dict(pattern=r'/([a-z]+)_[0-9]+_'))
'''

CYCLEGAN = '''_base_ = './base.py'
custom_imports = dict(imports=['udas_mmseg.translation'], allow_failed_imports=False)
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
pipeline = [load, dict(type='RandomCrop', crop_size=(32, 64)), pack]
source = dict(type='GTA5Dataset', data_root=f'{_base_.data}/gta5', ann_file='train.txt',
              data_prefix=dict(img_path='images'), pipeline=[load, pack])
target = dict(type='CityscapesDataset', data_root=f'{_base_.data}/cityscapes',
              data_prefix=dict(img_path='leftImg8bit/train'), pipeline=pipeline)
norm = dict(type='IN')
adam = dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
model = dict(
    type='DomainCycleGAN', buffer_size=2,
    generator=dict(type='ResnetGenerator', in_channels=3, out_channels=3, base_channels=2, num_blocks=1, norm_cfg=norm),
    discriminator=dict(type='PatchDiscriminator', in_channels=3, base_channels=2, num_conv=1, norm_cfg=norm))
train_dataloader = dict(
    batch_size=1, num_workers=1, sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', source=dict(source, pipeline=pipeline), target=target))
translate_dataloader = dict(batch_size=2, num_workers=1, dataset=source)
optim_wrapper = dict(constructor='PerChildOptimWrapperConstructor', generators=adam, discriminators=adam)
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
default_hooks = dict(translator=dict(type='TranslatorCheckpointHook'))
'''

SSL = '''
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
runner_type = 'SelfTrainingRunner'
randomness = dict(seed=0)
self_training = dict(
    rounds=2,
    keep='last',
    stages=dict(after=('export',)),
    translate=dict(config='{{fileDirname}}/cyclegan.py'),
    adapt=dict(config='{{fileDirname}}/adapt.py'),
    label=dict(views=2, batch_size=2, workers=1, min_coverage=0, max_class_share=1),
    student=dict(config='{{fileDirname}}/student.py', init='teacher'),
    export=dict(num_images=1))
'''


def write_configs(folder: Path, iters: int = 6, train: int = 6, save_every: int = 2) -> Path:
    """Generated data and the configs of all stages; the path of the config that runs them."""
    data = write_demo_data(folder / 'data', train=train)
    (folder / 'base.py').write_text(BASE.format(data=str(data), iters=iters, save_every=save_every))
    for name, text in (('adapt', ADAPT), ('student', STUDENT), ('cyclegan', CYCLEGAN), ('ssl', SSL)):
        (folder / f'{name}.py').write_text(text)
    return folder / 'ssl.py'


def command(config: Path, work_dir: Path, *more: str) -> List[str]:
    return [str(ROOT / 'tools/train.py'), str(config), '--work-dir', str(work_dir), *more]


def run(config: Path, work_dir: Path, *more: str) -> subprocess.CompletedProcess:
    return run_python(*command(config, work_dir, *more), env={**os.environ, 'OMP_NUM_THREADS': '1'})


def stages(work_dir: Path) -> Dict[str, dict]:
    """Return the manifest's entry of each stage of a run."""
    return json.loads((work_dir / 'manifest.json').read_text())['stages']


def runner(config: Path, work_dir: Path, **options: Any) -> SelfTrainingRunner:
    """The runner of a config, with options over `self_training`."""
    cfg = load_config(str(config), str(work_dir), {f'self_training.{key}': value for key, value in options.items()})
    return SelfTrainingRunner.from_cfg(cfg)
