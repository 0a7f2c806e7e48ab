"""Labelling the target's images with a trained model."""
import errno
import json
import runpy
import sys
from pathlib import Path
from typing import Callable, List

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.apis import inference_model
from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS, MODELS

from small_data import write_image
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.atomic_backend import AtomicLocalBackend
from udas_mmseg.engine.export_files import build_original
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
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


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, labels that cannot be read, a config and the checkpoint of a model of random weights."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        noise = cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (60, 40), interpolation=cv2.INTER_CUBIC)
        write_image(tmp_path / 'data/leftImg8bit/train' / name, noise)
        label = tmp_path / 'data/gtFine/train' / name.replace('_leftImg8bit', '_gtFine_labelTrainIds')
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(b'must not be opened')
    (tmp_path / 'mine.py').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    return tmp_path


def save_checkpoint(path: str, seed: int) -> None:
    torch.manual_seed(seed)
    model = MODELS.build(ConfigDict(Config.fromfile('mine.py').to_dict()['model']))
    for parameter in model.segmentor.decode_head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    pixels = cv2.imread(f'data/leftImg8bit/train/{NAMES[0]}')[:32, :48, ::-1].transpose(2, 0, 1).copy()
    logits = model.eval()((torch.from_numpy(pixels)[None].float() - 110) / 55)[0]  # of the main head
    model.segmentor.decode_head.convs[0].bias.data -= logits.mean(dim=(0, 2, 3))  # so that several classes occur
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=1), message_hub=dict()), path)


@pytest.fixture
def label(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The tool, without the time that a new process takes."""

    def call(*arguments: str, workers: int = 0) -> None:
        monkeypatch.setattr(sys, 'argv', ['pseudo_label.py', *arguments, '--workers', str(workers)])
        runpy.run_path(str(ROOT / 'tools/pseudo_label.py'), run_name='__main__')

    return call


def read(folder: Path) -> List[np.ndarray]:
    return [cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for name in NAMES]


@pytest.mark.parametrize('dataset, workers', [('target_train', 2), ('labeled_target_train', 0)])
def test_labels_are_the_predictions_at_the_size_of_the_images(work: Path, label: Callable, dataset: str, workers: int,
                                                              capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels', '--dataset', dataset, workers=workers)
    printed = capsys.readouterr()
    assert '3 images; pixels in percent:' in printed.out and '3/3 images, 0:00:00 left' in printed.err
    assert not (work / 'labels.part').exists()
    cfg = load_config('mine.py')
    model = build_original(cfg, torch.load('trained.pth')['state_dict'])
    model.cfg = Config(dict(test_pipeline=[step for step in cfg.test_pipeline if step.type != 'LoadLabelIds']))
    counts = np.zeros(3, int)
    for name, found in zip(NAMES, read(work / 'labels')):
        expected = inference_model(model, f'data/leftImg8bit/train/{name}')
        assert found.shape == (40, 60) and found.dtype == np.uint8
        assert np.array_equal(found, expected.pred_sem_seg.data[0].numpy())
        confidence = cv2.imread(f'labels/{name[:-4]}_confidence.png', cv2.IMREAD_UNCHANGED)
        highest = expected.seg_logits.data.softmax(dim=0).amax(dim=0).numpy()
        assert np.abs(confidence - highest * 255).max() <= 1.001 and confidence.std() > 0
        counts += np.bincount(found.ravel(), minlength=3)
    assert (counts > 0).sum() > 1, 'one class alone shows little'
    index = json.loads((work / 'labels/index.json').read_text())
    assert index['teacher']['config'] == 'mine.py' and index['teacher']['checkpoint'] == 'trained.pth'
    assert len(index['teacher']['sha256']) == 64
    assert index['num_images'] == 3 and index['views'] == 1
    assert list(index['class_share'].values()) == pytest.approx(counts / counts.sum(), abs=1e-5)


def test_stage_2_finds_the_labels(work: Path, label: Callable) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels')
    dataset = dict(
        type='CityscapesDataset', metainfo=load_config('mine.py').metainfo, seg_map_suffix='_leftImg8bit.png',
        data_prefix=dict(img_path='data/leftImg8bit/train', seg_map_path='labels'),
        pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')])
    assert 'CityscapesDataset, 3 labelled images' in check_config(dict(train_dataloader=dict(dataset=dataset)))[0]
    built = DATASETS.build(dataset)
    assert isinstance(built, CityscapesDataset)
    for sample, expected in zip(built, read(work / 'labels')):
        assert np.array_equal(sample['data_samples'].gt_sem_seg.data[0].numpy(), expected)


def test_stage_2_begins_with_the_segmentor_of_stage_1(work: Path) -> None:
    segmentor = Config.fromfile('mine.py').to_dict()['segmentor']
    model = MODELS.build(ConfigDict({
        **segmentor, 'type': 'RectifiedEncoderDecoder',
        'backbone': {**segmentor['backbone'], 'init_cfg': None},
        'init_cfg': dict(type='Pretrained', checkpoint='trained.pth', prefix='segmentor')}))  # yapf: disable
    model.init_weights()
    trained = torch.load('trained.pth')['state_dict']
    assert all(torch.equal(value, trained[f'segmentor.{name}']) for name, value in model.state_dict().items())


def test_interrupted_run_ends_with_the_same_set(work: Path, label: Callable, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'whole')
    put = AtomicLocalBackend.put

    def full_disk(self: AtomicLocalBackend, content: bytes, path: Path) -> None:
        if path.name == Path(NAMES[1]).name:
            raise OSError(errno.ENOSPC, 'No space left on device')
        put(self, content, path)

    with monkeypatch.context() as patch:
        patch.setattr(AtomicLocalBackend, 'put', full_disk)
        with pytest.raises(SystemExit, match=r'the disk of cut is full .*kept in cut\.part.*same command'):
            label('mine.py', 'trained.pth', '--out', 'cut')
    assert not (work / 'cut').exists()
    first = (work / 'cut.part' / NAMES[0]).stat().st_mtime_ns
    capsys.readouterr()

    save_checkpoint('other.pth', 2)
    with pytest.raises(SystemExit, match=r'begun with another checkpoint \(teacher trained\.pth.*--overwrite'):
        label('mine.py', 'other.pth', '--out', 'cut')
    with pytest.raises(SystemExit, match='begun with another model or test pipeline'):
        label('mine.py', 'trained.pth', '--out', 'cut', '--cfg-options', 'test_pipeline.1.scale=(96,64)',
              'test_dataloader.dataset.pipeline.1.scale=(96,64)')

    label('mine.py', 'trained.pth', '--out', 'cut')
    assert '1 of 3 labels are kept' in capsys.readouterr().err
    assert (work / 'cut' / NAMES[0]).stat().st_mtime_ns == first
    names = sorted(str(path.relative_to(work / 'whole')) for path in (work / 'whole').rglob('*.*'))
    assert len(names) == 7
    assert all((work / 'whole' / name).read_bytes() == (work / 'cut' / name).read_bytes() for name in names)

    with pytest.raises(SystemExit, match='complete set: 3 images, teacher trained.pth'):
        label('mine.py', 'other.pth', '--out', 'cut')
    label('mine.py', 'other.pth', '--out', 'cut', '--overwrite')
    assert json.loads((work / 'cut/index.json').read_text())['teacher']['checkpoint'] == 'other.pth'
    assert not all(np.array_equal(a, b) for a, b in zip(read(work / 'cut'), read(work / 'whole')))


@pytest.mark.parametrize('arguments, message', [
    (['nowhere.py', 'trained.pth'], 'config nowhere.py does not exist'),
    (['mine.py', 'nowhere.pth'], 'checkpoint nowhere.pth does not exist'),
    (['mine.py', 'mine.py'], 'checkpoint mine.py cannot be read'),
    (['mine.py', 'trained.pth', '--dataset', 'source'],
     "no data set 'source' to label; its data sets are ['labeled_target_train', 'target_train']"),
    (['mine.py', 'trained.pth', '--dataset', 'test_dataloader'], "no data set 'test_dataloader' to label"),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.decode_head.dilations=(6,12)'],
     '4 unexpected (segmentor.decode_head.convs.2.weight'),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.decode_head.num_classes=4',
      'model.segmentor.auxiliary_head.num_classes=4'],
     'segmentor.decode_head.convs.0.weight: (3, 32, 3, 3) instead of (4, 32, 3, 3)'),
    (['mine.py', 'trained.pth', '--cfg-options', "target_train.metainfo.classes=('road','car')"],
     "num_classes=3, but the images have 2 classes ('road', 'car')"),
])  # yapf: disable
def test_mistakes_are_one_clear_line(work: Path, label: Callable, arguments: list, message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        label(*arguments, '--out', 'labels')
    assert message in str(caught.value) and '\n' not in str(caught.value)
    assert not (work / 'labels').exists() and not (work / 'labels.part').exists()


def test_missing_images_and_broken_ones_are_named(work: Path, label: Callable) -> None:
    with pytest.raises(SystemExit, match='missing: data/nowhere'):
        label('mine.py', 'trained.pth', '--out', 'labels', '--cfg-options', 'target_train.data_prefix.img_path=nowhere')
    for number in range(9):  # preflight reads eight of them, the broken one not among them
        write_image(work / f'data/leftImg8bit/train/zwickau/{number}_leftImg8bit.png', np.zeros((40, 60, 3), np.uint8))
    broken = work / 'data/leftImg8bit/train/ulm/ulm_0_leftImg8bit.png'
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(SystemExit) as caught:
        label('mine.py', 'trained.pth', '--out', 'labels', workers=1)
    assert str(caught.value).startswith('SampleError: data/leftImg8bit/train/ulm/ulm_0_leftImg8bit.png is truncated')
    assert '\n' not in str(caught.value)
