"""The summary of the samples that are read before a run starts."""
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from PIL import Image

from small_data import CLASSES, LOAD, write_image
from udas_mmseg.datasets.preflight import check_config


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    """Config of images with the given labels."""

    def make(labels: List[np.ndarray], name: str = 'data', image: Any = None, **changes: Any) -> Dict[str, Any]:
        rng = np.random.default_rng(0)
        for number, label in enumerate(labels):
            shown = rng.integers(0, 256, (*label.shape, 3), dtype=np.uint8) if image is None else image
            write_image(tmp_path / name / f'images/{number:03d}.png', shown)
            write_image(tmp_path / name / f'labels/{number:03d}.png', label.astype(np.uint8))
        return {**dict(type='LabelMappedDataset', metainfo=CLASSES, pipeline=LOAD, data_root=str(tmp_path / name),
                       data_prefix=dict(img_path='images', seg_map_path='labels')), **changes}  # yapf: disable

    return make


def check(train: Dict[str, Any], **options: Any) -> List[str]:
    return check_config(dict(train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=train))), **options)


def rows(*ids: int) -> np.ndarray:
    return np.repeat(np.array(ids, np.uint8)[:, None], 10, 1)


def test_shares_and_classes_that_do_not_occur(dataset: Callable) -> None:
    assert check(dataset([rows(0, 0, 1, 255)] * 3))[2:] == [
        '  in 3 labels: road 50.0 %, sidewalk 25.0 %, ignored 25.0 %', '  in none of these labels: other']


def test_all_samples_are_read_if_asked_for(dataset: Callable) -> None:
    train = dataset([rows(0)] * 4 + [rows(2)] + [rows(1)] * 4)
    assert check(train, num_scanned=2)[2:] == ['  in 2 labels: road 50.0 %, sidewalk 50.0 %, ignored 0.0 %',
                                               '  in none of these labels: other']
    assert '  in 9 labels: road 44.4 %, sidewalk 44.4 %, other 11.1 %, ignored 0.0 %' in check(train, num_scanned=None)


def test_much_ignored_is_a_warning_and_all_an_error(dataset: Callable) -> None:
    assert not any('warning' in line for line in check(dataset([rows(0, 1, 2, 255)])))
    lines = check(dataset([rows(0, 1, 7)], label_map={0: 0, 1: 1, 7: 255}))
    assert lines[-1].startswith('  warning: 33.3 % of the pixels are ignored (255). The ids in the files are 0, 1, 7.')
    with pytest.raises(ValueError, match=r'all pixels of the 2 labels that were read are ignored \(255\), such as '
                       r'.*000\.png\. The ids in the files are 7\. Correct `label_map`'):
        check(dataset([rows(7, 7)] * 2, 'other', label_map={0: 0, 7: 255}))


@pytest.mark.parametrize('label_map', [None, {0: 0, 1: 1}])
def test_binary_masks_are_named_with_their_map(dataset: Callable, label_map: Any) -> None:
    changes = dict(metainfo=dict(classes=('ground', 'box')))
    train = dataset([rows(0, 0, 0, 0, 255)] * 2, label_map=label_map, **changes)
    warning = check(train)[-1]
    assert 'only the ids 0 and 255, as binary masks have' in warning and 'label_map={0: 0, 255: 1}' in warning
    train['label_map'] = {0: 0, 255: 1}
    assert check(train)[2:] == ['  in 2 labels: ground 80.0 %, box 20.0 %, ignored 0.0 %']


def test_images_without_content_are_named(dataset: Callable) -> None:
    flat = dataset([rows(0, 1, 2)] * 2, 'flat', image=np.full((3, 10, 3), 7, np.uint8))
    assert check(flat)[-1].startswith('  warning: 2 of 2 images have a single colour: ')
    twelve_bits = np.random.default_rng(0).integers(0, 4096, (3, 10, 3), dtype=np.uint16)
    dark = dataset([rows(0, 1, 2)] * 2, 'dark', image=(twelve_bits // 256).astype(np.uint8))
    assert '  warning: 2 of 2 images are almost black: no value above 32 of 255' in check(dark)[-1]


def test_12_bits_in_16_bits_are_refused_or_said(dataset: Callable, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (3, 10, 3), dtype=np.uint16)
    train = dataset([rows(0, 1, 2)] * 2, 'deep', image=pixels)
    with pytest.raises(ValueError, match=r'000\.png has more than 8 bits a channel'):
        check(train)
    train['pipeline'] = [dict(type='LoadImageFromFile'), LOAD[1]]  # MMCV keeps the upper 8 bits
    assert '2 of 2 images are almost black' in check(train)[-1]


def test_colours_are_listed_with_their_classes(dataset: Callable) -> None:
    train = dataset([rows(0, 0, 1, 5)], label_map={(0, 0, 0): 0, (1, 1, 1): 2, (9, 9, 9): 2, (5, 5, 5): 255})
    assert check(train)[2:] == ['  in 1 labels: road (0, 0, 0) 50.0 %, other (1, 1, 1) (9, 9, 9) 25.0 %, ignored '
                                '(5, 5, 5) 25.0 %', '  in none of these labels: sidewalk']


@pytest.mark.parametrize('color_type, reading', [('color', 'turned as displayed'),
                                                 ('color_ignore_orientation', 'read as stored')])
def test_images_with_an_orientation_are_counted(dataset: Callable, tmp_path: Path, color_type: str,
                                                reading: str) -> None:
    train = dataset([rows(0, 1, 2)] * 3, pipeline=[dict(LOAD[0], color_type=color_type), LOAD[1]])
    exif = Image.Exif()
    exif[0x0112] = 3
    for name in ('000.png', '002.png'):
        path = tmp_path / 'data/images' / name
        Image.open(path).save(path, exif=exif)
    assert check(train)[1].endswith(f'; 2 with an EXIF orientation, {reading}')


def test_broken_samples_are_named(dataset: Callable, tmp_path: Path) -> None:
    train = dataset([rows(0, 1, 2)] * 3)
    (tmp_path / 'data/images/001.png').write_bytes(b'')
    stream = dict(type='StreamDataset', dataset=train, max_broken=2)
    lines = check_config(dict(train_dataloader=dict(dataset=stream)))
    assert '3 read 2 of 3 found good' in lines[0]
    assert lines[-1].startswith('  warning: 1 samples are broken and left out: ') and '001.png is empty' in lines[-1]


def test_hidden_files_and_those_of_other_programs_are_counted(dataset: Callable, tmp_path: Path) -> None:
    train = dataset([rows(0, 1, 2)] * 2)
    for name in ('.ipynb_checkpoints/000-checkpoint.png', '.hidden.png'):
        write_image(tmp_path / 'data/images' / name, rows(0, 1, 2))
    found = check(train)[1]
    assert found.startswith('  left out: 2 hidden files and files of other programs in ')
    assert found.endswith(': .hidden.png, .ipynb_checkpoints/000-checkpoint.png')


def test_labels_that_are_not_read_do_not_make_an_image_labelled(dataset: Callable) -> None:
    assert check(dataset([rows(0)], pipeline=LOAD[:1]))[0].endswith(
        'LabelMappedDataset, 1 images whose labels are not read, 1 read and found good')


def test_a_data_set_without_classes_is_not_told_to_have_zero(dataset: Callable) -> None:
    target = dataset([rows(0)], pipeline=LOAD[:1], metainfo=None, data_prefix=dict(img_path='images'))
    cfg = dict(model=dict(decode_head=dict(num_classes=3)), train_dataloader=dict(dataset=target))
    with pytest.raises(ValueError, match=r'has no classes, but model\.decode_head\.num_classes=3\. Set `metainfo`'):
        check_config(cfg)


def test_images_of_other_suffixes_are_counted(dataset: Callable, tmp_path: Path) -> None:
    train = dataset([rows(0, 1, 2)] * 2)
    for name in ('7.JPG', '8.JPG', '9.jpeg'):
        (tmp_path / 'data/images' / name).touch()
    assert "  warning: img_suffix='.png' leaves out 2 files ending in '.JPG', 1 in '.jpeg' in " in check(train)[1]
    assert "img_suffix='.JPG'" in check(train)[1]


def test_labels_among_unlabelled_images_are_noticed(dataset: Callable, tmp_path: Path) -> None:
    train = dataset([rows(0, 1, 2)] * 2, data_prefix=dict(img_path='images'), pipeline=LOAD[:1])
    for number in range(2):
        write_image(tmp_path / f'data/images/00{number}_mask.png', rows(0, 1, 2))
    assert "2 of 4 images are named like another one with a word added, such as '000_mask.png'" in check(train)[1]


def test_an_id_outside_the_classes_names_its_file_in_validation_data_too(dataset: Callable) -> None:
    val = dataset([rows(0, 1, 2, 255), rows(0, 3, 255)])
    with pytest.raises(ValueError, match=r'val_dataloader\.dataset: .*labels/001\.png has the ids \[3\], '
                       '10 pixels, but there are 3 classes: allowed are 0-2'):
        check_config(dict(val_dataloader=dict(dataset=val)))
