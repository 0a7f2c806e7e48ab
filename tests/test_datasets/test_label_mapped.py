"""Data sets of raw labels, and what they say about a folder that is not as it should be."""
import os
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS
from PIL import Image

from small_data import CLASSES, LOAD, write_demo_data, write_image
from udas_mmseg.datasets import GTA5Dataset, LabelMappedDataset, resolve_label_map


def build(**config: object) -> LabelMappedDataset:
    return DATASETS.build({**dict(type='LabelMappedDataset', metainfo=CLASSES, pipeline=LOAD), **config})


def test_custom_map(image_folder: Callable) -> None:
    raw = build(**image_folder())[0]['gt_seg_map']
    mapped = build(**image_folder(), label_map={0: 2, 1: 255, 2: 0})[0]['gt_seg_map']
    assert np.array_equal(mapped, np.array([2, 255, 0])[raw])


def test_all_samples_share_one_map(image_folder: Callable) -> None:
    dataset = build(**image_folder(), label_map={0: 0, 1: 1, 2: 2})
    assert dataset.get_data_info(0)['label_map'] is dataset.get_data_info(1)['label_map']  # not stored with each image


def test_samples_are_stored_as_mmengine_stores_them(image_folder: Callable) -> None:
    config = image_folder()
    ours, theirs = build(**config), build(**config, lazy_init=True)
    theirs.data_list = theirs.load_data_list()
    for stored, expected in zip((ours.data_bytes, ours.data_address), BaseSegDataset._serialize_data(theirs)):
        assert stored.dtype == expected.dtype and np.array_equal(stored, expected)
        assert stored.flags.writeable


def test_list_file_chooses_and_orders(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    (tmp_path / 'list.txt').write_text('003\n001\n')
    dataset = build(**folder, ann_file=str(tmp_path / 'list.txt'))
    assert [Path(dataset.get_data_info(i)['img_path']).stem for i in range(len(dataset))] == ['003', '001']


def test_class_subset_is_applied_behind_the_map(tmp_path: Path) -> None:
    write_image(tmp_path / 'images/a.png', np.zeros((2, 2, 3), np.uint8))
    write_image(tmp_path / 'labels/a.png', np.array([[7, 26], [8, 0]], np.uint8))  # road, car, sidewalk, unlabelled
    dataset = GTA5Dataset(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        metainfo=dict(classes=('car', 'road')),
        pipeline=LOAD)
    assert dataset[0]['gt_seg_map'].tolist() == [[1, 0], [255, 255]]


@pytest.mark.parametrize('kind, img, seg, suffix', [
    ('GTA5Dataset', 'images/00001.png', 'labels/00001.png', {}),
    ('KITTISegDataset', 'image_2/000000_10.png', 'semantic/000000_10.png', {}),
])
def test_driving_sets_read_cityscapes_ids(tmp_path: Path, kind: str, img: str, seg: str, suffix: dict) -> None:
    write_image(tmp_path / img, np.zeros((1, 3, 3), np.uint8))
    (tmp_path / seg).parent.mkdir()
    label = Image.fromarray(np.array([[7, 33, 4]], np.uint8))
    label.putpalette([index % 256 for index in range(768)])
    label.save(tmp_path / seg)
    prefix = dict(img_path=img.split('/')[0], seg_map_path=seg.split('/')[0])
    dataset = DATASETS.build(dict(type=kind, data_root=str(tmp_path), data_prefix=prefix, pipeline=LOAD))
    assert dataset[0]['gt_seg_map'].tolist() == [[0, 18, 255]]
    assert dataset.metainfo['classes'][18] == 'bicycle'


def test_synthia_reads_its_own_ids(tmp_path: Path) -> None:
    write_image(tmp_path / 'RGB/0000000.png', np.zeros((1, 3, 3), np.uint8))
    ids = np.array([[3, 11, 22]], np.uint16)  # road, bicycle, lane marking
    write_image(tmp_path / 'GT/LABELS/0000000.png', np.dstack([ids * 0, ids * 100, ids]))
    dataset = DATASETS.build(
        dict(
            type='SYNTHIADataset',
            data_root=str(tmp_path),
            data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
            pipeline=LOAD))
    assert dataset[0]['gt_seg_map'].tolist() == [[0, 18, 255]]


def test_acdc_reads_a_split_of_each_condition_as_downloaded(tmp_path: Path) -> None:
    for condition in ('fog', 'night'):
        for split in ('train', 'val', 'train_ref'):
            name = f'{condition}/{split}/GOPR0400/GOPR0400_frame_1'
            write_image(tmp_path / f'rgb_anon/{name}_rgb_anon.png', np.zeros((1, 3, 3), np.uint8))
            write_image(tmp_path / f'gt/{name}_gt_labelTrainIds.png', np.array([[0, 18, 255]], np.uint8))
            write_image(tmp_path / f'gt/{name}_gt_labelIds.png', np.array([[7, 33, 0]], np.uint8))
    config = dict(type='ACDCDataset', data_root=str(tmp_path), pipeline=LOAD,
                  data_prefix=dict(img_path='rgb_anon', seg_map_path='gt'))
    dataset = DATASETS.build(dict(config, split='val'))
    paths = [dataset.get_data_info(number)['img_path'] for number in range(len(dataset))]
    assert [os.path.relpath(path, tmp_path / 'rgb_anon').split('/')[:2] for path in paths] == [
        ['fog', 'val'], ['night', 'val']]
    assert dataset[0]['gt_seg_map'].tolist() == [[0, 18, 255]]
    assert len(DATASETS.build(dict(config, split='train', conditions=['night']))) == 1
    with pytest.raises(FileNotFoundError, match='_rgb_anon.png. in rain/train. Keep the folders'):
        DATASETS.build(dict(config, split='train', conditions=['rain']))
    with pytest.raises(ValueError, match=r"split='test'.*allowed are \('train', 'val'\)"):
        DATASETS.build(dict(config, split='test'))
    with pytest.raises(ValueError, match=r"conditions=\('dusk',\).*one or more of \('fog'"):
        DATASETS.build(dict(config, split='val', conditions=['dusk']))


def test_missing_folders_are_listed_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'missing: .*images, .*labels .*docs/datasets\.md'):
        build(data_root=str(tmp_path), data_prefix=dict(img_path='images', seg_map_path='labels'))


def test_missing_list_file_is_named(image_folder: Callable) -> None:
    with pytest.raises(FileNotFoundError, match=r'missing: .*nowhere\.txt'):
        build(**image_folder(), ann_file='nowhere.txt')


def test_image_without_label(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    (tmp_path / 'source/labels/002.png').unlink()
    with pytest.raises(ValueError, match=r'1 of 5 labels are missing in .*labels: 002\.png'):
        build(**folder)


def test_label_without_image(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    (tmp_path / 'source/images/002.png').unlink()
    with pytest.raises(ValueError, match=r'1 of 5 labels in .*labels have no image in .*images: 002\.png'):
        build(**folder)


def test_listed_image_that_does_not_exist(image_folder: Callable, tmp_path: Path) -> None:
    (tmp_path / 'list.txt').write_text('001\n777\n')
    with pytest.raises(ValueError, match=r"1 of 2 images in the list .*do not exist: .*777\.png\. Line 2 is '777'"):
        build(**image_folder(), ann_file=str(tmp_path / 'list.txt'))


@pytest.mark.parametrize('changes', [dict(img_suffix='.jpg'), dict(ann_file='empty.txt')])
def test_empty_split(image_folder: Callable, tmp_path: Path, changes: dict) -> None:
    folder = image_folder()
    (tmp_path / 'source/empty.txt').write_text('')
    with pytest.raises(FileNotFoundError, match='has no images'):
        build(**folder, **changes)


def test_map_with_more_classes_than_there_are(image_folder: Callable) -> None:
    with pytest.raises(ValueError, match=r'train ids that are not a class: \{2: 3\}.*allowed are 0-2'):
        build(**image_folder(), label_map={0: 0, 1: 1, 2: 3})


def test_unlabelled_set_has_no_label_path(image_folder: Callable) -> None:
    folder = image_folder()
    folder['data_prefix'].pop('seg_map_path')
    assert 'seg_map_path' not in build(**folder, pipeline=LOAD[:1]).get_data_info(0)


def test_palette_of_metainfo_as_label_map(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    ids = build(**folder)[0]['gt_seg_map']
    colors = np.array(CLASSES['palette'], np.uint8)
    for index in range(5):
        label = np.array(Image.open(tmp_path / f'source/labels/{index:03d}.png'))
        write_image(tmp_path / f'source/labels/{index:03d}.png', colors[label][:, :, ::-1])
    assert np.array_equal(build(**folder, label_map='palette')[0]['gt_seg_map'], ids)
    as_dict = {tuple(color): number for number, color in enumerate(CLASSES['palette'])}
    assert np.array_equal(build(**folder, label_map=as_dict)[0]['gt_seg_map'], ids)


def test_palette_of_a_subset_of_classes(tmp_path: Path) -> None:
    write_image(tmp_path / 'images/a.png', np.zeros((1, 3, 3), np.uint8))
    road, car, sidewalk = (128, 64, 128), (0, 0, 142), (244, 35, 232)
    write_image(tmp_path / 'labels/a.png', np.array([[road, car, sidewalk]], np.uint8)[:, :, ::-1])
    common = dict(data_root=str(tmp_path), data_prefix=dict(img_path='images', seg_map_path='labels'), pipeline=LOAD,
                  label_map='palette')
    subset = GTA5Dataset(metainfo=dict(classes=('car', 'road')), **common)
    assert subset[0]['gt_seg_map'].tolist() == [[1, 0, 255]]
    with_colors = GTA5Dataset(metainfo=dict(classes=('car', 'road'), palette=[road, car]), **common)
    with pytest.raises(ValueError, match='1 colours are not mapped'):
        with_colors[0]
    write_image(tmp_path / 'labels/a.png', np.array([[road, car, road]], np.uint8)[:, :, ::-1])
    assert with_colors[0]['gt_seg_map'].tolist() == [[0, 1, 0]]


@pytest.mark.parametrize('metainfo, message', [
    (dict(classes=('a', 'b')), r'needs `metainfo\.palette`'),
    (dict(classes=('a', 'b'), palette=[[1, 1, 1], [1, 1, 1]]), r"'b' and 'a' have the same colour \(1, 1, 1\)"),
    (dict(classes=('a', 'b'), palette=[[1, 1, 1]]), 'has 1 colours for 2 classes'),
])
def test_palettes_that_cannot_be_a_map(image_folder: Callable, metainfo: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**image_folder(), metainfo=metainfo, label_map='palette')


def test_declared_channel_is_passed_on(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    ids = build(**folder)[0]['gt_seg_map']
    write_image(tmp_path / 'source/labels/000.png', np.dstack([ids + 7, ids, ids]))
    assert np.array_equal(build(**folder, label_channel='red')[0]['gt_seg_map'], ids)
    with pytest.raises(ValueError, match="label_channel='red' together with a `label_map` of colours"):
        build(**folder, label_channel='red', label_map={(0, 0, 0): 0})


def test_reduce_zero_label_of_the_data_set(image_folder: Callable) -> None:
    folder = image_folder()
    ids = build(**folder)[0]['gt_seg_map']
    reduced = build(**folder, reduce_zero_label=True)[0]['gt_seg_map']
    assert np.array_equal(reduced, np.array([255, 0, 1])[ids])
    with pytest.raises(ValueError, match='reduce_zero_label=True together with a `label_map`'):
        build(**folder, reduce_zero_label=True, label_map={0: 0})


def test_demo_labels_as_colours_and_palettes_of_tiff_are_the_same(tmp_path: Path) -> None:
    root = write_demo_data(tmp_path, train=3, val=1) / 'gta5'
    to_train, by_color = resolve_label_map('cityscapes'), {}
    for path in sorted((root / 'labels').glob('*.png')):
        with Image.open(path) as label:
            ids, colors = np.array(label), np.array(label.convert('RGB'))
            write_image(root / 'colors' / path.name, colors[:, :, ::-1])
            (root / 'tiff').mkdir(exist_ok=True)
            label.save(root / 'tiff' / f'{path.stem}.tif')
        by_color.update({tuple(colors[ids == raw][0].tolist()): to_train[raw] for raw in np.unique(ids).tolist()})

    def labels_of(folder: str, **config: Any) -> List[np.ndarray]:
        dataset = GTA5Dataset(data_root=str(root), data_prefix=dict(img_path='images', seg_map_path=folder),
                              pipeline=LOAD, **config)
        return [dataset[index]['gt_seg_map'] for index in range(len(dataset))]

    meant = labels_of('labels')
    assert len(np.unique(meant)) > 4
    assert np.array_equal(labels_of('colors', label_map=by_color), meant)
    assert np.array_equal(labels_of('tiff', seg_map_suffix='.tif'), meant)


def test_masks_of_one_bit_are_two_classes(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    ids = build(**folder, label_map={0: 0, 1: 1, 2: 1})[0]['gt_seg_map']
    for path in (tmp_path / 'source/labels').iterdir():
        Image.fromarray(np.array(Image.open(path)) > 0).save(path)
    assert np.array_equal(build(**folder)[0]['gt_seg_map'], ids)
