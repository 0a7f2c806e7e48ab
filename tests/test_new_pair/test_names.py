"""Names of classes from options and files."""
import json
from pathlib import Path
from typing import Any, Dict, Optional

import pytest

from udas_mmseg.datasets.label_scan import LabelScan
from udas_mmseg.new_pair.names import find_names, parse_classes

IDS = LabelScan('ids', pixels={0: 1, 1: 1, 2: 1})
COLORS = LabelScan('colors', pixels={(0, 0, 255): 1, (255, 0, 0): 1})
SKY_BOX = {(0, 0, 255): 'sky', (255, 0, 0): 'box'}
UNITY = dict(label_name='sky', pixel_value=dict(r=0, g=0, b=255, a=255))


def test_options() -> None:
    assert parse_classes('road, sidewalk', '--classes').names == ['road', 'sidewalk']
    found = parse_classes('7=road,#804080=lane,*=other', '--classes')
    assert (found.by_value, found.rest) == ({7: 'road', (128, 64, 128): 'lane'}, 'other')


@pytest.mark.parametrize('text, message', [('road,7=lane', 'names alone'), ('red=road', "'red' is neither an id"),
                                           (',', 'names alone'), ('7=', 'names alone')])
def test_wrong_options(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_classes(text, '--classes')


@pytest.mark.parametrize('name, text, scan, names, by_value', [
    ('classes.txt', 'sky\nground\n\nbox\n', IDS, ['sky', 'ground', 'box'], {}),
    ('classes.txt', '0: sky\n1: old ground\n2 box\n', IDS, [], {0: 'sky', 1: 'old ground', 2: 'box'}),
    ('classes.txt', 'sky 0 0 255\nbox 255 0 0\n', COLORS, [], SKY_BOX),
    ('class_names.txt', '__ignore__\n_background_\nbox\n', IDS, ['_background_', 'box'], {}),
    ('labelmap.txt', '# label:color_rgb:parts:actions\nsky:0,0,255::\nbox:255,0,0::\n', COLORS, [], SKY_BOX),
    ('result.json', json.dumps(dict(images=[], categories=[dict(id=0, name='sky'), dict(id=1, name='box')])), IDS, [],
     {0: 'sky', 1: 'box'}),
    ('annotation_definitions.json', json.dumps(dict(version='0.0.1', annotation_definitions=[
        dict(name='semantic segmentation', spec=[UNITY])])), COLORS, [], {(0, 0, 255): 'sky'}),
    ('annotation_definitions.json', json.dumps(dict(annotationDefinitions=[
        dict(spec=[dict(label_name='box', pixel_value=[255, 0, 0, 255])])])), COLORS, [], {(255, 0, 0): 'box'}),
])  # yapf: disable
@pytest.mark.parametrize('place', ['labels', ''])
def test_files_beside_the_labels(tmp_path: Path, place: str, name: str, text: str, scan: LabelScan, names: list,
                                 by_value: Dict[Any, str]) -> None:
    (tmp_path / 'labels').mkdir()
    (tmp_path / place / name).write_text(text)
    found = find_names(str(tmp_path / 'labels'), scan)
    assert found is not None and (found.names, found.by_value) == (names, by_value)
    assert found.origin == str(tmp_path / place / name)


@pytest.mark.parametrize('name, text, scan', [
    ('labelmap.txt', 'sky:0,0,255::\n', IDS),  # of other labels
    ('metadata.json', '{"categories": "none"}', IDS),
    ('broken.json', '{', IDS),
    ('notes.txt', 'sky\nbox\n', IDS),
])
def test_other_files_name_nothing(tmp_path: Path, name: str, text: str, scan: LabelScan) -> None:
    (tmp_path / name).write_text(text)
    assert find_names(str(tmp_path), scan) is None


@pytest.mark.parametrize('suffix, names', [
    ('_gtFine_labelIds.png', {7: 'road', 1: 'void', 33: 'bicycle'}),
    ('_gtFine_labelTrainIds.png', {7: 'traffic sign', 1: 'sidewalk', 33: 'void'})])
def test_suffixes_of_cityscapes_are_known(tmp_path: Path, suffix: str, names: dict) -> None:
    found = find_names(str(tmp_path), LabelScan('ids', pixels={7: 1, 1: 1, 33: 1}), suffix)
    assert found is not None and suffix in found.origin
    assert {value: found.by_value[value] for value in names} == names


def test_colours_of_cityscapes_are_known(tmp_path: Path) -> None:
    colors = {(128, 64, 128): 5, (244, 35, 232): 5, (0, 0, 0): 1}
    expected = {(128, 64, 128): 'road', (244, 35, 232): 'sidewalk', (0, 0, 0): 'void'}
    found: Optional[Any] = find_names(str(tmp_path), LabelScan('colors', pixels=dict(colors)))
    assert found.by_value == expected and 'cityscapes' in found.origin
    ids = LabelScan('ids', pixels={7: 1, 8: 1, 0: 1}, palette={0: (0, 0, 0), 7: (128, 64, 128), 8: (244, 35, 232)})
    assert find_names(str(tmp_path), ids).by_value == {7: 'road', 8: 'sidewalk', 0: 'void'}  # type: ignore[union-attr]
    assert find_names(str(tmp_path), LabelScan('colors', pixels={**colors, (1, 2, 3): 1})) is None
