"""Images whose labels are a folder of pseudo-labels."""
import json
import pickle
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from pseudo_labels import index_of, random_label, write_images, write_set
from small_data import CLASSES, write_image
from udas_mmseg.datasets import DomainPairDataset, PseudoLabeledDataset, SampleError, StreamDataset, StreamIndex
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.datasets.thresholds import confidence_histogram, keep_confident

NAMES = ['ulm/0.jpg', 'ulm/1.jpg', 'bonn/0.jpg', '2.jpg']
LABELS = {name.replace('.jpg', '.png'): random_label(seed) for seed, name in enumerate(NAMES)}
LOAD = [dict(type='LoadVerifiedImage'), dict(type='LoadPseudoLabel', threshold=0.6)]


@pytest.fixture
def config(tmp_path: Path) -> Dict[str, Any]:
    write_images(tmp_path / 'data/images', NAMES)
    write_set(tmp_path / 'labels', LABELS)
    return dict(type='PseudoLabeledDataset', pseudo_label_root=str(tmp_path / 'labels'), metainfo=CLASSES,
                data_root=str(tmp_path / 'data'), data_prefix=dict(img_path='images'), img_suffix='.jpg', pipeline=LOAD)


def skip(tmp_path: Path, *names: str) -> None:
    """Make the set one that could not label these images."""
    root = tmp_path / 'labels'
    for name in names:
        for ending in ('.png', '_confidence.png'):
            (root / name.replace('.jpg', ending)).unlink()
    index = dict(index_of(root), skipped={name: 'is truncated' for name in names})
    (root / 'index.json').write_text(json.dumps(index))


def test_each_image_has_its_own_label(config: Dict[str, Any]) -> None:
    dataset = DATASETS.build(config)
    assert len(dataset) == 4
    for index in range(4):
        info = dataset.get_data_info(index)
        name = Path(info['img_path']).relative_to(Path(config['data_root']) / 'images')
        label, confidence = LABELS[str(name.with_suffix('.png'))]
        assert np.array_equal(dataset[index]['gt_seg_map'], keep_confident(label, confidence, 0.6))


def test_images_with_the_highest_scores(config: Dict[str, Any]) -> None:
    write_set(Path(config['pseudo_label_root']), LABELS, image_scores=dict(zip(NAMES, (0.2, 0.9, 0.4, 0.4))))
    for share, used in ((1.0, NAMES), (0.75, NAMES[1:]), (0.3, ['2.jpg', 'ulm/1.jpg']), (0.25, ['ulm/1.jpg'])):
        dataset = DATASETS.build(dict(config, image_share=share))
        images = [str(Path(dataset.get_data_info(index)['img_path']).relative_to(Path(config['data_root']) / 'images'))
                  for index in range(len(dataset))]
        assert images == sorted(used)
    for share in (0, 1.5):
        with pytest.raises(ValueError, match=f'image_share={share}. Allowed are shares above 0, up to 1'):
            DATASETS.build(dict(config, image_share=share))
    write_set(Path(config['pseudo_label_root']), LABELS)
    with pytest.raises(ValueError, match=r'image_share=0\.5, but the images of .* have no scores'):
        DATASETS.build(dict(config, image_share=0.5))


def test_the_histogram_of_the_set_is_shared_and_not_stored_for_each_image(config: Dict[str, Any]) -> None:
    balanced = dict(type='LoadPseudoLabel', threshold=0.9, class_balanced=dict(portion=0.5))
    dataset = DATASETS.build(dict(config, pipeline=[LOAD[0], balanced]))
    first, second = (dataset.get_data_info(index)['confidence_histogram'] for index in (0, 1))
    assert first is second and not first.flags.writeable
    assert np.array_equal(first, sum(confidence_histogram(*pair, 3) for pair in LABELS.values()))
    assert len(dataset.data_bytes) < 5000
    kept = np.concatenate([sample['gt_seg_map'].ravel() for sample in dataset])
    assert (kept != 255).mean() == pytest.approx(0.5, abs=0.02)
    copy = pickle.loads(pickle.dumps(dataset))  # as a worker of a loader gets it
    assert np.array_equal(copy[1]['gt_seg_map'], dataset[1]['gt_seg_map'])


def test_a_set_without_histogram_serves_one_threshold(config: Dict[str, Any]) -> None:
    root = Path(config['pseudo_label_root'])
    write_set(root, LABELS, confidence_histogram=None)
    assert 'confidence_histogram' not in DATASETS.build(config).get_data_info(0)
    balanced = dict(config, pipeline=[LOAD[0], dict(type='LoadPseudoLabel', class_balanced=dict())])
    with pytest.raises(ValueError, match='class_balanced=.*index.json has `confidence_histogram`'):
        DATASETS.build(balanced)[0]


def test_skipped_images_are_left_out_with_one_line(config: Dict[str, Any], tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    skip(tmp_path, 'ulm/1.jpg', '2.jpg')
    lines = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', lines.append)
    dataset = DATASETS.build(config)
    assert [Path(dataset.get_data_info(index)['img_path']).name for index in range(2)] == ['0.jpg', '0.jpg']
    assert len(dataset) == 2 and len(lines) == 1
    assert '2 of 4 images could not be labelled' in lines[0] and '2.png, ulm/1.png' in lines[0]
    skip(tmp_path, 'ulm/0.jpg', 'bonn/0.jpg')
    (tmp_path / 'list.txt').write_text('ulm/0\nbonn/0\n')
    with pytest.raises(ValueError, match='2 of 2 images could not be labelled.*No image is left'):
        DATASETS.build(dict(config, ann_file=str(tmp_path / 'list.txt')))


def test_an_image_without_label_is_an_error(config: Dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'labels/ulm/1.png').unlink()
    (tmp_path / 'labels/2_confidence.png').unlink()
    with pytest.raises(ValueError, match=r'2 of the 8 files .* 4 images are missing in .*labels: ulm/1\.png, '
                                         r'2_confidence\.png.*tools/pseudo_label\.py.*--overwrite'):
        DATASETS.build(config)


def test_only_listed_images_are_used(config: Dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'labels/ulm/1.png').unlink()  # not on the list: nobody asks
    (tmp_path / 'list.txt').write_text('bonn/0\nulm/0\n')
    dataset = DATASETS.build(dict(config, ann_file=str(tmp_path / 'list.txt')))
    assert [Path(dataset.get_data_info(index)['seg_map_path']).relative_to(tmp_path) for index in range(2)] == [
        Path('labels/bonn/0.png'), Path('labels/ulm/0.png')]


@pytest.mark.parametrize('part, count', [('labeled', 1), ('unlabeled', 3)])
def test_label_budgets(config: Dict[str, Any], tmp_path: Path, part: str, count: int) -> None:
    budget = dict(type='LabelBudgetDataset', n=1, part=part, list_dir=str(tmp_path / 'splits'), dataset=config)
    assert len(DATASETS.build(budget)) == count
    assert f'PseudoLabeledDataset, {count} labelled images' in check_config(
        dict(train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=budget))))[0]


def test_nothing_is_read_before_it_is_needed(config: Dict[str, Any], tmp_path: Path) -> None:
    dataset = DATASETS.build(dict(config, pseudo_label_root=str(tmp_path / 'later'), lazy_init=True))
    assert dataset.metainfo['classes'] == CLASSES['classes']
    with pytest.raises(FileNotFoundError, match=r"pseudo_label_root='.*later' is not a folder .*tools/pseudo_label\.py "
                                                r'CONFIG CHECKPOINT --out .*later.*self-training runner'):
        dataset.full_init()
    (tmp_path / 'later.part').mkdir()
    with pytest.raises(FileNotFoundError, match=r'later\.part is not complete'):
        dataset.full_init()
    write_set(tmp_path / 'later', LABELS)
    dataset.full_init()
    assert len(dataset) == 4


def test_what_is_no_complete_set_is_refused(config: Dict[str, Any], tmp_path: Path) -> None:
    index = tmp_path / 'labels/index.json'
    header = index_of(tmp_path / 'labels')
    del header['num_images']
    index.write_text(json.dumps(header))
    with pytest.raises(ValueError, match='is not complete: .*Run its command again'):
        DATASETS.build(config)
    index.unlink()
    with pytest.raises(ValueError, match='is not a set of pseudo-labels'):
        DATASETS.build(config)


@pytest.mark.parametrize('classes', [('road', 'other', 'sidewalk'), ('road', 'sidewalk')])
def test_other_classes_are_refused(config: Dict[str, Any], classes: tuple) -> None:
    with pytest.raises(ValueError, match=r"3 classes \('road', 'sidewalk', 'other'\), but PseudoLabeledDataset has "
                                         f'{len(classes)}'):
        DATASETS.build(dict(config, metainfo=dict(classes=classes)))


@pytest.mark.parametrize('changes, message', [
    (dict(data_prefix=dict(img_path='images', seg_map_path='labels')), "seg_map_path='labels', but its labels"),
    (dict(label_map='cityscapes'), "label_map='cityscapes', but its labels"),
    (dict(metainfo='Nothing'), "metainfo='Nothing' .*'CityscapesDataset'"),
])
def test_wrong_options_are_refused(config: Dict[str, Any], changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DATASETS.build({**config, **changes, 'lazy_init': True})


def test_classes_of_a_known_data_set(config: Dict[str, Any]) -> None:
    dataset = PseudoLabeledDataset('nowhere', metainfo='CityscapesDataset', lazy_init=True)
    assert dataset.metainfo['classes'] == CityscapesDataset.METAINFO['classes']
    assert dataset.metainfo['palette'] == CityscapesDataset.METAINFO['palette'] and dataset.label_map is None


def test_labels_of_translated_images_are_those_of_the_originals(config: Dict[str, Any], tmp_path: Path) -> None:
    write_images(tmp_path / 'translated', [name.replace('.jpg', '.png') for name in NAMES[:2]], 8, 16)
    dataset = DATASETS.build(dict(config, translated_root=str(tmp_path / 'translated')))
    found = {Path(info['img_path']).name: info for info in map(dataset.get_data_info, range(4))}
    assert found['1.png']['seg_map_path'] == str(tmp_path / 'labels/ulm/1.png')
    assert {sample['gt_seg_map'].shape for sample in dataset} == {(8, 16), (16, 32)}


def test_streams_pairs_and_mixtures(config: Dict[str, Any], labeled_config: Callable) -> None:
    packed = dict(config, pipeline=[*LOAD, dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')])
    stream = StreamDataset(packed, branch='pseudo_labeled')
    label = stream[StreamIndex(0, 3)]['data_samples'].gt_sem_seg.data
    assert 0.2 < (label == 255).float().mean() < 0.8
    again = StreamDataset(packed, branch='pseudo_labeled')[StreamIndex(0, 3)]['data_samples'].gt_sem_seg.data
    assert (label == again).all()
    source = labeled_config(pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')])
    mixed = dict(type='DomainMixDataset', dataset=source, target=config,
                 pipeline=[dict(type='DomainCutMix'), dict(type='PackSegInputs')])
    pair = DomainPairDataset(source=mixed, labeled_target=packed)
    sample = pair[StreamIndex(0, 1)]
    assert (sample['source']['data_samples'].gt_sem_seg.data == 255).any(), 'what the teacher was not sure of'
    assert (sample['labeled_target']['data_samples'].gt_sem_seg.data == 255).any()


def test_preflight_reads_some_and_finds_ids_that_are_no_class(config: Dict[str, Any], tmp_path: Path) -> None:
    cfg = dict(train_dataloader=dict(dataset=dict(type='DomainPairDataset', pseudo_labeled=config)))
    lines = check_config(cfg)
    assert lines[0] == ('train_dataloader.dataset.pseudo_labeled: PseudoLabeledDataset, 4 labelled images, 4 read and '
                        'found good')
    assert lines[2].startswith('  in 4 labels: ') and not any('warning' in line for line in lines)
    write_image(tmp_path / 'labels/2.png', np.full((16, 32), 3, np.uint8))
    with pytest.raises(ValueError, match=r'2\.png has the ids \[3\], .* classes: allowed are 0-2 and 255'):
        check_config(cfg)
    write_image(tmp_path / 'labels/2.png', np.zeros((16, 33), np.uint8))
    with pytest.raises(ValueError, match=r'2\.png is 33x16, but .*2_confidence\.png is 32x16'):
        check_config(cfg)


def test_a_broken_label_counts_as_a_broken_sample(config: Dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'labels/2_confidence.png').write_bytes(b'')
    packed = dict(config, pipeline=[*LOAD, dict(type='PackSegInputs')])
    tolerant = StreamDataset(packed, max_broken=1)
    for position in range(4):
        tolerant[position]
    assert 'is empty' in next(iter(tolerant.broken.values()))
    strict = StreamDataset(packed)
    with pytest.raises(SampleError, match='2_confidence.png is empty'):
        for position in range(4):
            strict[position]
