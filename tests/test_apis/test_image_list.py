"""Files, folders and lists that a user names."""
import os
from pathlib import Path
from typing import List

import pytest

from udas_mmseg.apis.image_list import find_images, output_names


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ('a/0.jpg', 'a/ulm/1.PNG', 'a/ulm/._1.png', 'a/notes.txt', 'a/clip.mp4', 'a/.hidden.png', 'b/0.jpg'):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize('arguments, paths, root', [
    (['a'], ['a/0.jpg', 'a/ulm/1.PNG'], 'a'),
    (['a/'], ['a/0.jpg', 'a/ulm/1.PNG'], 'a'),
    (['a/ulm/1.PNG'], ['a/ulm/1.PNG'], 'a/ulm'),
    (['b', 'a', 'a/0.jpg'], ['b/0.jpg', 'a/0.jpg', 'a/ulm/1.PNG'], '.'),
    (['a/0.jpg', 'a/ulm/1.PNG'], ['a/0.jpg', 'a/ulm/1.PNG'], 'a'),
    (['a/clip.mp4'], ['a/clip.mp4'], 'a'),
])
def test_images_and_their_folder(files: Path, arguments: List[str], paths: List[str], root: str) -> None:
    found = find_images(arguments)
    assert [os.path.relpath(path) for path in found.paths] == paths and os.path.relpath(found.root) == root
    assert found.are_videos == (paths == ['a/clip.mp4'])


def test_lists_have_paths_from_here_or_from_the_list(files: Path) -> None:
    Path('a/list.txt').write_text('ulm/1.PNG\n\nb/0.jpg\n')
    found = find_images(['a/list.txt'])
    assert [os.path.relpath(path) for path in found.paths] == ['a/ulm/1.PNG', 'b/0.jpg']
    Path('list.txt').write_text('a/0.jpg\na/ulm/1\n')
    with pytest.raises(FileNotFoundError, match=r"line 2 of the list list\.txt is 'a/ulm/1': there is no such file"):
        find_images(['list.txt'])


def test_mistakes(files: Path) -> None:
    with pytest.raises(ValueError, match=r'clip\.mp4 is a video, and 1 others are images'):
        find_images(['a/clip.mp4', 'a/0.jpg'])
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        find_images(['nowhere'])
    Path('empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'empty has no images\. Images are files ending in \.bmp'):
        find_images(['empty'])
    Path('empty.txt').touch()
    with pytest.raises(ValueError, match='there are no images'):
        find_images(['empty.txt'])


@pytest.mark.parametrize('names, expected', [
    (['a.jpg', 'b.png', 'ulm/a.jpg'], ['a', 'b', 'ulm/a']),
    (['a.jpg', 'a.png', 'b.png'], ['a.jpg', 'a.png', 'b']),
    (['a.jpg', 'a.png', 'a.jpg.png'], ['a.jpg', 'a.png', 'a.jpg.png']),
    ([], []),
])
def test_names_that_differ_in_their_suffix_alone_keep_it(names: List[str], expected: List[str]) -> None:
    assert output_names(names) == expected
