"""Places of images in a mirrored folder."""
import pytest

from udas_mmseg.utils.mirrored_folder import mirrored_path


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
