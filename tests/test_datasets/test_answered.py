"""Images of which a person has labelled some pixels."""
import json
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from mmseg.registry import DATASETS, TRANSFORMS

from pseudo_labels import random_label, write_images, write_set
from small_data import CLASSES, write_image
from udas_mmseg.datasets import AnsweredDataset, DomainPairDataset
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.datasets.transforms.answers import shrink_sparse
from udas_mmseg.datasets.unlabeled import without_labels

NAMES = ['ulm/0.jpg', 'ulm/1.jpg', 'bonn/0.jpg', '2.jpg']
LOAD = [dict(type='LoadVerifiedImage'), dict(type='LoadAnswers')]


@pytest.fixture
def config(tmp_path: Path) -> Dict[str, Any]:
    """Four images, of which ulm/1.jpg has two labelled pixels."""
    write_images(tmp_path / 'data/images', NAMES)
    height, width = random_label(0)[0].shape
    label = np.full((height, width), 255, np.uint8)
    label[3, 5], label[0, 0] = 2, 0
    write_image(tmp_path / 'round_1/labels/ulm/1.png', label)
    (tmp_path / 'round_1/selection.json').write_text(json.dumps(dict(classes=CLASSES['classes'])))
    return dict(type='AnsweredDataset', answers_root=str(tmp_path / 'round_1'), metainfo=CLASSES,
                data_root=str(tmp_path / 'data'), data_prefix=dict(img_path='images'), img_suffix='.jpg', pipeline=LOAD)


def test_only_images_with_an_answer_are_listed(config: Dict[str, Any]) -> None:
    dataset = DATASETS.build(config)
    assert len(dataset) == 1 and dataset.get_data_info(0)['img_path'].endswith('ulm/1.jpg')
    label = dataset[0]['gt_seg_map']
    assert (label[3, 5], label[0, 0]) == (2, 0) and (label != 255).sum() == 2


def test_the_same_images_may_be_the_unlabelled_target(config: Dict[str, Any]) -> None:
    pair = DomainPairDataset(labeled_target=config, target=without_labels(config))
    assert len(pair.branches['labeled_target']) == 1 and len(pair.branches['target']) == 4
    lines = check_config(dict(train_dataloader=dict(dataset=config)))
    assert 'AnsweredDataset, 1 labelled images' in lines[0] and not any('warning' in line for line in lines)


def test_no_label_yet_is_an_error_with_the_command(config: Dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'round_1/labels/ulm/1.png').unlink()
    with pytest.raises(ValueError, match=r'no image is labelled yet in .*labels.*active_label\.py export .*round_1'):
        DATASETS.build(config)


@pytest.mark.parametrize('name, size, message', [
    ('ulm/0', (7, 5), r'labels/ulm/0\.png is 7x5, but its image .*ulm/0\.jpg is'),
    ('ulm/9', (7, 5), r'1 labels in .*labels belong to none of the 4 images .*ulm/9\.png'),
])
def test_a_label_that_does_not_fit_is_an_error(config: Dict[str, Any], tmp_path: Path, name: str, size: tuple,
                                               message: str) -> None:
    write_image(tmp_path / f'round_1/labels/{name}.png', np.full(size[::-1], 255, np.uint8))
    with pytest.raises(ValueError, match=message):
        DATASETS.build(config)


def test_mistakes_in_the_config(config: Dict[str, Any], tmp_path: Path) -> None:
    for change, message in ((dict(answers_root=''), 'has no answers_root'),
                            (dict(answers_root=str(tmp_path)), r'has no selection\.json'),
                            (dict(label_map={0: 0}), 'label_map={0: 0}, but its labels are the train ids'),
                            (dict(metainfo='Nothing'), 'of AnsweredDataset: there is no data set with this name'),
                            (dict(metainfo=dict(classes=('a', 'b'))), r'3 classes .* but AnsweredDataset has 2')):
        with pytest.raises(ValueError, match=message):
            AnsweredDataset(**{**{key: value for key, value in config.items() if key != 'type'}, **change})


def test_answers_lie_over_pseudo_labels(config: Dict[str, Any], tmp_path: Path) -> None:
    labels = {name.replace('.jpg', '.png'): random_label(seed) for seed, name in enumerate(NAMES)}
    write_set(tmp_path / 'labels', labels)
    pseudo = dict(config, type='PseudoLabeledDataset', pseudo_label_root=str(tmp_path / 'labels'),
                  pipeline=[LOAD[0], dict(type='LoadPseudoLabel', threshold=0.6)])
    with_answers = {info['img_path']: info['gt_seg_map'] for info in DATASETS.build(pseudo)}
    alone = {info['img_path']: info['gt_seg_map'] for info in DATASETS.build({**pseudo, 'answers_root': ''})}
    assert len(with_answers) == len(alone) == 4
    for path, label in alone.items():
        if path.endswith('ulm/1.jpg'):
            label[3, 5], label[0, 0] = 2, 0
        assert np.array_equal(with_answers[path], label)


def test_points_survive_shrinking() -> None:
    label = np.full((6, 9), 255, np.uint8)
    label[0, 0] = 1  # nearest neighbour would read the centre, row 1 and column 1
    label[3, 4], label[4, 4], label[5, 5] = 2, 0, 2  # two of three
    label[5, 6], label[5, 8] = 2, 1  # a tie
    expected = np.full((2, 3), 255)
    expected[0, 0], expected[1, 1], expected[1, 2] = 1, 2, 1
    assert np.array_equal(shrink_sparse(label, 2, 3), expected)


@pytest.mark.parametrize('scale, labelled', [((3, 2), 1), ((9, 6), 1), ((18, 12), 4)])
def test_resizing_keeps_points(scale: tuple, labelled: int) -> None:
    label = np.full((6, 9), 255, np.uint8)
    label[0, 0] = 1
    step = TRANSFORMS.build(dict(type='SparseLabelResize', resize=dict(type='Resize', scale=scale)))
    found = step(dict(img=np.zeros((6, 9, 3), np.uint8), gt_seg_map=label, seg_fields=['gt_seg_map']))
    assert found['img'].shape[:2] == found['gt_seg_map'].shape == scale[::-1]
    assert (found['gt_seg_map'] == 1).sum() == labelled and found['gt_seg_map'][0, 0] == 1
