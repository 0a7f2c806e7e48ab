"""Writing generated scenes in the folder and file formats of GTA5 and Cityscapes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .labels import label_palette
from .png import encode_palette_png
from .scene import RENDERER_VERSION, render_scene

MANIFEST = 'demo.json'
_UNFINISHED = 'demo.json.unfinished'
_TEMPORARY = '.writing'  # suffix of files that are not complete yet

#: Invented cities; train and val have none in common, as in Cityscapes.
CITIES = {
    'train': ('ahrenfeld', 'brunnstadt', 'kaltenbruck', 'mooshausen'),
    'val': ('lindenau', 'seeburg'),
}


@dataclass(frozen=True)
class _Job:
    """A scene and the paths of its two files, relative to the root."""

    domain: str
    split: str
    index: int
    image: str
    label: str


def write_gta5(
    root: str | os.PathLike[str], train: int, val: int = 0, *, seed: int = 0,
    size: tuple[int, int] = (256, 128), progress: bool = True,
) -> None:
    """Write simulated scenes as GTA5: `images/00001.png`, palette labels in `labels/00001.png`.

    The label maps have Cityscapes label ids. GTA5 has no official split in its folders, so the
    lists `train.txt` and `val.txt` contain the files of each split, one stem per line. A complete
    set with the same parameters is kept; an interrupted one is completed.

    Args:
        root: Folder to write to.
        train: Number of training images.
        val: Number of held-out images; their scenes are not among the training scenes.
        seed: Seed of the data set.
        size: (width, height) in pixels.
        progress: Whether to print progress and the time left to stderr.

    Raises:
        FileExistsError: If the folder holds another set, or files that are not generated.
        ValueError: If a count is negative, or `seed` or `size` is out of range.
    """
    jobs = [
        _Job('simulated', split, index, f'images/{stem}.png', f'labels/{stem}.png')
        for split, index, stem in _gta5_stems(train, val)
    ]
    lists = {
        f'{name}.txt': ''.join(f'{stem}\n' for split, _, stem in _gta5_stems(train, val)
                               if split == name)
        for name in ('train', 'val')
    }
    palette = label_palette()
    _write_set(Path(root), 'gta5', jobs, lists, train, val, seed, size, progress,
               lambda label: encode_palette_png(label, palette))


def write_cityscapes(
    root: str | os.PathLike[str], train: int, val: int, *, seed: int = 0,
    size: tuple[int, int] = (256, 128), progress: bool = True,
) -> None:
    """Write real-looking scenes as Cityscapes: `leftImg8bit/` and `gtFine/` by split and city.

    A complete set with the same parameters is kept; an interrupted one is completed.

    Args:
        root: Folder to write to.
        train: Number of training images.
        val: Number of validation images, from other cities.
        seed: Seed of the data set.
        size: (width, height) in pixels.
        progress: Whether to print progress and the time left to stderr.

    Raises:
        FileExistsError: If the folder holds another set, or files that are not generated.
        ValueError: If a count is negative, or `seed` or `size` is out of range.
    """
    jobs = []
    for split, count in (('train', train), ('val', val)):
        for index in range(count):
            city = CITIES[split][index % len(CITIES[split])]
            stem = f'{split}/{city}/{city}_{index // len(CITIES[split]):06d}_000019'
            jobs.append(_Job('real', split, index, f'leftImg8bit/{stem}_leftImg8bit.png',
                             f'gtFine/{stem}_gtFine_labelIds.png'))
    _write_set(Path(root), 'cityscapes', jobs, {}, train, val, seed, size, progress, _encode)


def _gta5_stems(train: int, val: int) -> Iterator[tuple[str, int, str]]:
    for number in range(max(train, 0) + max(val, 0)):
        split, index = ('train', number) if number < train else ('val', number - train)
        yield split, index, f'{number + 1:05d}'


def _write_set(
    root: Path, layout: str, jobs: Sequence[_Job], lists: dict[str, str], train: int, val: int,
    seed: int, size: tuple[int, int], progress: bool,
    encode_label: Callable[[NDArray[np.uint8]], bytes],
) -> None:
    if train < 0 or val < 0 or train + val == 0:
        raise ValueError(f'train={train}, val={val}: counts must be 0 or more, not both 0.')
    parameters = {'layout': layout, 'train': train, 'val': val, 'seed': seed,
                  'size': list(size), 'renderer': RENDERER_VERSION}
    if _is_complete(root, parameters):
        return
    root.mkdir(parents=True, exist_ok=True)
    _remove_temporaries(root)
    _write_atomically(root / _UNFINISHED, json.dumps(parameters, indent=2).encode() + b'\n')
    report = _Progress(f'{layout} in {root}', len(jobs), progress)
    for job in jobs:
        # The label is written last: where it exists, the image is complete as well.
        if not (root / job.label).exists():
            image, label = render_scene(job.domain, job.index, seed, size, job.split)
            _write_atomically(root / job.image, _encode(image))
            _write_atomically(root / job.label, encode_label(label))
        report.step()
    for name, text in lists.items():
        _write_atomically(root / name, text.encode())
    os.replace(root / _UNFINISHED, root / MANIFEST)


def _is_complete(root: Path, parameters: dict[str, Any]) -> bool:
    """Whether the set already exists.

    Raises:
        FileExistsError: If the folder has other files.
    """
    for name in (MANIFEST, _UNFINISHED):
        manifest = root / name
        if manifest.is_file():
            found = _read_manifest(manifest)
            if found != parameters:
                raise FileExistsError(
                    f'{root} has a generated set with {_brief(found)}, but '
                    f'{_brief(parameters)} was requested. Delete the folder or choose another '
                    'one.')
            return name == MANIFEST
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f'{root} has files but no {MANIFEST}: it is not a generated set and is not changed. '
            'Choose another folder.')
    return False


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FileExistsError(
            f'{path} is not the description of a generated set. Delete the folder {path.parent} '
            'or choose another one.')
    return found


def _brief(parameters: dict[str, Any]) -> str:
    return ', '.join(f'{name}={value}' for name, value in parameters.items())


def _encode(picture: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode('.png', picture)
    assert done, 'OpenCV encodes every 8-bit picture as PNG'
    return data.tobytes()


def _write_atomically(path: Path, content: bytes) -> None:
    """Write under a temporary name and rename, so that readers never see an incomplete file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_temporaries(root: Path) -> None:
    """Remove what a killed run left behind."""
    for path in root.rglob(f'*{_TEMPORARY}'):
        path.unlink(missing_ok=True)


class _Progress:
    """Prints the progress of writing and the remaining time, every few seconds."""

    def __init__(self, what: str, total: int, enabled: bool, interval: float = 5.0) -> None:
        self._what = what
        self._total = total
        self._enabled = enabled
        self._interval = interval
        self._done = 0
        self._start = self._last = time.monotonic()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        finished = self._done == self._total
        if not self._enabled or (now - self._last < self._interval and not finished):
            return
        self._last = now
        left = (now - self._start) / self._done * (self._total - self._done)
        state = f'{now - self._start:.0f} s' if finished else f'{left:.0f} s left'
        print(f'{self._what}: {self._done}/{self._total} scenes, {state}', file=sys.stderr,
              flush=True)
