"""Labels from COCO files."""
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import cv2
import numpy as np
import pytest

from coco_data import CAR, PERSON, RECTANGLE, ROAD, content, runs, segment, write, write_panoptic
from udas_mmseg.label_formats import CocoFile, CocoImage, convert_coco
from udas_mmseg.new_pair.names import _read_text

convert_coco_module = sys.modules['udas_mmseg.label_formats.convert_coco']

EVERYWHERE = np.ones((4, 8), bool)
INFOS = [dict(id=70000, category_id=ROAD), dict(id=300, category_id=CAR)]
SEGMENTS = np.array([[0] * 8, [70000] * 4 + [300] * 4, [70000] * 8, [70000] * 8])


def read(path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None and found.dtype == np.uint8
    return found


def road_and_car() -> np.ndarray:
    expected = np.full((4, 8), 0)
    expected[1:3, 2:6] = 2
    return expected


def test_polygons_and_runs(tmp_path: Path) -> None:
    below = np.zeros((4, 8), bool)
    below[2:] = True
    path = write(tmp_path / 'c.json', content([segment(ROAD, runs(below)), segment(CAR, RECTANGLE, 2)]))
    report = convert_coco(path, str(tmp_path / 'out'))
    label = read(tmp_path / 'out/town/a.png')
    expected = np.where(below, 0, 255)
    expected[1:3, 2:6] = 2
    assert np.array_equal(label, expected)
    assert (tmp_path / 'out/classes.txt').read_text() == '0 road\n1 person\n2 car\n'
    names = _read_text(str(tmp_path / 'out/classes.txt'))
    assert names is not None and names.by_value == {0: 'road', 1: 'person', 2: 'car'}
    assert (report.num_labels, report.unlabeled, report.covered) == (1, ['b.jpg'], 4)
    assert report.ignored == (expected == 255).sum() and report.pixels == 32


def test_compressed_runs(tmp_path: Path) -> None:
    from pycocotools import mask
    stored = mask.encode(np.asfortranarray(EVERYWHERE.astype(np.uint8)))
    shape = dict(size=stored['size'], counts=stored['counts'].decode())
    convert_coco(write(tmp_path / 'c.json', content([segment(PERSON, shape)])), str(tmp_path / 'out'))
    assert (read(tmp_path / 'out/town/a.png') == 1).all()


def test_later_segments_cover_earlier_ones_and_crowds_are_below(tmp_path: Path) -> None:
    car, road = segment(CAR, RECTANGLE, 1), segment(ROAD, runs(EVERYWHERE), 2)
    for name, order in dict(last=[road, car], crowd=[car, {**road, 'iscrowd': 1}]).items():
        convert_coco(write(tmp_path / f'{name}.json', content(order)), str(tmp_path / name))
        assert np.array_equal(read(tmp_path / name / 'town/a.png'), road_and_car())
    convert_coco(write(tmp_path / 'c.json', content([car, road])), str(tmp_path / 'first'))
    assert (read(tmp_path / 'first/town/a.png') == 0).all()


@pytest.mark.parametrize('name, classes', [('other', 4), ('road', 3)])
def test_background_is_a_class(tmp_path: Path, name: str, classes: int) -> None:
    path = write(tmp_path / 'c.json', content([segment(CAR, RECTANGLE)]))
    report = convert_coco(path, str(tmp_path / 'out'), background=name)
    number = report.classes.index(name)
    expected = np.where(road_and_car() == 2, 2, number)
    assert np.array_equal(read(tmp_path / 'out/town/a.png'), expected) and len(report.classes) == classes
    assert (read(tmp_path / 'out/b.png') == number).all() and not report.unlabeled  # an image without a segment


def test_panoptic(tmp_path: Path) -> None:
    report = convert_coco(write_panoptic(tmp_path, SEGMENTS, INFOS), str(tmp_path / 'out'))
    expected = np.choose(np.searchsorted([0, 300, 70000], SEGMENTS), [255, 2, 0])
    assert np.array_equal(read(tmp_path / 'out/town/a.png'), expected)
    assert report.ignored == 8 and report.unlabeled == ['b.jpg']


@pytest.mark.parametrize('segments, infos, message', [
    (SEGMENTS, INFOS[:1], '1 segments are in the PNG, but not in `segments_info`, such as the id 300'),
    (SEGMENTS, [*INFOS, dict(id=5, category_id=CAR)], 'in `segments_info`, but not in the PNG, such as the id 5'),
    (SEGMENTS, [*INFOS, dict(id=300, category_id=ROAD)], 'two segments with the id 300'),
    (SEGMENTS[:3], INFOS, r'a.png is 8x3, but .* town/a.jpg is 8x4'),
    (SEGMENTS, [dict(id=300, category_id=4)], r'segments_info\[0\] has the category 4, which is not in'),
])
def test_panoptic_mistakes(tmp_path: Path, segments: np.ndarray, infos: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert_coco(write_panoptic(tmp_path, segments, infos), str(tmp_path / 'out'))


def test_missing_files_of_segments(tmp_path: Path) -> None:
    path = write_panoptic(tmp_path, SEGMENTS, INFOS, 'other.png')
    with pytest.raises(FileNotFoundError, match='1 of 1 PNG files of segments .*a.png'):
        convert_coco(path, str(tmp_path / 'out'))
    with pytest.raises(FileNotFoundError, match='nowhere does not exist. Give it with --masks'):
        convert_coco(path, str(tmp_path / 'out'), masks=str(tmp_path / 'nowhere'))


def without(key: str) -> Callable[[Dict[str, Any]], None]:
    return lambda coco: coco.pop(key)


def annotation(**changes: Any) -> Callable[[Dict[str, Any]], None]:
    return lambda coco: coco['annotations'][0].update(changes)


def image(**changes: Any) -> Callable[[Dict[str, Any]], None]:
    return lambda coco: coco['images'][0].update(changes)


@pytest.mark.parametrize('change, message', [
    (without('categories'), "no list 'categories', so it is not a COCO file"),
    (annotation(image_id=5), r'annotations\[0\] is of image 5, which is not in `images`'),
    (annotation(category_id=5), r'annotations\[0\] has the category 5, which is not in `categories`'),
    (annotation(category_id=None), r"annotations\[0\] has no 'category_id'"),
    (annotation(segmentation=[]), r'annotations\[0\] has no `segmentation`'),
    (annotation(segmentation=[[0, 0, 5, 5]]), 'annotation 1 of town/a.jpg is neither run lengths nor polygons'),
    (annotation(segmentation=dict(size=[8, 4], counts=[32])), r'has the size \[8, 4\], but its image is \[4, 8\]'),
    (annotation(segmentation=dict(size=[4, 8], counts=[5, 5])), 'has run lengths of 10 pixels, but its image has 32'),
    (annotation(segmentation=dict(size=[4, 8], counts='P9999')), 'annotation 1 of town/a.jpg cannot be decoded'),
    (annotation(segmentation=dict(size=[4, 8])), 'annotation 1 of town/a.jpg cannot be decoded'),
    (image(file_name='/data/a.jpg'), "file_name='/data/a.jpg'. It must be a path below"),
    (image(file_name='https://host/a.jpg'), "file_name='https://host/a.jpg'"),
    (image(height=None), r"images\[0\] has no 'height'"),
    (image(width=0), 'has width 0 and height 4'),
    (image(id=2), 'the images town/a.jpg and b.jpg have the same id 2'),
    (lambda coco: coco['categories'][0].update(id=ROAD), "'car' and 'road' have the same id 7"),
    (lambda coco: coco['annotations'].clear(), 'has no segment in 2 images'),
    (lambda coco: coco['categories'].extend(dict(id=1000 + i, name=f'c{i}') for i in range(300)), 'has 303 categories'),
])
def test_mistakes(tmp_path: Path, change: Callable, message: str) -> None:
    coco = content([segment(CAR, RECTANGLE)])
    change(coco)
    with pytest.raises(ValueError, match=message):
        convert_coco(write(tmp_path / 'c.json', coco), str(tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    for text in ('{', '[]'):
        (tmp_path / 'c.json').write_text(text)
        with pytest.raises(ValueError, match=r'c\.json is not a JSON file|c\.json has no list'):
            convert_coco(str(tmp_path / 'c.json'), str(tmp_path / 'out'))
    with pytest.raises(FileNotFoundError, match='nowhere.json does not exist'):
        convert_coco(str(tmp_path / 'nowhere.json'), str(tmp_path / 'out'))


def test_images_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path / 'c.json', content([segment(CAR, RECTANGLE)]))
    (tmp_path / 'images/town').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match='1 of 1 images .*town/a.jpg'):
        convert_coco(path, str(tmp_path / 'out'), str(tmp_path / 'images'))
    cv2.imwrite(str(tmp_path / 'images/town/a.jpg'), np.zeros((4, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r'a.jpg is 9x4, but .* says 8x4'):
        convert_coco(path, str(tmp_path / 'out'), str(tmp_path / 'images'))
    cv2.imwrite(str(tmp_path / 'images/town/a.jpg'), np.zeros((4, 8, 3), np.uint8))
    assert convert_coco(path, str(tmp_path / 'out'), str(tmp_path / 'images')).num_labels == 1


def test_an_interrupted_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [segment(CAR, RECTANGLE), segment(CAR, RECTANGLE, 2, image_id=2)]
    path, out = write(tmp_path / 'c.json', content(both)), str(tmp_path / 'out')
    draw = convert_coco_module.draw_segments

    def interrupt(coco: CocoFile, image: CocoImage, background: int) -> Any:
        if image.name == 'b.jpg':
            raise KeyboardInterrupt
        return draw(coco, image, background)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(convert_coco_module, 'draw_segments', interrupt)
        convert_coco(path, out)
    assert not (tmp_path / 'out').exists()
    kept = (tmp_path / 'out.part/town/a.png').stat().st_mtime_ns
    report = convert_coco(path, out)
    assert (report.kept, report.num_labels, report.pixels) == (1, 2, 32)
    assert (tmp_path / 'out/town/a.png').stat().st_mtime_ns == kept
    assert np.array_equal(read(tmp_path / 'out/b.png'), np.where(road_and_car() == 2, 2, 255))
    assert convert_coco(path, out).kept == 2


def test_labels_of_another_file_are_not_mixed(tmp_path: Path) -> None:
    first, out = write(tmp_path / 'c.json', content([segment(CAR, RECTANGLE)])), str(tmp_path / 'out')
    other = write(tmp_path / 'd.json', content([segment(PERSON, RECTANGLE)]))
    convert_coco(first, out)
    with pytest.raises(FileExistsError, match='another annotation file'):
        convert_coco(other, out)
    with pytest.raises(FileExistsError, match='another background'):
        convert_coco(first, out, background='other')
    convert_coco(other, out, overwrite=True)
    assert 1 in read(tmp_path / 'out/town/a.png')


def test_without_pycocotools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(ImportError, match='pip install pycocotools'):
        convert_coco(write(tmp_path / 'c.json', content([segment(CAR, RECTANGLE)])), str(tmp_path / 'out'))
    convert_coco(write_panoptic(tmp_path, SEGMENTS, INFOS), str(tmp_path / 'panoptic_labels'))  # needs none
