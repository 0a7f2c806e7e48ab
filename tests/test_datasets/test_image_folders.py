"""Folders as they are on disks: files of other programs, several suffixes, and several kinds of labels."""
import logging
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS

from small_data import CITY_NAMES, CLASSES, LOAD
from udas_mmseg.datasets import LabelMappedDataset
from udas_mmseg.datasets.image_folders import count_kinds, fitting_suffixes, list_files, other_images
from udas_mmseg.datasets.list_files import list_names
from udas_mmseg.datasets.preflight import check_config

CLUTTER_OF_DELETED = ('.Trash-1000/files/9.png', '$RECYCLE.BIN/S-1/9.png', '#recycle/9.png', '@Recycle/9.png',
                      '.snapshot/daily/9.png', '.Trashes/501/9.png', 'System Volume Information/9.png')
CLUTTER = ('.ipynb_checkpoints/000-checkpoint.png', '@eaDir/000.png', '__MACOSX/images/000.png', '._000.png')


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    found: List[str] = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handle',
                        lambda record: found.append(record.getMessage()) if record.levelno >= logging.WARNING else None)
    return found


def build(folder: Dict[str, Any], **changes: Any) -> LabelMappedDataset:
    return DATASETS.build({**dict(type='LabelMappedDataset', metainfo=CLASSES, pipeline=LOAD), **folder, **changes})


def copy(root: Path, kind: str, names: Dict[str, str]) -> None:
    """Copy images or labels of a small data set to new names."""
    for old, new in names.items():
        (root / kind / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / kind / old, root / kind / new)


def test_files_of_other_programs_are_left_out_and_said_once(image_folder: Callable, tmp_path: Path,
                                                            warnings: List[str]) -> None:
    folder = image_folder()
    for kind in ('images', 'labels'):
        for name in CLUTTER:
            copy(tmp_path / 'source', kind, {'000.png': name})
        (tmp_path / 'source' / kind / 'Thumbs.db').touch()
    for _ in range(2):
        dataset = build(folder)
        assert [Path(dataset.get_data_info(index)['img_path']).name for index in range(len(dataset))] == [
            f'00{number}.png' for number in range(5)]  # yapf: disable
    assert list_names(str(tmp_path / 'source/images'), '.png') == [f'00{number}' for number in range(5)]
    assert [text.split(' files')[0] for text in warnings] == [f'{tmp_path}/source/{kind}: 4 of 9'
                                                             for kind in ('images', 'labels')]


def test_deleted_images_and_older_states_of_a_disk_are_not_trained_on(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    for name in CLUTTER_OF_DELETED:
        copy(tmp_path / 'source', 'images', {'000.png': name})
    assert len(build(folder, data_prefix=dict(img_path='images'))) == 5  # without labels, nothing else would notice
    with pytest.raises(ValueError, match=f'takes {len(CLUTTER_OF_DELETED)} files in .* that other programs made'):
        check_config(dict(train_dataloader=dict(dataset=dict(type='BaseSegDataset', metainfo=CLASSES, pipeline=LOAD,
                                                             img_suffix='.png', seg_map_suffix='.png', **folder))))


def test_hidden_files_are_left_out_as_in_mmseg(tmp_path: Path) -> None:
    for name in ('.a.png', 'b.png', '.hidden/c.png', 'd.PNG'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(list_files(str(tmp_path), '.png')) == ['.hidden/c.png', 'b.png']
    assert sorted(list_files(str(tmp_path), '.png', dict(backend='local'))) == ['.hidden/c.png', 'b.png']


def test_suffixes_that_are_there_are_proposed(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    for number in range(3):
        copy(tmp_path / 'source', 'images', {f'00{number}.png': f'00{number}.JPG'})
        (tmp_path / f'source/images/00{number}.png').unlink()
    assert other_images(str(tmp_path / 'source/images'), '.jpg') == {'.JPG': 3, '.png': 2}
    with pytest.raises(FileNotFoundError, match=r"has no images ending in '\.jpg'\. It has 3 files ending in '\.JPG', "
                       r"2 in '\.png'\. Set `img_suffix`='\.JPG'"):
        build(folder, img_suffix='.jpg')
    shutil.rmtree(tmp_path / 'source/images')
    (tmp_path / 'source/images').mkdir()
    with pytest.raises(FileNotFoundError, match='and none of another type'):
        build(folder, img_suffix='.jpg')


def test_suffixes_have_the_words_that_files_share() -> None:
    paths = ['u/u_0_gtFine_labelIds.png', 'u/u_1_gtFine_labelIds.png', 'u/u_0_gtFine_color.png', 'a.png', 'Thumbs']
    assert count_kinds(paths) == {'.png': 2, '_gtFine_labelIds.png': 2, 'Thumbs': 1}


def test_two_kinds_of_labels(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    for number in range(5):
        for kind in ('_labelIds.png', '_color.png'):
            copy(tmp_path / 'source', 'labels', {f'00{number}.png': f'00{number}{kind}'})
        (tmp_path / f'source/labels/00{number}.png').unlink()
    assert fitting_suffixes(['000', '001'], str(tmp_path / 'source/labels')) == {'_color.png': 2, '_labelIds.png': 2}
    with pytest.raises(ValueError, match=r"5 of 5 labels are missing .* 5 files ending in '_color\.png', 5 in "
                       r"'_labelIds\.png': set `seg_map_suffix`"):
        build(folder)
    assert len(build(folder, seg_map_suffix='_labelIds.png')) == 5


def test_labels_of_another_kind_beside_those_of_the_images(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    for number in range(5):
        copy(tmp_path / 'source', 'labels', {f'00{number}.png': f'00{number}_color.png'})
    with pytest.raises(ValueError, match=r"5 of 10 labels .* no image .* 5 in '_color\.png'\. If these are several"):
        build(folder)


def test_labels_beside_their_images(image_folder: Callable, tmp_path: Path) -> None:
    folder = image_folder()
    for number in range(5):
        copy(tmp_path / 'source', 'images', {f'00{number}.png': f'00{number}_mask.png'})
    prefix = dict(img_path='images', seg_map_path='images')
    with pytest.raises(ValueError, match="seems to hold labels too, such as '000_mask' beside its image: move them"):
        build(folder, data_prefix=prefix, seg_map_suffix='_mask.png')


def test_budgets_do_not_choose_them(budget: Callable, tmp_path: Path) -> None:
    (tmp_path / 'cityscapes/img/ulm/.ipynb_checkpoints').mkdir()
    shutil.copy(tmp_path / f'cityscapes/img/{CITY_NAMES[-1]}_leftImg8bit.png',
                tmp_path / 'cityscapes/img/ulm/.ipynb_checkpoints/a-checkpoint_leftImg8bit.png')
    assert len(DATASETS.build(budget('1/1'))) == len(CITY_NAMES)


def test_mmsegs_own_data_sets_say_what_to_delete(city: Dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'cityscapes/img/ulm/.ipynb_checkpoints').mkdir()
    (tmp_path / 'cityscapes/img/ulm/.ipynb_checkpoints/a_leftImg8bit.png').touch()
    with pytest.raises(ValueError, match='CityscapesDataset of MMSegmentation takes 1 files .*checkpoints/a_left'):
        check_config(dict(val_dataloader=dict(dataset=city)))
