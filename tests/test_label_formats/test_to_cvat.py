"""Predictions and pseudo-labels as an archive for CVAT."""
import json
import zipfile
from pathlib import Path
from typing import Any, Sequence

import cv2
import numpy as np
import pytest

from udas_mmseg.datasets.label_colors import map_colors
from udas_mmseg.datasets.label_files import read_colors
from udas_mmseg.datasets.label_scan import scan_labels
from udas_mmseg.label_formats import write_cvat
from udas_mmseg.new_pair.names import find_names

LABEL = np.array([[0, 1, 255], [2, 1, 0]], np.uint8)
COLORS = [(128, 64, 128), (0, 0, 255), (0, 128, 0)]


def write_predictions(root: Path, colors: Sequence[Any] = COLORS,
                      names: Sequence[str] = ('road', 'sky', 'bush')) -> str:
    (root / 'mask/town').mkdir(parents=True)
    cv2.imwrite(str(root / 'mask/town/a.png'), LABEL)
    listed = [dict(id=number, name=name, color=color) for number, (name, color) in enumerate(zip(names, colors))]
    (root / 'classes.json').write_text(json.dumps(listed))
    return str(root)


def unpack(path: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(path.with_suffix(''))
    return path.with_suffix('')


@pytest.mark.parametrize('colors', [COLORS, [(0, 0, 0), (0, 0, 255), (0, 128, 0)], [(9, 9, 9)] * 3],
                         ids=['own', 'black', 'equal'])
def test_predictions_come_back(tmp_path: Path, colors: list) -> None:
    count, classes = write_cvat(write_predictions(tmp_path / 'predictions', colors), str(tmp_path / 'for_cvat.zip'))
    assert (count, classes) == (1, ['road', 'sky', 'bush'])
    found = unpack(tmp_path / 'for_cvat.zip')
    assert (found / 'ImageSets/Segmentation/default.txt').read_text() == 'town/a\n'
    path = str(found / 'SegmentationClass/town/a.png')
    named = find_names(str(found / 'SegmentationClass'), scan_labels([path]))
    assert named is not None and named.origin.endswith('labelmap.txt')
    label_map = {color: dict(road=0, sky=1, bush=2, background=255)[name] for color, name in named.by_value.items()}
    assert np.array_equal(map_colors(read_colors(path), label_map), LABEL)
    objects = cv2.imread(str(found / 'SegmentationObject/town/a.png'))
    assert np.array_equal(objects.any(-1), LABEL != 255)


def test_pseudo_labels_come_back(tmp_path: Path) -> None:
    root = tmp_path / 'set'
    root.mkdir()
    for name in ('a', 'a_confidence'):
        cv2.imwrite(str(root / f'{name}.png'), LABEL)
    (root / 'index.json').write_text(json.dumps(dict(teacher={}, classes=['road', 'sky', 'bush'], num_images=1)))
    assert write_cvat(str(root), str(tmp_path / 'a.zip'))[0] == 1
    found = unpack(tmp_path / 'a.zip')
    assert 'road:128,0,0::\nsky:0,128,0::\nbush:128,128,0::' in (found / 'labelmap.txt').read_text()
    with pytest.raises(FileExistsError, match='a.zip'):
        write_cvat(str(root), str(tmp_path / 'a.zip'))


def test_mistakes(tmp_path: Path) -> None:
    out = str(tmp_path / 'a.zip')
    with pytest.raises(ValueError, match="'sky: blue' occurs twice or has a colon"):
        write_cvat(write_predictions(tmp_path / '1', names=['road', 'sky: blue', 'bush']), out)
    with pytest.raises(ValueError, match=r'has the id 2; the classes have \[0, 1\]'):
        write_cvat(write_predictions(tmp_path / '2', names=['road', 'sky']), out)
    with pytest.raises(FileNotFoundError, match="PREDICTIONS='.*nowhere' is not a folder"):
        write_cvat(str(tmp_path / 'nowhere'), out)
    with pytest.raises(ValueError, match='give a .zip file'):
        write_cvat(str(tmp_path / '1'), str(tmp_path / 'a.tar'))
    assert not [path.name for path in tmp_path.iterdir() if path.is_file()]  # also no temporary file
