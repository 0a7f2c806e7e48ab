"""Labelling the target's images with a trained model."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.apis import inference_model
from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS, MODELS

from labeling import NAMES, error_of, label, read, save_checkpoint
from small_data import write_image
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config
from udas_mmseg.models.trained import build_original


@pytest.mark.parametrize('dataset, workers', [('target_train', 2), ('labeled_target_train', 0)])
def test_labels_are_the_predictions_at_the_size_of_the_images(work: Path, dataset: str, workers: int,
                                                              capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels', '--dataset', dataset, workers=workers)
    printed = capsys.readouterr()
    assert '3 images; pixels in percent:' in printed.out and 'labelling: labels: 3/3 images, took 0:00:0' in printed.err
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


def test_two_teachers_with_two_heads_and_class_shares(work: Path) -> None:
    save_checkpoint('other.pth', 5)
    write_image(work / 'source/images/a.png', np.zeros((8, 8, 3), np.uint8))
    write_image(work / 'source/labels/a.png', np.repeat(np.array([[0, 0, 1, 2]], np.uint8), 8, 0).repeat(2, 1))
    (work / 'agree.py').write_text('''_base_ = 'mine.py'
source_train = dict(
    type='LabelMappedDataset', metainfo=_base_.metainfo, data_root='source', label_map={0: 0, 1: 1, 2: 2},
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')])
''')
    label('agree.py', 'trained.pth', '--out', 'labels', '--also', 'other.pth', '--prior-of', 'source_train',
          '--agreement', 'heads=both', 'score=True')
    index = json.loads((work / 'labels/index.json').read_text())
    assert index['agreement'] == dict(heads='both', score=True) and index['prior'] == dict(source=[0.5, 0.25, 0.25])
    assert len(index['also']) == 1 and index['also'][0] != index['teacher']['sha256']
    assert [sum(shares.values()) for shares in index['estimated_share']] == pytest.approx([1, 1])
    scores = index['image_scores']  # 1 if the random networks predict one class, which depends on the processor
    assert sorted(scores) == NAMES and all(0 < score <= 1 for score in scores.values())
    assert '--prior-of nobody' in error_of('agree.py', 'trained.pth', '--out', 'labels', '--prior-of', 'nobody')


def test_stage_2_finds_the_labels(work: Path) -> None:
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


def test_three_views_are_merged_unless_told_otherwise(work: Path, capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'plain')
    label('mine.py', 'trained.pth', '--out', 'merged', views=3)
    assert 'merged: 3 images; pixels in percent:' in capsys.readouterr().out
    index = json.loads(Path('merged/index.json').read_text())
    assert (index['views'], index['seed'], index['temperature']) == (3, 0, 1.0)
    assert index['augment'] == dict(type='SegAutoAugment', policy='imagenet')
    counts = np.zeros((3, 256), int)
    for name, found, plain in zip(NAMES, read(work / 'merged'), read(work / 'plain')):
        sure, before = (cv2.imread(f'{folder}/{name[:-4]}_confidence.png', cv2.IMREAD_UNCHANGED)
                        for folder in ('merged', 'plain'))
        assert found.shape == plain.shape and (sure >= before).all() and (sure > before).any()
        np.add.at(counts, (found.ravel(), sure.ravel()), 1)
    assert list(index['confidence_histogram'].values()) == counts.tolist()


def test_options_reach_the_labels(work: Path) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels', '--seed', '3', '--temperature', '0.5', '--batch-size', '2',
          '--augment', 'type=SegRandAugment', 'num_ops=1', views=2)
    index = json.loads(Path('labels/index.json').read_text())
    assert (index['views'], index['seed'], index['temperature']) == (2, 3, 0.5)
    assert index['augment'] == dict(type='SegRandAugment', num_ops=1)
