"""Files that are written whole or not at all."""
import fcntl
import json
import os
import os.path as osp
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from mmengine.fileio import get, put

from udas_mmseg.utils.files import path_below, paths_below, replace_file, to_json

SIZE = 1 << 20


def test_file_is_written_and_replaced_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / 'new/folder/file'
    for content in (b'long content', b'short', b''):
        replace_file(path, content)
        assert path.read_bytes() == content and os.listdir(path.parent) == ['file']


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'file'
    replace_file(path, b'old')

    def full_disk(*args: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full_disk)
    with pytest.raises(OSError, match='No space left'):
        replace_file(path, b'new')
    assert path.read_bytes() == b'old' and os.listdir(tmp_path) == ['file']


def test_what_a_killed_process_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / 'file.part').write_bytes(b'half of a longer file')
    replace_file(tmp_path / 'file', b'whole')
    assert (tmp_path / 'file').read_bytes() == b'whole' and os.listdir(tmp_path) == ['file']


def write_often(path: str, number: int) -> bool:
    """Write one of several contents; whether every content that is read is whole."""
    whole = True
    for _ in range(20):
        replace_file(path, bytes([number]) * SIZE)
        content = Path(path).read_bytes()
        whole &= len(content) == content.count(content[:1]) == SIZE
    return whole


@pytest.mark.parametrize('pool', [ThreadPoolExecutor, ProcessPoolExecutor])
def test_several_may_write_at_once(tmp_path: Path, pool: type) -> None:
    with pool(4) as workers:
        assert all(workers.map(write_often, [str(tmp_path / 'file')] * 4, range(4)))
    assert os.listdir(tmp_path) == ['file']


def without_locks(*args: object) -> None:
    raise OSError(38, 'Function not implemented')


@pytest.mark.parametrize('pool', [ThreadPoolExecutor, ProcessPoolExecutor])
def test_several_may_write_at_once_on_a_file_system_without_locks(tmp_path: Path, pool: type,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, 'flock', without_locks)
    with pool(4) as workers:
        assert all(workers.map(write_often, [str(tmp_path / 'file')] * 4, range(4)))
    assert os.listdir(tmp_path) == ['file']


def test_mmengine_writes_so_by_the_atomic_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, options = str(tmp_path / 'folder/checkpoint.pth'), dict(backend='atomic')
    put(b'first', path, backend_args=options)
    assert get(path, backend_args=options) == b'first'
    monkeypatch.setattr(os, 'replace', lambda *paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        put(b'second', path, backend_args=options)
    assert Path(path).read_bytes() == b'first'


def test_json_has_null_for_numbers_that_are_not_finite() -> None:
    content = dict(IoU=float('nan'), all=[1.5, float('inf'), dict(a=np.float64('nan'))], name='x', n=2)
    assert json.loads(to_json(content)) == dict(IoU=None, all=[1.5, None, dict(a=None)], name='x', n=2)
    assert b'NaN' not in to_json(content)


@pytest.mark.parametrize('path, folder', [
    ('data/a/b.png', 'data'), ('/data/b.png', '/data'), ('x/../data/b.png', 'x/../data'), ('data/a/../b.png', 'data'),
    ('data/./b.png', 'data'), ('data//b.png', 'data'), ('data/../b.png', 'data'), ('data/.cache/b.png', 'data'),
    ('data2/b.png', 'data'), ('data/b.png', 'data/'), ('data/b/', 'data'), ('data', 'data'), ('data/', 'data'),
    ('./data/b.png', 'data'), ('data/b.png', ''), ('/b.png', ''), ('b.png', '.'), ('b.png', 'data')])
def test_path_below_is_the_relative_path(path: str, folder: str) -> None:
    assert path_below(path, folder) == osp.relpath(path, folder or '.')


@pytest.mark.parametrize('folder', ['', 'images', 'images/', '/data/images', '/'])
def test_paths_below_are_joined(folder: str) -> None:
    names = ['a', 'b/c', '../d', './e', '/f', 'g.h', '']
    assert paths_below(folder, names, '.png') == [osp.join(folder, f'{name}.png') for name in names]
