"""Translated images take the place of a data set's own; labels stay."""
import logging
import os
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS

from small_data import CLASSES, LOAD, write_image
from udas_mmseg.datasets import GTA5Dataset, SampleError, StreamDataset, StreamIndex
from udas_mmseg.datasets.label_mapped import LabelMappedDataset
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.datasets.translated import translation_stem
from udas_mmseg.utils.mirrored_folder import mirrored_path

GREY = 77  # translations are of this colour; the random originals never are


@pytest.fixture
def translate(tmp_path: Path) -> Callable[..., str]:
    """Write grey translations of images of `height` x `width`, and the index that tools/translate.py writes."""

    def make(*names: str, height: int = 16, width: int = 32) -> str:
        root = tmp_path / 'translated'
        for name in names:
            write_image(root / name, np.full((height, width, 3), GREY, np.uint8))
        (root / 'index.json').write_text('{"complete": false, "num_images": 5}')
        return str(root)

    return make


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """The warnings in the log."""
    found: List[str] = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handle', lambda record: found.append(record.getMessage())
                        if record.levelno >= logging.WARNING else None)  # yapf: disable
    return found


def build(folder: dict, **config: Any) -> LabelMappedDataset:
    return DATASETS.build({**dict(type='LabelMappedDataset', metainfo=CLASSES, pipeline=LOAD), **folder, **config})


def is_grey(results: dict) -> bool:
    return bool((results['img'] == GREY).all())


def test_translated_where_there_is_one_and_the_original_elsewhere(image_folder: Callable, translate: Callable,
                                                                  tmp_path: Path, warnings: List[str]) -> None:
    folder, root = image_folder(), translate('001.png', '004.png', '999.png')
    originals = build(folder)
    dataset = build(folder, translated_root=root)
    assert [is_grey(dataset[index]) for index in range(5)] == [False, True, False, False, True]
    info = dataset.get_data_info(4)
    assert info['img_path'] == str(tmp_path / 'translated/004.png')
    assert info['original_img_path'] == str(tmp_path / 'source/images/004.png')
    assert info['is_translated'] is True
    assert 'is_translated' not in dataset.get_data_info(0)
    for index in range(5):
        assert np.array_equal(dataset[index]['gt_seg_map'], originals[index]['gt_seg_map'])
    assert len(warnings) == 1
    assert f'3 of 5 images have no translation in {root}: 000.png, 002.png, 003.png; the originals' in warnings[0]


def test_a_whole_translation_gives_no_warning(image_folder: Callable, translate: Callable, warnings: List[str]) -> None:
    root = translate(*(f'{number:03d}.png' for number in range(5)))
    dataset = build(image_folder(), translated_root=root, missing_translation='error')
    assert all(is_grey(dataset[index]) for index in range(5)) and warnings == []


def test_large_counts_are_readable_and_few_names_are_given(image_folder: Callable, translate: Callable,
                                                           warnings: List[str]) -> None:
    build(image_folder(count=1002, height=1, width=1), translated_root=translate('000.png', width=1, height=1))
    assert '1,001 of 1,002 images' in warnings[0] and ': 001.png, 002.png, 003.png, ...; ' in warnings[0]


def test_strict(image_folder: Callable, translate: Callable) -> None:
    with pytest.raises(ValueError, match=r'4 of 5 images have no translation in .*: 000\.png, 002\.png, 003\.png, '
                       r'\.\.\.\. .*tools/translate\.py CONFIG CHECKPOINT --out .*translated` translates the rem'):
        build(image_folder(), translated_root=translate('001.png'), missing_translation='error')


@pytest.mark.parametrize('missing', ['original', 'error'])
def test_translation_of_something_else(image_folder: Callable, translate: Callable, missing: str) -> None:
    with pytest.raises(ValueError, match=r'none of 5 images of .*images has a translation: looked for '
                       r'.*translated/000\.png .* found 1 others, such as gta5/000\.png'):
        build(image_folder(), translated_root=translate('gta5/000.png'), missing_translation=missing)
    (Path(translate()) / 'gta5/000.png').unlink()
    with pytest.raises(ValueError, match='found no images at all'):
        build(image_folder(), translated_root=translate(), missing_translation=missing)


def test_missing_folder(image_folder: Callable, tmp_path: Path) -> None:
    (tmp_path / 'source/translated').mkdir(parents=True)  # below data_root, where it is not looked for
    with pytest.raises(FileNotFoundError, match=r"translated_root='translated' is not a folder .*tools/translate\.py"):
        build(image_folder(), translated_root='translated')


def test_relative_to_the_current_folder(image_folder: Callable, translate: Callable, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    translate('000.png')
    monkeypatch.chdir(tmp_path)
    assert build(image_folder(), translated_root='translated').get_data_info(0)['img_path'] == 'translated/000.png'


def test_png_and_jpeg(image_folder: Callable, translate: Callable) -> None:
    root = translate('000.jpg', '001.png')
    dataset = build(image_folder(), translated_root=root)
    assert [is_grey(dataset[index]) for index in range(3)] == [True, True, False]
    translate('001.jpg')
    with pytest.raises(ValueError, match=r'1 of 5 images have two translations in .*, \.png and \.jpg: 001\. '):
        build(image_folder(), translated_root=root)


def test_two_translations_of_an_image_that_is_not_used(image_folder: Callable, translate: Callable) -> None:
    assert len(build(image_folder(), translated_root=translate('000.png', '777.png', '777.jpg'))) == 5


def test_unfinished_files_are_no_translations(image_folder: Callable, translate: Callable, tmp_path: Path) -> None:
    root = translate('000.png')
    (tmp_path / 'translated/001.png.part').write_bytes(b'half')
    dataset = build(image_folder(), translated_root=root)
    assert [bool(dataset.get_data_info(index).get('is_translated')) for index in range(2)] == [True, False]


def write_towns(tmp_path: Path) -> dict:
    for town in ('a', 'b'):
        write_image(tmp_path / f'set/img/{town}/x.y_rgb.jpg', np.zeros((4, 8, 3), np.uint8))
        write_image(tmp_path / f'set/gt/{town}/x.y_ids.png', np.full((4, 8), ord(town) - ord('a'), np.uint8))
    return dict(data_root=str(tmp_path / 'set'), data_prefix=dict(img_path='img', seg_map_path='gt'),
                img_suffix='_rgb.jpg', seg_map_suffix='_ids.png')  # yapf: disable


def test_folders_of_towns(tmp_path: Path, translate: Callable) -> None:
    dataset = build(write_towns(tmp_path), translated_root=translate('b/x.y_rgb.png', width=8, height=4))
    first, second = dataset[0], dataset[1]
    assert (is_grey(first), first['gt_seg_map'].max()) == (False, 0)
    assert (is_grey(second), second['gt_seg_map'].min()) == (True, 1)


def test_names_are_those_of_mirrored_folders() -> None:
    for image, folder in (('d/img/a/x.y_rgb.jpg', 'd/img'), ('d/img/1.png', 'd/img/'), ('1.png', '')):
        assert translation_stem(image, folder) + '.png' == mirrored_path(image, folder, '.png')


def test_list_file_counts_only_what_it_names(image_folder: Callable, translate: Callable, tmp_path: Path,
                                             warnings: List[str]) -> None:
    (tmp_path / 'list.txt').write_text('003\n001\n')
    folder = dict(image_folder(), ann_file=str(tmp_path / 'list.txt'))
    dataset = build(folder, translated_root=translate('001.png'))
    assert [is_grey(dataset[index]) for index in range(2)] == [False, True]
    assert '1 of 2 images have no translation' in warnings[0]
    (tmp_path / 'list.txt').write_text('003\n')
    with pytest.raises(ValueError, match=r'none of 1 images .*looked for .*translated/003\.png'):
        build(folder, translated_root=translate('001.png'))


def test_unlabelled_set(image_folder: Callable, translate: Callable) -> None:
    folder = image_folder()
    folder['data_prefix'].pop('seg_map_path')
    dataset = build(folder, pipeline=LOAD[:1], translated_root=translate('000.png'))
    assert is_grey(dataset[0]) and 'seg_map_path' not in dataset.get_data_info(0)


def test_gta5(tmp_path: Path, translate: Callable) -> None:
    write_image(tmp_path / 'gta5/images/00001.png', np.zeros((2, 2, 3), np.uint8))
    write_image(tmp_path / 'gta5/labels/00001.png', np.array([[7, 33], [4, 26]], np.uint8))
    dataset = GTA5Dataset(
        data_root=str(tmp_path / 'gta5'),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        translated_root=translate('00001.png', height=2, width=2),
        pipeline=LOAD)
    assert is_grey(dataset[0]) and dataset[0]['gt_seg_map'].tolist() == [[0, 18], [255, 13]]


def test_stream_draws_the_same_samples(labeled_config: Callable, translate: Callable) -> None:
    config = dict(labeled_config(), pipeline=[*LOAD, dict(type='PackSegInputs')])
    plain = StreamDataset(config)
    stream = StreamDataset(dict(config, translated_root=translate('000.png', '003.png')))
    seen = {}
    for position in range(5):
        ours, theirs = stream[StreamIndex(0, position)], plain[StreamIndex(0, position)]
        assert bool((ours['data_samples'].gt_sem_seg.data == theirs['data_samples'].gt_sem_seg.data).all())
        name = os.path.basename(theirs['data_samples'].img_path)
        assert os.path.basename(ours['data_samples'].img_path) == name
        seen[name] = bool((ours['inputs'] == GREY).all())
    assert seen == {'000.png': True, '001.png': False, '002.png': False, '003.png': True, '004.png': False}


def test_labels_of_smaller_translations(labeled_config: Callable, translate: Callable) -> None:
    config = labeled_config(pipeline=LOAD, label_map={0: 0, 1: 255, 2: 2})
    dataset = DATASETS.build(dict(config, translated_root=translate('001.png', height=8, width=16)))
    small = dataset[1]
    full = DATASETS.build(config)[1]['gt_seg_map']
    assert small['img'].shape == (8, 16, 3) and small['ori_shape'] == (8, 16)
    assert np.array_equal(small['gt_seg_map'], full[1::2, 1::2])
    assert (small['gt_seg_map'] == 255).any()
    assert dataset[0]['gt_seg_map'].shape == (16, 32)  # no translation: as it is


def test_a_label_that_never_fitted_its_image_is_refused(labeled_config: Callable, translate: Callable,
                                                        tmp_path: Path) -> None:
    config = dict(labeled_config(), pipeline=LOAD, translated_root=translate('001.png', height=8, width=16))
    write_image(tmp_path / 'source/labels/001.png', np.zeros((17, 33), np.uint8))
    with pytest.raises(SampleError, match=r'labels/001\.png is 33x17, but its image .*source/images/001\.png is 32x16'):
        DATASETS.build(config)[1]


def test_preflight_counts_translated_images(labeled_config: Callable, translate: Callable, tmp_path: Path) -> None:
    config = labeled_config(translated_root=translate('000.png', '003.png'))
    check = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=config)))
    assert check_config(check)[0] == (
        'train_dataloader.dataset.dataset: LabelMappedDataset, 5 labelled images (2 translated), 5 read and found good')
    config['translated_root'] = str(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match=r'train_dataloader\.dataset\.dataset: translated_root=.*nowhere'):
        check_config(check)


def test_wrong_arguments(image_folder: Callable, translate: Callable) -> None:
    with pytest.raises(ValueError, match=r"missing_translation='skip': allowed are \('original', 'error'\)"):
        build(image_folder(), missing_translation='skip')
    with pytest.raises(ValueError, match='read from local folders only'):
        build(image_folder(), translated_root=translate('000.png'), backend_args=dict(backend='local'))
