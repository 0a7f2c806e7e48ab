"""Looking at what a config trains on."""
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from small_data import write_demo_data
from udas_mmseg.datasets import StreamIndex
from udas_mmseg.engine import training_samples
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.training_samples import branches_of, mask_of, note_mixing

ROOT = Path(__file__).parents[2]


@pytest.fixture
def browse() -> ModuleType:
    spec = importlib.util.spec_from_file_location('browse_dataset', ROOT / 'tools/browse_dataset.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, *options: str) -> None:
    root = write_demo_data(tmp_path / 'data', 3, 1)
    monkeypatch.setenv('UDAS_DATA_ROOT', str(root))
    monkeypatch.setenv('UDAS_DEMO_ROOT', str(root))
    monkeypatch.setattr(sys, 'argv', ['browse', config, '--out', str(tmp_path), '--count', '2', *options])
    browse.main()


def test_a_picture_for_each_branch(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                   capsys: pytest.CaptureFixture) -> None:
    config = tmp_path / 'pair.py'
    config.write_text(f"_base_ = ['{ROOT}/configs/_base_/datasets/demo_256x128.py', "
                      f"'{ROOT}/configs/_base_/default_runtime.py']\n")
    run(browse, monkeypatch, tmp_path, str(config))
    source, target = cv2.imread(str(tmp_path / 'pair_source.png')), cv2.imread(str(tmp_path / 'pair_target.png'))
    assert source.shape[1] > 2.5 * 256  # image, label, blend
    assert target.shape[1] < 1.2 * 256  # unlabelled: the image alone
    out = capsys.readouterr().out
    assert 'pair_source.png: 3 images; pixels in percent:' in out and 'road' in out
    assert 'pair_target.png: 3 images; pixels in percent: no labels' in out


def test_validation_labels_are_shown_at_image_size(browse: ModuleType, monkeypatch: pytest.MonkeyPatch,
                                                   tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = str(ROOT / 'configs/udas/gta2cs_source_only.py')  # scored at the label's own size: 128x64 here
    run(browse, monkeypatch, tmp_path, config, '--split', 'val')
    assert cv2.imread(str(tmp_path / 'gta2cs_source_only_val.png')).shape[1] > 3 * 640
    assert 'road' in capsys.readouterr().out


def test_missing_data_is_one_clear_line(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UDAS_DATA_ROOT', str(tmp_path / 'nowhere'))
    config = str(ROOT / 'configs/udas/gta2cs_source_only.py')
    monkeypatch.setattr(sys, 'argv', ['browse', config, '--out', str(tmp_path)])
    with pytest.raises(SystemExit, match='FileNotFoundError: missing: .*nowhere/gta5/images'):
        browse.main()


VIEWS = '''
_base_ = ['{root}/configs/_base_/datasets/demo_256x128.py', '{root}/configs/_base_/default_runtime.py']
pack = dict(type='PackSegInputs')
views = dict(weak=[pack], strong=[dict(type='SegRandAugment', geometric=False), pack])
source = dict(type='MultiViewDataset', views=views,
              dataset=dict(_base_.source_train, pipeline=_base_.source_pipeline[:-1]))
target = dict(type='MultiViewDataset', views=views,
              dataset=dict(_base_.target_train, pipeline=[dict(type='LoadVerifiedImage')]))
train_dataloader = dict(dataset=dict(_delete_=True, type='DomainPairDataset', source=source, target=target))
'''


def test_every_view_is_shown(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = []
    monkeypatch.setattr(training_samples, 'grid',
                        lambda rows, titles, names: drawn.append((rows, titles)) or rows[0][0])
    (tmp_path / 'views.py').write_text(VIEWS.format(root=ROOT))
    run(browse, monkeypatch, tmp_path, str(tmp_path / 'views.py'))
    (source, source_titles), (target, target_titles) = drawn
    assert source_titles == ['image', 'label', 'blend', 'strong'] and target_titles == ['image', 'strong']
    assert all(len(row) == 4 for row in source) and all(len(row) == 2 for row in target)
    assert any((row[0] != row[-1]).any() for row in target)


MIXED = '''
_base_ = ['{root}/configs/_base_/datasets/demo_256x128.py', '{root}/configs/_base_/default_runtime.py']
small = dict(type='Resize', scale=(96, 48), keep_ratio=False)
source = dict(_base_.source_train, pipeline=[*_base_.source_pipeline[:2], small])
target = dict(_base_.labeled_target_train, pipeline=[*_base_.labeled_target_pipeline[:2], small])
train_dataloader = dict(dataset=dict(_delete_=True, type='DomainPairDataset', source={before}dict(
    type='DomainMixDataset', dataset=source, target=target,
    pipeline=[{mixing}, dict(type='RandomRotate', prob=1, degree=20), dict(type='RandomFlip', prob=0.5){after})))
'''
CUT = "dict(type='DomainCutMix', lam=0.5)"
SOMETIMES = f"dict(type='RandomApply', prob=0.999, transforms=[{CUT}])"
INNER = "dict(type='DomainMixDataset', dataset="
PACK = ", dict(type='PackSegInputs')]"
YELLOW = (0, 255, 255)


def write_mixed(tmp_path: Path, mixing: str = CUT, before: str = '', after: str = PACK) -> str:
    config = tmp_path / 'mixed.py'
    config.write_text(MIXED.format(root=ROOT, mixing=mixing, before=before, after=after))
    return str(config)


@pytest.mark.parametrize(('mixing', 'before', 'after'), [
    (CUT, '', PACK),
    (SOMETIMES, '', PACK),
    ("dict(type='DomainClassMix')", '', PACK),
    (CUT, INNER, f"]), target=target, pipeline=[dict(type='LabStatisticsTransfer'){PACK}"),
])
def test_what_comes_from_the_target_is_outlined(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                                capsys: pytest.CaptureFixture, mixing: str, before: str,
                                                after: str) -> None:
    run(browse, monkeypatch, tmp_path, write_mixed(tmp_path, mixing, before, after))
    picture = cv2.imread(str(tmp_path / 'mixed_source.png'))
    columns = [(picture[:, left:left + 96] == YELLOW).all(axis=2).sum() for left in (6, 108, 210)]
    assert columns[0] == columns[2] > 50 and columns[1] == 0  # image and blend; the label stays as it is
    share = float(re.search(r'; from the target: ([\d.]+)\n', capsys.readouterr().out).group(1))
    assert 5 < share < 95


def test_mask_is_where_the_targets_pixels_are(browse: ModuleType, monkeypatch: pytest.MonkeyPatch,
                                              tmp_path: Path) -> None:
    """After a rotation and a flip; what the rotation left empty comes from nowhere."""
    monkeypatch.setenv('UDAS_DEMO_ROOT', str(write_demo_data(tmp_path / 'data', 3, 1)))
    stream = branches_of(load_config(write_mixed(tmp_path)).train_dataloader.dataset, 'train')['source']
    for part, value in ((stream.dataset.dataset, 50), (stream.dataset.target, 200)):
        load = part.__getitem__
        paint = {'__getitem__': lambda self, index, load=load, value=value: painted(load(index), value)}
        part.__class__ = type('Painted', (type(part), ), paint)
    note_mixing(stream)
    found = set()
    for position in range(10):
        sample = stream[StreamIndex(0, position)]
        image, mask = sample['inputs'][0].numpy(), mask_of(sample)
        near = cv2.dilate((image == 200).astype(np.uint8), np.ones((3, 3), np.uint8))  # bilinear, the mask nearest
        assert mask.sum() > 50 and (image[mask] > 100).mean() > 0.9 and near[mask].mean() > 0.9
        assert (image[~mask] > 150).mean() < 0.05
        found |= set(np.unique(sample['data_samples'].mix_mask))
    assert found == {0, 1, 255}


def painted(results: dict, value: int) -> dict:
    return dict(results, img=np.full_like(results['img'], value))


def test_samples_are_those_of_training(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UDAS_DEMO_ROOT', str(write_demo_data(tmp_path / 'data', 3, 1)))
    dataset = load_config(write_mixed(tmp_path)).train_dataloader.dataset
    noted, plain = (branches_of(dataset, 'train')['source'] for _ in range(2))
    note_mixing(noted)
    for position in range(8):
        ours, theirs = noted[StreamIndex(0, position)], plain[StreamIndex(0, position)]
        assert 'mix_mask' in ours['data_samples'] and 'mix_mask' not in theirs['data_samples']
        assert torch.equal(ours['inputs'], theirs['inputs'])
        assert torch.equal(ours['data_samples'].gt_sem_seg.data, theirs['data_samples'].gt_sem_seg.data)


def test_captions_name_both_images(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    captions = []
    monkeypatch.setattr(training_samples, 'grid', lambda rows, titles, names: captions.extend(names) or rows[0][0])
    run(browse, monkeypatch, tmp_path, write_mixed(tmp_path, "dict(type='DomainCutMix', lam=0.5, prob=0.5)"),
        '--count', '8')
    kinds = {re.fullmatch(r'images/\d+\.png, (outlined:|nothing of) (.+)/\2_\d+_\d+_leftImg8bit\.png', caption).group(1)
             for caption in captions}
    assert len(captions) == 8 and kinds == {'outlined:', 'nothing of'}
