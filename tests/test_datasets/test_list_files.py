"""List files as editors and other tools write them."""
import os.path as osp
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from mmseg.registry import DATASETS

from small_data import CITY_NAMES, CLASSES, LOAD
from udas_mmseg.datasets import LabelMappedDataset
from udas_mmseg.datasets.list_files import missing_files, read_lines, read_list
from udas_mmseg.datasets.preflight import check_config


@pytest.fixture
def listed(image_folder: Callable, tmp_path: Path) -> Callable[[bytes], LabelMappedDataset]:
    """A data set of 5 images with a list of the given content."""

    def make(content: bytes) -> LabelMappedDataset:
        (tmp_path / 'list.txt').write_bytes(content)
        return DATASETS.build(dict(type='LabelMappedDataset', metainfo=CLASSES, pipeline=LOAD,
                                   ann_file=str(tmp_path / 'list.txt'), **image_folder()))  # yapf: disable

    return make


@pytest.mark.parametrize('content', [b'003\n\n001\n\n', b'  003 \r\n\r\n001\t\r\n', b'\xef\xbb\xbf003\n001',
                                     b'\n003\r001\r'])
def test_what_editors_add_is_left_out(listed: Callable, tmp_path: Path, content: bytes) -> None:
    dataset = listed(content)
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert [Path(info['img_path']).name for info in infos] == ['003.png', '001.png']
    assert [Path(info['seg_map_path']).parent.name for info in infos] == ['labels', 'labels']
    assert read_list(tmp_path / 'list.txt') == ['003', '001']


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / 'list.txt').write_text('\nä\n\nb c\n', encoding='utf-8')
    assert [tuple(line) for line in read_lines(tmp_path / 'list.txt')] == [(2, 'ä'), (4, 'b c')]


@pytest.mark.parametrize(('content', 'encoding'), [
    ('003\n'.encode('utf-16'), 'UTF-16'), ('003\n'.encode('utf-16-be'), 'UTF-16 without a byte order mark'),
    ('003\n'.encode('utf-32'), 'UTF-32'), ('003\n00ä\n'.encode('latin-1'), r'an 8-bit .* \(byte 0xe4 in line 2\)'),
])
def test_other_encodings_are_named_with_the_file(listed: Callable, content: bytes, encoding: str) -> None:
    with pytest.raises(ValueError, match=fr'^the list .*list\.txt is encoded in {encoding}.* save it again as UTF-8'):
        listed(content)


@pytest.mark.parametrize(('line', 'fault'), [
    ('002.png', 'ends in a suffix'), ('002.JPG', 'ends in a suffix'),
    ('images/002.png labels/002.png', 'has 2 columns'),
    ('002.png,1,0', 'has 3 columns'), (r'a\\002', 'has backslashes'), ('/a/002', 'is an absolute path'),
])
def test_a_line_without_a_file_is_shown(listed: Callable, line: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r'^1 of 2 images in the list .*list\.txt do not exist') as error:
        listed(f'001\n\n{line}\n'.encode())
    assert f'Line 3 is {line!r}, which {fault}. A line must be a path below ' in str(error.value)
    assert "source/images without its suffix '.png'" in str(error.value)


def test_names_with_spaces_and_dots_are_names(image_folder: Callable, tmp_path: Path) -> None:
    image_folder()
    for kind in ('images', 'labels'):
        (tmp_path / f'source/{kind}/001.png').rename(tmp_path / f'source/{kind}/a b.png.png')
    for name in ('001', '002'):
        (tmp_path / f'source/images/{name}.png').touch()
    (tmp_path / 'list.txt').write_text('a b.png\n')
    dataset = LabelMappedDataset(ann_file=str(tmp_path / 'list.txt'), metainfo=CLASSES,
                                 data_root=str(tmp_path / 'source'),
                                 data_prefix=dict(img_path='images', seg_map_path='labels'))  # yapf: disable
    assert dataset.get_data_info(0)['img_path'].endswith('/images/a b.png.png')


def test_a_wrong_label_suffix_is_corrected(image_folder: Callable, tmp_path: Path) -> None:
    image_folder()
    (tmp_path / 'list.txt').write_text('001\n')
    with pytest.raises(ValueError, match=r"1 of 1 labels in the list .* has 1 files ending in '\.png': set"):
        LabelMappedDataset(ann_file=str(tmp_path / 'list.txt'), metainfo=CLASSES, data_root=str(tmp_path / 'source'),
                           data_prefix=dict(img_path='images', seg_map_path='labels'), seg_map_suffix='_l.png')


@pytest.mark.parametrize(('content', 'message'), [
    (f'{CITY_NAMES[0]}\n\n{CITY_NAMES[1]}\n'.encode(), 'line 2 of the list .* is empty, and CityscapesDataset of '),
    (f'{CITY_NAMES[0]}'.encode('utf-8-sig'), r'own\.txt begins with a byte order mark, which CityscapesDataset'),
    (f'{CITY_NAMES[0]}'.encode('utf-16'), r'own\.txt is encoded in UTF-16'),
    (f'{CITY_NAMES[0]}_leftImg8bit.png'.encode(), "Line 1 is 'aachen/.*.png', which ends in a suffix"),
])
def test_preflight_refuses_what_mmseg_would_misread(city: Dict[str, Any], tmp_path: Path, content: bytes,
                                                    message: str) -> None:
    (tmp_path / 'cityscapes/own.txt').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        check_config(dict(val_dataloader=dict(dataset=dict(city, ann_file='own.txt'))))


def test_budgets_read_them_too(budget: Callable, city: Dict[str, Any], tmp_path: Path) -> None:
    own = tmp_path / 'cityscapes/own.txt'
    own.write_text('\n'.join([*CITY_NAMES[:3], '', '  ']), encoding='utf-8-sig')
    assert len(DATASETS.build(budget(2, dataset=dict(city, ann_file='own.txt')))) == 2
    own.write_text(f'{CITY_NAMES[0]}\n{CITY_NAMES[1]} 7\n')
    with pytest.raises(ValueError, match=f"Line 2 is '{CITY_NAMES[1]} 7', which has 2 columns"):
        DATASETS.build(budget(1, dataset=dict(city, ann_file='own.txt')))


def test_missing_files_are_those_that_do_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ('1', 'a/1', 'a/2', 'a/b/1', 'b/1', 'b/3'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    paths = ['1', 'b/1', 'a/1', 'a/2', 'a/b/1', '2', 'a/3', 'b/2', 'b/3', 'a/b/2', 'a/2/1', 'c/1', 'ab/1', '3']
    for names in (paths, paths[::-1], [osp.join(tmp_path, path) for path in paths]):
        assert missing_files(names) == [name for name in names if not osp.exists(name)]
