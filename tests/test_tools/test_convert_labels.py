"""tools/convert_labels.py."""
import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawings import scene, write_drawings
from udas_mmseg.new_pair import PairOptions, new_pair

ROOT = Path(__file__).parents[2]
NAMES = ['sky', 'ground', 'box', 'bush']


def convert(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    monkeypatch.setattr(sys, 'argv', ['convert_labels.py', *args])
    runpy.run_path(str(ROOT / 'tools/convert_labels.py'))['main']()


def test_labels_of_coco_are_taken_up_by_new_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture) -> None:
    data = write_drawings(tmp_path / 'data', 2)
    (tmp_path / 'panoptic').mkdir()
    entries = []
    for number in range(2):
        ids = scene(np.random.default_rng(number), 48, 64)
        cv2.imwrite(str(tmp_path / f'panoptic/{number:03d}.png'), np.stack([0 * ids, 0 * ids, ids + 1], -1))
        entries.append(dict(image_id=number, file_name=f'{number:03d}.png', segments_info=[
            dict(id=int(value) + 1, category_id=10 + int(value)) for value in np.unique(ids)]))
    (tmp_path / 'panoptic.json').write_text(json.dumps(dict(
        images=[dict(id=number, file_name=f'{number:03d}.png', height=48, width=64) for number in range(2)],
        categories=[dict(id=10 + number, name=name) for number, name in enumerate(NAMES)], annotations=entries)))
    convert(monkeypatch, 'from-coco', str(tmp_path / 'panoptic.json'), '--images', str(data / 'drawings'), '--out',
            str(tmp_path / 'labels'))
    assert f'{tmp_path}/labels: 2 labels, and classes.txt with 4 classes' in capsys.readouterr().out
    pair = new_pair(PairOptions((str(data / 'drawings'), str(tmp_path / 'labels')), str(data / 'photos'),
                                str(tmp_path / 'pair')))
    text = (tmp_path / 'pair/dataset.py').read_text()
    assert all(repr(name) in text for name in NAMES), text
    assert not any('No names' in doubt for doubt in pair.doubts)


def test_mistakes_have_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match='FileNotFoundError: nowhere.json does not exist'):
        convert(monkeypatch, 'from-coco', 'nowhere.json', '--out', str(tmp_path / 'labels'))
    with pytest.raises(SystemExit, match='PREDICTIONS='):
        convert(monkeypatch, 'to-cvat', str(tmp_path / 'nowhere'), '--out', str(tmp_path / 'a.zip'))
