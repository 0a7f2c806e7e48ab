"""The files: GTA5's and Cityscapes' formats, complete or not there, never overwritten."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from small_data import draw_once
from udas_mmseg.scenes import label_palette, render_scene, write_cityscapes, write_gta5, writer
from udas_mmseg.scenes.png import encode_palette_png

SIZE = (64, 32)
TOOL = Path(__file__).parents[2] / 'tools' / 'make_demo_data.py'


def files(root):
    """Relative path -> content of everything below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob('*')) if path.is_file()}


def write_small(layout, root, **changes):
    """Write three training and two validation scenes in one of the two layouts."""
    write = {'gta5': write_gta5, 'cityscapes': write_cityscapes}[layout]
    write(root, **({'train': 3, 'val': 2, 'size': SIZE, 'progress': False} | changes))


@pytest.fixture(autouse=True)
def scenes_drawn_once(monkeypatch):
    monkeypatch.setattr(writer, 'render_scene', draw_once)


both_layouts = pytest.mark.parametrize('layout', ['gta5', 'cityscapes'])


def test_gta5_files(tmp_path):
    write_small('gta5', tmp_path)
    assert (tmp_path / 'train.txt').read_text().split() == ['00001', '00002', '00003']
    assert (tmp_path / 'val.txt').read_text().split() == ['00004', '00005']
    stems = [f'{number:05d}' for number in range(1, 6)]
    for folder in ('images', 'labels'):
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == [f'{s}.png' for s in stems]


@pytest.mark.parametrize(('stem', 'split', 'index'), [('00002', 'train', 1), ('00005', 'val', 1)])
def test_gta5_content(tmp_path, stem, split, index):
    """Labels are palette PNGs whose indices are label ids and whose colours are Cityscapes'."""
    write_small('gta5', tmp_path)
    image, label = render_scene('simulated', index, size=SIZE, split=split)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'images' / f'{stem}.png')), image)
    with Image.open(tmp_path / 'labels' / f'{stem}.png') as picture:
        assert picture.mode == 'P'
        np.testing.assert_array_equal(np.asarray(picture), label)
        coloured = np.asarray(picture.convert('RGB'))
    assert (coloured[label == 7] == (128, 64, 128)).all()
    assert (coloured[label == 11] == (70, 70, 70)).all()
    # OpenCV expands the palette: the same colours, as BGR.
    expanded = cv2.imread(str(tmp_path / 'labels' / f'{stem}.png'), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(expanded[..., ::-1], coloured)


def test_cityscapes_files(tmp_path):
    write_small('cityscapes', tmp_path)
    cities = {}
    for split, count in (('train', 3), ('val', 2)):
        images = sorted((tmp_path / 'leftImg8bit' / split).glob('*/*_leftImg8bit.png'))
        label_maps = sorted((tmp_path / 'gtFine' / split).glob('*/*_gtFine_labelIds.png'))
        assert len(images) == len(label_maps) == count
        for image, label_map in zip(images, label_maps):
            stem = image.name.removesuffix('_leftImg8bit.png')
            assert stem == label_map.name.removesuffix('_gtFine_labelIds.png')
            assert stem.split('_')[0] == image.parent.name == label_map.parent.name
        cities[split] = {image.parent.name for image in images}
    assert cities['train'].isdisjoint(cities['val'])


def test_cityscapes_content(tmp_path):
    write_small('cityscapes', tmp_path, train=1, val=1)
    for split in ('train', 'val'):
        image, label = render_scene('real', 0, size=SIZE, split=split)
        (image_file,) = (tmp_path / 'leftImg8bit' / split).rglob('*.png')
        (label_file,) = (tmp_path / 'gtFine' / split).rglob('*.png')
        np.testing.assert_array_equal(cv2.imread(str(image_file)), image)
        stored = cv2.imread(str(label_file), cv2.IMREAD_UNCHANGED)
        assert stored.ndim == 2
        np.testing.assert_array_equal(stored, label)
        with Image.open(label_file) as picture:
            assert picture.mode == 'L'


def test_palette_png_survives_the_round_trip(tmp_path):
    indices = np.random.default_rng(0).integers(0, 256, (7, 13), np.uint8)
    path = tmp_path / 'p.png'
    path.write_bytes(encode_palette_png(indices, label_palette()))
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), indices)
        stored = np.array(picture.getpalette()).reshape(-1, 3)
        np.testing.assert_array_equal(stored, label_palette())


@pytest.mark.parametrize('indices', [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.int32)])
def test_palette_png_refuses_other_arrays(indices):
    with pytest.raises(ValueError, match=r'must be \(H, W\) uint8'):
        encode_palette_png(indices, label_palette())


@both_layouts
def test_a_complete_set_is_kept(tmp_path, layout, monkeypatch):
    write_small(layout, tmp_path)
    before = files(tmp_path)

    def fail(*_, **__):
        raise AssertionError('a complete set was drawn again')

    monkeypatch.setattr(writer, 'render_scene', fail)
    write_small(layout, tmp_path)
    assert files(tmp_path) == before


@both_layouts
@pytest.mark.parametrize(('change', 'found', 'asked'), [
    ({'seed': 7}, 'seed=0', 'seed=7'),
    ({'train': 4}, 'train=3', 'train=4'),
    ({'size': (128, 64)}, r'size=\[64, 32\]', r'size=\[128, 64\]'),
])
def test_other_parameters_are_refused(tmp_path, layout, change, found, asked):
    write_small(layout, tmp_path)
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=f'{found}.*{asked}.*Delete the folder or choose'):
        write_small(layout, tmp_path, **change)
    assert files(tmp_path) == before


def test_the_other_layout_in_the_same_folder_is_refused(tmp_path):
    write_small('gta5', tmp_path)
    with pytest.raises(FileExistsError, match='layout=gta5.*layout=cityscapes'):
        write_small('cityscapes', tmp_path)


@both_layouts
def test_foreign_files_are_left_alone(tmp_path, layout):
    """A folder with the real GTA5 or Cityscapes must never be written to."""
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images' / '00001.png').write_bytes(b'precious')
    with pytest.raises(FileExistsError, match='not a generated set'):
        write_small(layout, tmp_path)
    assert files(tmp_path) == {'images/00001.png': b'precious'}


@both_layouts
@pytest.mark.parametrize('written', [1, 2, 5, 8])
def test_an_interrupted_write_is_completed(tmp_path, layout, monkeypatch, written):
    """Killed before any rename: no half file is visible, and the next run ends as if alone."""
    write_small(layout, tmp_path / 'whole')
    replace, renames = writer.os.replace, iter(range(written))

    def replace_or_die(source, target):
        if next(renames, None) is None:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(writer.os, 'replace', replace_or_die)
        write_small(layout, tmp_path / 'cut')
    whole, cut = files(tmp_path / 'whole'), files(tmp_path / 'cut')
    assert 'demo.json' not in cut
    assert len(cut) == written
    for name, content in cut.items():
        assert content == whole[name.removesuffix('.unfinished')]
    write_small(layout, tmp_path / 'cut')
    assert files(tmp_path / 'cut') == whole


def test_other_parameters_are_refused_for_an_unfinished_set_too(tmp_path):
    write_small('gta5', tmp_path)
    (tmp_path / 'demo.json').rename(tmp_path / 'demo.json.unfinished')
    with pytest.raises(FileExistsError, match='seed=0.*seed=1'):
        write_small('gta5', tmp_path, seed=1)


def test_remains_of_a_killed_run_are_removed(tmp_path):
    write_small('gta5', tmp_path)
    (tmp_path / 'demo.json').rename(tmp_path / 'demo.json.unfinished')
    remains = tmp_path / 'images' / '00003.png.writing'
    remains.write_bytes(b'half')
    write_small('gta5', tmp_path)
    assert not remains.exists()
    assert json.loads((tmp_path / 'demo.json').read_text())['train'] == 3


@both_layouts
def test_counts_must_make_sense(tmp_path, layout):
    for counts in ({'train': -1}, {'val': -1}, {'train': 0, 'val': 0}):
        with pytest.raises(ValueError, match='counts must be 0 or more'):
            write_small(layout, tmp_path, **counts)
    assert files(tmp_path) == {}


def run_tool(monkeypatch, *arguments):
    """Run the command line tool; returns its exit status."""
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOL), run_name='__main__')
    return end.value.code


def test_tool_writes_both_domains_and_the_contact_sheet(tmp_path, monkeypatch, capsys):
    out = tmp_path / 'demo'
    status = run_tool(monkeypatch, out, '--train', 2, '--val', 1, '--size', '64x32', '--seed', 3)
    assert status == 0
    assert (out / 'gta5' / 'demo.json').is_file()
    assert (out / 'cityscapes' / 'demo.json').is_file()
    assert cv2.imread(str(out / 'contact_sheet.jpg')).shape[1] > 4 * 64
    image, _ = render_scene('simulated', 0, seed=3, size=SIZE)
    np.testing.assert_array_equal(cv2.imread(str(out / 'gta5/images/00001.png')), image)
    assert '3/3 scenes' in capsys.readouterr().err
    assert run_tool(monkeypatch, out, '--train', 5, '--val', 1, '--size', '64x32') == 1
    assert 'train=2' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--size', '64'], 'WIDTHxHEIGHT'),
    (['--size', '64x8'], 'at least 16'),
    (['--train', '-2'], 'whole number'),
    (['--train', '0', '--val', '0'], 'nothing to write'),
])
def test_tool_explains_wrong_arguments(tmp_path, monkeypatch, capsys, arguments, message):
    assert run_tool(monkeypatch, tmp_path / 'demo', *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'demo').exists()
