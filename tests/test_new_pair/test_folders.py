"""Looking at folders as users have them."""
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from small_data import write_image
from udas_mmseg.new_pair.folders import Folder, look_at

IMAGE, LABEL = np.zeros((6, 8, 3), np.uint8), np.array([[0, 1] * 4] * 6, np.uint8)


def write_pairs(root: Path, names: str = 'abc', image: str = '.jpg', label: str = '.png') -> None:
    for name in names:
        write_image(root / 'images' / f'{name}{image}', IMAGE)
        write_image(root / 'labels' / f'{name}{label}', LABEL)


def look(root: Path, labels: str = 'labels') -> Folder:
    return look_at('source', str(root / 'images'), str(root / labels))


def with_orientation(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(IMAGE).save(path, exif=exif)


def test_a_good_folder_needs_no_list(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    found = look(tmp_path)
    assert (found.names, found.img_suffix, found.seg_suffix) == (['a', 'b', 'c'], '.jpg', '.png')
    assert found.size == (8, 6) and not found.is_listed and found.doubts == []
    assert found.facts == ['3 images, .jpg, 8x6 (3)', 'labels: .png, grey, 8 bits']


def test_words_in_names_are_suffixes(tmp_path: Path) -> None:
    write_pairs(tmp_path, image='_leftImg8bit.png', label='_gtFine_labelIds.png')
    for name in 'abc':
        write_image(tmp_path / f'labels/{name}_gtFine_color.png', np.dstack([LABEL] * 3))
    found = look(tmp_path)
    assert (found.img_suffix, found.seg_suffix, found.names) == ('_leftImg8bit.png', '_gtFine_labelIds.png', ['a', 'b',
                                                                                                             'c'])
    assert "as many files in '_gtFine_color.png'" in found.doubts[0]


@pytest.mark.parametrize('image', ['.jpg', '.png'])
def test_labels_beside_their_images(tmp_path: Path, image: str) -> None:
    for name in 'abc':
        write_image(tmp_path / f'images/{name}{image}', IMAGE)
        write_image(tmp_path / f'images/{name}_mask.png', LABEL)
    found = look(tmp_path, 'images')
    assert (found.names, found.img_suffix, found.seg_suffix) == (['a', 'b', 'c'], image, '_mask.png')
    assert found.is_listed == (image == '.png')  # else masks would be taken for images


def test_other_suffixes_are_said(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    write_image(tmp_path / 'images/d.png', IMAGE)
    (tmp_path / 'images/e.JPG').write_bytes((tmp_path / 'images/a.jpg').read_bytes())
    found = look_at('target', str(tmp_path / 'images'))
    assert found.names == ['a', 'b', 'c'] and "1 files ending in '.JPG', 1 in '.png' are left out" in found.doubts[0]


def test_what_has_no_partner_or_is_broken_is_left_out_with_a_list(tmp_path: Path) -> None:
    write_pairs(tmp_path, 'abcdef')
    (tmp_path / 'labels/a.png').unlink()
    (tmp_path / 'images/b.jpg').unlink()
    (tmp_path / 'images/c.jpg').write_bytes((tmp_path / 'images/d.jpg').read_bytes()[:-30])
    (tmp_path / 'labels/d.png').write_bytes((tmp_path / 'labels/e.png').read_bytes()[:-30])
    write_image(tmp_path / 'labels/e.png', LABEL[:4])
    found = look(tmp_path)
    assert found.names == ['f'] and found.is_listed
    text = '\n'.join(found.doubts)
    for part in ('1 images have no label', '1 labels have no image', '1 images are broken', '1 labels are broken',
                 'e.png is 8x4, its image 8x6'):
        assert part in text, text


def test_a_label_that_fits_the_stored_image_decides_its_reading(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    with_orientation(tmp_path / 'images/b.jpg', 6)
    found = look(tmp_path)
    assert found.color_type == 'color_ignore_orientation' and found.names == ['a', 'b', 'c']
    assert 'as they are stored' in found.doubts[-1]


def test_a_label_that_fits_the_turned_image_does_too(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    with_orientation(tmp_path / 'images/b.jpg', 6)
    write_image(tmp_path / 'labels/b.png', np.ascontiguousarray(LABEL.T))
    found = look(tmp_path)
    assert found.color_type == 'color' and found.names == ['a', 'b', 'c'] and found.sizes == {(8, 6): 2, (6, 8): 1}


def test_upside_down_images_fit_both_readings(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    with_orientation(tmp_path / 'images/b.jpg', 3)
    assert 'fit both readings' in look(tmp_path).doubts[-1]


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='source: the folder .*images does not exist'):
        look(tmp_path)
    (tmp_path / 'images').mkdir()
    (tmp_path / 'labels').mkdir()
    with pytest.raises(FileNotFoundError, match=r'image does not exist .*Did you mean .*images\?'):
        look_at('target', str(tmp_path / 'image'))
    with pytest.raises(FileNotFoundError, match=r'nothing does not exist \(looked in [^)]*\)\.$'):
        look_at('target', str(tmp_path / 'nothing'))
    with pytest.raises(FileNotFoundError, match='has no images'):
        look(tmp_path)
    write_image(tmp_path / 'images/a.png', IMAGE)
    write_image(tmp_path / 'labels/label_a.png', LABEL)
    with pytest.raises(ValueError, match="no image of .* has a label .*such as 'a'"):
        look(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png', IMAGE)
    with pytest.raises(FileNotFoundError, match='a.png is a file. Give the folder'):
        look_at('target', str(tmp_path / 'a.png'))


def test_folders_in_the_wrong_order_are_said(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    (tmp_path / 'labels').mkdir()
    write_image(tmp_path / 'images/a.png', LABEL)
    write_image(tmp_path / 'labels/a.jpg', IMAGE)
    with pytest.raises(ValueError, match=r'wrong order\? Give IMAGES, then LABELS'):
        look(tmp_path)


def test_images_of_16_bits_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    assert cv2.imwrite(str(tmp_path / 'images/a.png'), IMAGE.astype(np.uint16))
    with pytest.raises(ValueError, match='more than 8 bits'):
        look_at('target', str(tmp_path / 'images'))


def test_some_of_many_files_are_read(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    (tmp_path / 'images/b.jpg').write_bytes(b'')
    found = look_at('source', str(tmp_path / 'images'), str(tmp_path / 'labels'), num_read=2)
    assert found.names == ['a', 'b', 'c'] and found.facts[0] == '3 images, .jpg, 8x6 (2); 2 of them read'
    assert '2 of 3 labels were read' in found.doubts[0]
