"""Labelling that is broken off goes on, and ends with the same files."""
import errno
import json
import re
from pathlib import Path

import numpy as np
import pytest

from labeling import NAMES, error_of, files_of, label, read, save_checkpoint
from small_data import write_image
from udas_mmseg.utils import file_set


def test_interrupted_run_ends_with_the_same_set(work: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'whole')
    write = file_set.replace_file

    def full_disk(path: Path, content: bytes) -> None:
        if path.name == Path(NAMES[1]).name:
            raise OSError(errno.ENOSPC, 'No space left on device')
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(file_set, 'replace_file', full_disk)
        with pytest.raises(SystemExit, match=r'the disk of cut is full .*kept in cut\.part.*same command'):
            label('mine.py', 'trained.pth', '--out', 'cut')
    assert not (work / 'cut').exists()
    first = (work / 'cut.part' / NAMES[0]).stat().st_mtime_ns
    capsys.readouterr()

    save_checkpoint('other.pth', 2)
    with pytest.raises(SystemExit, match=r'made with another checkpoint \(teacher trained\.pth.*--overwrite'):
        label('mine.py', 'other.pth', '--out', 'cut')
    with pytest.raises(SystemExit, match='made with another model or pipeline'):
        label('mine.py', 'trained.pth', '--out', 'cut', '--cfg-options', 'test_pipeline.1.scale=(96,64)',
              'test_dataloader.dataset.pipeline.1.scale=(96,64)')

    label('mine.py', 'trained.pth', '--out', 'cut')
    assert re.search('[12] of 3 labels are kept', capsys.readouterr().err)
    assert (work / 'cut' / NAMES[0]).stat().st_mtime_ns == first
    names = sorted(str(path.relative_to(work / 'whole')) for path in (work / 'whole').rglob('*.*'))
    assert len(names) == 7
    assert all((work / 'whole' / name).read_bytes() == (work / 'cut' / name).read_bytes() for name in names)

    with pytest.raises(SystemExit, match='complete set: 3 images, teacher trained.pth'):
        label('mine.py', 'other.pth', '--out', 'cut')
    label('mine.py', 'other.pth', '--out', 'cut', '--overwrite')
    assert json.loads((work / 'cut/index.json').read_text())['teacher']['checkpoint'] == 'other.pth'
    assert not all(np.array_equal(a, b) for a, b in zip(read(work / 'cut'), read(work / 'whole')))


@pytest.mark.parametrize('views', [1, 3])
def test_set_is_the_same_wherever_it_was_broken_off(work: Path, views: int) -> None:
    label('mine.py', 'trained.pth', '--out', 'whole', views=views)
    whole = files_of(work / 'whole')
    for number in range(3):
        begun = work / 'cut.part' / NAMES[number]
        begun.parent.mkdir(parents=True)
        header = json.loads(whole['index.json'])
        for key in ('num_images', 'skipped', 'class_share', 'confidence_histogram'):
            header.pop(key)
        (work / 'cut.part/index.json').write_text(json.dumps(header))
        for name in (NAMES[number], f'{NAMES[number][:-4]}_confidence.png'):
            (work / 'cut.part' / name).write_bytes(whole[name])
        label('mine.py', 'trained.pth', '--out', 'cut', '--batch-size', '2', workers=number % 2, views=views)
        assert files_of(work / 'cut') == whole
        label('mine.py', 'trained.pth', '--out', 'cut', '--temperature', '2', '--overwrite')
        assert files_of(work / 'cut') != whole
        (work / 'cut').rename(work / f'done_{number}')


def test_complete_set_of_the_same_is_left_as_it_is(work: Path, capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels', views=3)
    first, times = capsys.readouterr().out.splitlines()[-1], (work / 'labels' / NAMES[0]).stat().st_mtime_ns
    label('mine.py', 'trained.pth', '--out', 'labels', views=3)
    assert capsys.readouterr().out.splitlines()[-1] == first
    assert (work / 'labels' / NAMES[0]).stat().st_mtime_ns == times
    for options, what in ((['--seed', '1'], 'seed'), (['--temperature', '2'], 'temperature'),
                          (['--augment', 'type=SegRandAugment'], 'augmentation')):
        message = error_of('mine.py', 'trained.pth', '--out', 'labels', *options, views=3)
        assert 'has a complete set: 3 images' in message and f'made with another {what}' in message
    label('mine.py', 'trained.pth', '--out', 'labels', '--overwrite', views=3)
    assert (work / 'labels' / NAMES[0]).stat().st_mtime_ns > times


@pytest.fixture
def broken(work: Path) -> Path:
    """An image that is cut off, and that the look at the data before the start does not see."""
    for number in range(9):
        write_image(work / f'data/leftImg8bit/train/zwickau/{number}_leftImg8bit.png', np.zeros((40, 60, 3), np.uint8))
    path = Path('data/leftImg8bit/train', NAMES[2])
    path.write_bytes(path.read_bytes()[:-30])
    return path


@pytest.mark.parametrize('workers', [0, 1])
def test_broken_image_is_named_and_the_others_are_labelled(work: Path, broken: Path, workers: int) -> None:
    message = error_of('mine.py', 'trained.pth', '--out', 'labels', workers=workers)
    assert message.startswith('ValueError: 1 of 12 images cannot be read (max_broken=0); the others are labelled')
    assert f'\n- {broken} is truncated' in message and '--max-broken' in message
    kept = {path: path.stat().st_mtime_ns for path in (work / 'labels.part').rglob('*.png')}
    assert len(kept) == 22 and not (work / 'labels').exists()
    label('mine.py', 'trained.pth', '--out', 'labels', '--max-broken', '1', workers=workers)
    index = json.loads((work / 'labels/index.json').read_text())
    assert list(index['skipped']) == [NAMES[2]] and str(broken) in index['skipped'][NAMES[2]]
    assert index['num_images'] == 11 and not (work / 'labels' / NAMES[2]).exists()
    moved = {work / 'labels' / path.relative_to(work / 'labels.part'): time for path, time in kept.items()}
    assert {path: path.stat().st_mtime_ns for path in (work / 'labels').rglob('*.png')} == moved


def test_skipped_images_are_counted_and_said(work: Path, broken: Path, capsys: pytest.CaptureFixture) -> None:
    label('mine.py', 'trained.pth', '--out', 'labels', '--max-broken', '3')
    assert 'labels: 11 images, 1 skipped; pixels' in capsys.readouterr().out


def test_mended_image_is_labelled_by_the_same_command(work: Path, broken: Path) -> None:
    error_of('mine.py', 'trained.pth', '--out', 'labels')
    write_image(broken, np.zeros((40, 60, 3), np.uint8))
    label('mine.py', 'trained.pth', '--out', 'labels')
    assert json.loads((work / 'labels/index.json').read_text())['skipped'] == {}


def test_no_readable_image_at_all_is_an_error(work: Path) -> None:
    for name in NAMES:
        Path('data/leftImg8bit/train', name).write_bytes(b'no image')
    message = error_of('mine.py', 'trained.pth', '--out', 'labels', '--max-broken', '9')
    assert 'all 3 samples that were read are broken' in message and not (work / 'labels').exists()
