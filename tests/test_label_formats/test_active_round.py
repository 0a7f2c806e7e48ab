"""Rounds of active labelling in Label Studio, COCO and index PNGs."""
import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import cv2
import numpy as np
import pytest
from PIL import Image

from active_rounds import (
    HEIGHT,
    NAMES,
    POINTS,
    WIDTH,
    left,
    point_map,
    polygon,
    read_tasks,
    region_map,
    submitted,
    write_export,
    write_round,
)
from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.label_formats import export_round, import_round

ROAD, CAR, SKY = range(3)


def exported(tmp_path: Path, **options: Any) -> List[Dict[str, Any]]:
    write_round(tmp_path, **options)
    export_round(str(tmp_path / 'round_1'), 'label-studio')
    return read_tasks(tmp_path / 'round_1')


def take(tmp_path: Path, tasks: Any, **options: str) -> Any:
    return import_round(str(tmp_path / 'round_1'), write_export(tmp_path / 'export.json', tasks), **options)


def label_of(tmp_path: Path, name: str = NAMES[0]) -> np.ndarray:
    found = cv2.imread(str(tmp_path / f'round_1/labels/{name}.png'), cv2.IMREAD_UNCHANGED)
    assert found is not None and found.dtype == np.uint8
    return found


def log_of(tmp_path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / 'round_1/answers.jsonl').read_text().splitlines()]


def test_accepted_regions_are_labelled_exactly(tmp_path: Path) -> None:
    """Outlines are simplified and have no holes; an unchanged one still labels exactly the pixels of its region."""
    tasks = exported(tmp_path)
    assert [task['data']['name'] for task in tasks] == list(NAMES)  # most useful first
    report = take(tmp_path, [submitted(tasks[0], 1), left(tasks[1], 2)])
    units = region_map()
    assert np.array_equal(label_of(tmp_path), np.choose(units, [255, ROAD, CAR, 255]))
    assert (report.images, report.units, report.new, report.clicks) == (1, 2, 2, 2)
    assert report.notes == ['1 of 2 tasks are not labelled',
                            '1 units in these images have no answer here; earlier answers for them are kept']
    assert [(line['unit'], line['by'], line['at']) for line in log_of(tmp_path)] == [
        (1, 'user 7', '2026-01-01T10:05:00+00:00'), (2, 'user 7', '2026-01-01T10:05:00+00:00')]
    assert not (tmp_path / f'round_1/labels/{NAMES[1]}.png').exists()


def test_polygons_are_drawn_in_their_order_inside_the_selection(tmp_path: Path) -> None:
    task = submitted(exported(tmp_path)[0], 1)
    task['annotations'][0]['result'] += [polygon([[0, 0], [30, 0], [30, 12], [0, 12]], 'sky')]
    report = take(tmp_path, [task], by='anna')
    expected = np.choose(region_map(), [255, ROAD, CAR, 255])
    expected[:13] = np.where(expected[:13] < 255, SKY, 255)  # OpenCV counts pixels on the border, too
    assert np.array_equal(label_of(tmp_path)[:12], expected[:12])
    assert np.array_equal(label_of(tmp_path)[13:], expected[13:])
    assert report.clicks == 2 + 4 and 'outside the selected ones' in report.notes[-1]
    assert {line['by'] for line in log_of(tmp_path)} == {'anna'}


def test_configuration_of_label_studio(tmp_path: Path) -> None:
    task = exported(tmp_path)[0]
    text = (tmp_path / 'round_1/label-studio/labeling_config.xml').read_text()
    assert '<Label value="road" background="#804080"/>' in text and 'PolygonLabels name="label" toName="image"' in text
    assert task['data']['image'] == '/data/local-files/?d=images/town/b.jpg'
    assert [result['value']['polygonlabels'] for result in task['predictions'][0]['result']] == [
        ['road'], ['car'], ['to label']]


def test_points(tmp_path: Path) -> None:
    task = submitted(exported(tmp_path, unit='points')[0], 1)
    moved, away, unsure = task['annotations'][0]['result']
    assert moved['value']['x'] == pytest.approx((POINTS[0][0] + 0.5) / WIDTH * 100)
    moved['value'].update(x=moved['value']['x'] + 2.4 / WIDTH * 100, keypointlabels=['sky'])
    away['value'].update(y=away['value']['y'] - 4 / HEIGHT * 100)
    report = take(tmp_path, [task])
    assert np.array_equal(label_of(tmp_path), np.where(point_map() == 1, SKY, 255))
    assert (report.units, report.clicks) == (1, 1)
    assert report.notes[-1] == '1 pixels (or points) outside the selected ones were drawn, and are left out'


def test_whole_images_have_no_pre_annotations(tmp_path: Path) -> None:
    tasks = exported(tmp_path, unit='images')
    assert tasks[0]['predictions'] == []
    tasks[0]['predictions'] = [dict(result=[polygon([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], 'road'),
                                            polygon([[8.5, 8.5], [12.5, 8.5], [12.5, 12.5], [8.5, 12.5]], 'car'),
                                            polygon([[WIDTH - 0.5, 20.5], [WIDTH + 1, 20.5], [WIDTH + 1, 23.5],
                                                     [WIDTH - 0.5, 23.5]], 'sky'),  # a tool may go 1 pixel too far
                                            polygon([[WIDTH + 1, 2], [WIDTH + 1, 3], [WIDTH + 1, 4]], 'car')])]
    take(tmp_path, [submitted(tasks[0], 1)])
    expected = np.zeros((HEIGHT, WIDTH))
    expected[8:13, 8:13] = CAR
    expected[20:24, -1] = SKY
    assert np.array_equal(label_of(tmp_path), expected)


def test_the_later_of_two_answers_counts_and_nothing_is_lost(tmp_path: Path) -> None:
    tasks = exported(tmp_path)
    first, second = submitted(tasks[0], 1), submitted(tasks[0], 1, updated_at='2026-01-02T00:00:00Z', completed_by=8)
    take(tmp_path, [first])
    assert take(tmp_path, [first]).new == 0  # the same file again
    second['annotations'][0]['result'][0]['value']['polygonlabels'] = ['sky']
    report = take(tmp_path, [second])
    assert len(report.conflicts) == 1 and 'town/b, unit 1: answered by user 7' in report.conflicts[0]
    assert '(road), and now by user 8 (sky)' in report.conflicts[0]
    both = {**first, 'annotations': second['annotations'] + first['annotations']}  # in one file, in any order
    report = take(tmp_path, [both])
    assert report.new == 0 and not report.conflicts and 'have several annotations' in report.notes[0]
    assert np.array_equal(label_of(tmp_path), np.choose(region_map(), [255, SKY, CAR, 255]))
    assert [(line['unit'], line['by']) for line in log_of(tmp_path)] == [
        (1, 'user 7'), (2, 'user 7'), (1, 'user 8'), (2, 'user 8')]


def test_later_rounds_keep_earlier_answers(tmp_path: Path) -> None:
    take(tmp_path, [submitted(exported(tmp_path)[0], 1)])
    write_round(tmp_path, 'images', 2)
    folder = str(tmp_path / 'round_2')
    export_round(folder, 'label-studio')
    task = read_tasks(tmp_path / 'round_2')[0]
    task['predictions'] = [dict(result=[polygon([[0, 0], [5, 0], [5, 5], [0, 5]], 'sky')])]
    path = write_export(tmp_path / 'export.json', [submitted(task, 1)])
    import_round(folder, path)
    label = AnswerStore(Selection.read(folder)).read(NAMES[0])
    assert label is not None and (label[:5, :5] == SKY).all() and (label[region_map() == 2] == CAR).all()
    with pytest.raises(ValueError, match='task 1 is of round 2, but .* is round 1'):
        import_round(str(tmp_path / 'round_1'), path)


def result(**changes: Any) -> Callable[[Dict[str, Any]], None]:
    return lambda task: task['annotations'][0]['result'][0].update(changes)


def value(**changes: Any) -> Callable[[Dict[str, Any]], None]:
    return lambda task: task['annotations'][0]['result'][0]['value'].update(changes)


@pytest.mark.parametrize('change, message', [
    (lambda task: task['data'].update(name='town/z'), r'1 images are not in round 1 .*town/z.* has 2 images'),
    (lambda task: task['data'].pop('name'), 'task 1 has no `data.name`'),
    (value(polygonlabels=['lorry']), "polygon 'unit-1-0' has the class 'lorry', .* road, car, sky"),
    (value(polygonlabels=[]), 'has 0 classes'),
    (value(points=[[10, 10], [120, 10], [10, 30]]), 'point at x=48.0, y=3.0, outside its image of 40x30 pixels'),
    (value(points=[[10, 10], [12, 10]]), 'has 2 points; a polygon has three or more'),
    (value(points='many'), 'cannot be read'),
    (result(type='brushlabels'), "type 'brushlabels'; allowed .* Brush masks are not read"),
    (result(original_width=80), 'on an image of 80x30 pixels, .* the round has 40x30'),
    (result(image_rotation=90), 'rotated by 90 degrees'),
])
def test_mistakes_in_label_studio(tmp_path: Path, change: Callable, message: str) -> None:
    tasks = exported(tmp_path)
    good, bad = submitted(tasks[1], 2), submitted(tasks[0], 1)
    change(bad)
    with pytest.raises(ValueError, match=message):
        take(tmp_path, [good, bad])
    assert not (tmp_path / 'round_1/answers.jsonl').exists()  # also not the good one


def test_other_files_are_refused(tmp_path: Path) -> None:
    exported(tmp_path)
    for content, message in (([dict(image='a.jpg')], 'not JSON-MIN'), ({}, 'is not a COCO file'), ([], 'not a list')):
        with pytest.raises(ValueError, match=message):
            take(tmp_path, content)
    with pytest.raises(FileNotFoundError, match='nowhere.json does not exist'):
        import_round(str(tmp_path / 'round_1'), str(tmp_path / 'nowhere.json'))
    with pytest.raises(FileExistsError, match='a person may have changed it'):
        export_round(str(tmp_path / 'round_1'), 'label-studio')
    for root in ('round_1', 'images'):
        with pytest.raises(ValueError, match='is not in a folder below the document root'):
            export_round(str(tmp_path / 'round_1'), 'label-studio', str(tmp_path / 'out'), str(tmp_path / root))


def test_cancelled_annotations_and_drafts_do_not_count(tmp_path: Path) -> None:
    tasks = exported(tmp_path)
    cancelled, draft = submitted(tasks[0], 1), {**left(tasks[1], 2), 'drafts': [dict(result=[])]}
    cancelled['annotations'][0]['was_cancelled'] = True
    report = take(tmp_path, [cancelled, draft])
    assert report.units == 0 and report.notes == [
        '1 of 2 tasks are cancelled (skipped)', '1 of 2 tasks are not labelled',
        '1 tasks have drafts, which do not count: submit them in Label Studio']


def test_coco(tmp_path: Path) -> None:
    write_round(tmp_path)
    folder = str(tmp_path / 'round_1')
    path = Path(export_round(folder, 'coco', first=1)[0], 'annotations.json')
    coco = json.loads(path.read_text())
    assert [image['file_name'] for image in coco['images']] == ['town/b.jpg']
    assert import_round(folder, str(path)).units == 0  # nobody has chosen a class
    disc, corner = coco['annotations'][0], coco['annotations'][1]
    disc['category_id'] = 1 + CAR
    corner.update(category_id=1 + SKY, segmentation=dict(size=[HEIGHT, WIDTH], counts=[0, HEIGHT * WIDTH]))
    coco['annotations'] = [corner, disc]  # a mask below a polygon
    path.write_text(json.dumps(coco))
    report = import_round(folder, str(path), by='anna')
    assert np.array_equal(label_of(tmp_path), np.choose(region_map(), [255, CAR, SKY, SKY]))
    assert report.units == 3 and '1 images of the round have no answer in the file' in report.notes
    for change, message in ((dict(category_id=5), "'lorry', which the round does not have"),
                            (dict(segmentation=[[0, 0, 99, 0, 99, 9]]), 'outside its image of 40x30')):
        other = {**coco, 'annotations': [{**disc, **change}],
                 'categories': [*coco['categories'], dict(id=5, name='lorry')]}
        with pytest.raises(ValueError, match=message):
            import_round(folder, write_export(tmp_path / 'other.json', other))


def test_points_are_not_written_as_coco(tmp_path: Path) -> None:
    write_round(tmp_path, 'points')
    with pytest.raises(ValueError, match='Use --format label-studio or --format png'):
        export_round(str(tmp_path / 'round_1'), 'coco')


def test_index_pngs(tmp_path: Path) -> None:
    write_round(tmp_path)
    folder = str(tmp_path / 'round_1')
    out = Path(export_round(folder, 'png')[0])
    path = out / 'labels/town/b.png'
    with Image.open(path) as image:
        ids, palette = np.array(image), image.getpalette()
    assert image.mode == 'P' and np.array_equal(ids, np.where(region_map() > 0, 254, 255))
    assert palette is not None and palette[:6] == [128, 64, 128, 0, 0, 142]
    assert (out / 'classes.txt').read_text().endswith('2 sky\n254 to label\n255 not selected\n')
    ids[:, 20:] = SKY
    Image.fromarray(ids).save(path)
    report = import_round(folder, str(out), by='anna')
    assert np.array_equal(label_of(tmp_path), np.where(region_map() > 1, SKY, 255))
    assert (report.units, report.clicks) == (2, 8) and report.notes[0] == '1 of 2 files have no painted pixel'
    for content, message in ((ids[1:], 'is 40x29, but its image is 40x30'), (np.where(ids == SKY, 3, ids), 'id 3')):
        Image.fromarray(content.astype(np.uint8)).save(path)
        with pytest.raises(ValueError, match=message):
            import_round(folder, str(out))
    path.rename(out / 'labels/z.png')
    with pytest.raises(ValueError, match='1 images are not in round 1'):
        import_round(folder, str(out))


