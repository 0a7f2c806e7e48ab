"""Places of images in a mirrored folder."""
import os.path as osp

import pytest

from udas_mmseg.utils.mirrored_folder import mirrored_path, mirrored_paths


@pytest.mark.parametrize('image, root, file', [
    ('data/train/frankfurt/x_leftImg8bit.png', 'data/train', 'frankfurt/x_leftImg8bit.png'),
    ('data/train/1.jpg', 'data/train/', '1.png'),
    ('/data/a/b/1.v2.jpg', '/data', 'a/b/1.v2.png'),
    ('data/train/..x.png', 'data/train', '..x.png'),
    ('1.png', '', '1.png'),
])  # yapf: disable
def test_file_has_the_place_of_its_image(image: str, root: str, file: str) -> None:
    assert mirrored_path(image, root) == file


@pytest.mark.parametrize('image', ['data/val/1.png', 'other.png', '/elsewhere/1.png'])
def test_image_outside_the_folder_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match='not below .*img_path'):
        mirrored_path(image, 'data/train')


@pytest.mark.parametrize('names, root', [
    (['data/train/a/1.jpg', 'data/train/a/2.v1.jpg', 'data/train/a/b/1.jpg', 'data/train/a/3.jpg'], 'data/train'),
    (['data/train/1.jpg', 'data/train/.2.jpg', 'data/train/..x.png', 'data/train/no_ending'], 'data/train/'),
    (['data//train/a/1.jpg', 'data/./train/2.jpg', 'data/train/b/../3.jpg'], 'data/train'),
    (['1.png', '2.png', 'a/1.png'], ''),
])  # yapf: disable
def test_paths_of_many_images_are_those_of_each(names: list, root: str) -> None:
    assert mirrored_paths(names, root, 'labels') == [osp.join('labels', mirrored_path(name, root)) for name in names]


def test_one_image_outside_the_folder_is_refused() -> None:
    with pytest.raises(ValueError, match='data/val/1.png is not below'):
        mirrored_paths(['data/train/1.png', 'data/val/1.png'], 'data/train', 'labels')
