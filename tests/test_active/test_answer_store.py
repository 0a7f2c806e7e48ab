"""Answers of a round: what is stored, conflicts, earlier rounds, and interruptions."""
import errno
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds import CLASSES, MAPS, select_regions
from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.active import answer_store as answer_store_module
from udas_mmseg.datasets.label_files import read_label
from udas_mmseg.datasets.label_mapped import LabelMappedDataset

WHO = dict(by='anna', tool='hand')


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return AnswerStore(select_regions(tmp_path))


def lines(store: AnswerStore) -> list:
    return [json.loads(line) for line in store.log.path.read_text().splitlines()]


def label_of(store: AnswerStore, image: str = 'ulm/0') -> list:
    label = store.read(image)
    assert label is not None and label.dtype == np.uint8
    return label.tolist()


def test_selection_is_read_as_written(tmp_path: Path) -> None:
    written = select_regions(tmp_path, model=dict(checkpoint='a.pth'))
    found = Selection.read(tmp_path / 'round_1')
    assert [image.name for image in found.images] == ['ulm/0', '1'] and found['1'].units == written['1'].units
    assert (found.strategy, tuple(found.classes), found.model) == (written.strategy, CLASSES, written.model)
    assert read_label(str(tmp_path / 'round_1/units/ulm/0.png')).dtype == np.uint16
    assert np.array_equal(found.unit_map('ulm/0'), MAPS['ulm/0'])


def test_selection_is_never_replaced(tmp_path: Path) -> None:
    select_regions(tmp_path)
    select_regions(tmp_path)
    with pytest.raises(FileExistsError, match='another selection'):
        select_regions(tmp_path, strategy=dict(type='entropy'))


def test_incomplete_or_damaged_selections_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='not the folder of a round'):
        Selection.read(tmp_path)
    selection = select_regions(tmp_path)
    with pytest.raises(ValueError, match='1 images have no map'):
        selection.write(tmp_path / 'new', [('1', MAPS['1'])])
    with pytest.raises(ValueError, match='5 pixels'):
        selection.write(tmp_path / 'new', [('1', MAPS['1'] + np.eye(2, 4, dtype=int))])
    assert not (tmp_path / 'new/selection.json').exists()
    path = tmp_path / 'round_1/selection.json'
    path.write_text(path.read_text().replace('"version": 1', '"version": 7'))
    with pytest.raises(ValueError, match='version is not 1'):
        Selection.read(tmp_path / 'round_1')


def test_answers_change_only_the_pixels_of_their_units(store: AnswerStore) -> None:
    store.add('ulm/0', 1, 'sidewalk', **WHO)
    assert label_of(store) == [[1, 1, 255, 255], [255] * 4]
    whole = np.array([[7, 7, 7, 7], [99, 99, 2, 255]])  # no class outside of the unit
    stored = store.add('ulm/0', 2, whole, clicks=3, **WHO)
    assert label_of(store) == [[1, 1, 255, 255], [255, 255, 2, 255]] and stored.answer.pixels == {2: 1}
    assert not stored.conflict and stored.is_new
    first, second = lines(store)
    assert first.pop('at').endswith('+00:00')
    assert first == dict(image='ulm/0', unit=1, pixels={'1': 2}, clicks=4, **WHO) and second['clicks'] == 3
    assert store.status() == dict(round=1, images=2, images_begun=1, images_answered=1, units=3, units_answered=2,
                                  clicks=7, pixels=dict(sidewalk=2, building=1), by=dict(anna=2))
    assert store.labelled() == ['ulm/0'] and store.answered('ulm/0') == [1, 2]


def test_later_answer_counts_and_the_conflict_is_described(store: AnswerStore) -> None:
    store.add('1', 1, 0, **WHO)
    again = store.add('1', 1, 0, **WHO)
    assert not again.is_new and not again.conflict and len(lines(store)) == 1
    other = store.add('1', 1, np.array([[9, 0, 2, 2], [9] * 4]), by='bob', tool='hand')
    assert other.conflict.startswith('1, unit 1: answered by anna at ')
    assert '(road), and now by bob (road, building); 2 pixels differ. The later' in other.conflict
    assert label_of(store, '1') == [[255, 0, 2, 2], [255] * 4] and len(lines(store)) == 2
    assert store.status()['pixels'] == dict(road=1, building=2) and store.status()['clicks'] == 4
    assert AnswerStore(store.selection).status() == store.status()
    assert pickle.loads(pickle.dumps(store)).status() == store.status()  # as it is sent to other processes


@pytest.mark.parametrize('image, unit, label, message', [
    ('2', 1, 0, "2 is not in round 1 .* such as \\['ulm/0', '1'\\]"),
    ('1', 2, 0, '1 has no unit 2 in round 1: it has the units 1-1'),
    ('1', 0, 0, 'no unit 0'),
    ('1', 1, 'car', "'car' is not a class. Allowed are .'road', 'sidewalk', 'building'., their train ids 0-2, and 255"),
    ('1', 1, 3, '3 is not a class'),
    ('1', 1, np.full((2, 4), 3), r'the label of 1, unit 1, has the ids \[3\], 3 pixels'),
    ('1', 1, np.zeros((4, 2), np.uint8), r'shape \(4, 2\), but its image has \(2, 4\)'),
])
def test_wrong_answers_are_refused(store: AnswerStore, image: str, unit: int, label: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        store.add(image, unit, label, **WHO)
    assert not store.log.path.exists() and store.labelled() == []


def test_wrong_answer_leaves_the_others_of_its_image_unstored(store: AnswerStore) -> None:
    with pytest.raises(ValueError, match='not a class'):
        store.add_all('ulm/0', {1: 0, 2: 'car'}, **WHO)
    assert store.labelled() == []


def test_labels_of_earlier_rounds_are_merged(store: AnswerStore, tmp_path: Path) -> None:
    store.add('ulm/0', 1, 0, **WHO)
    store.add('1', 1, 0, **WHO)
    second = AnswerStore(select_regions(tmp_path, {'ulm/0': np.array([[0, 1, 1, 0], [0, 0, 0, 0]])}, number=2))
    assert second.labelled() == ['1', 'ulm/0'] and label_of(second, '1') == label_of(store, '1')
    second.add('ulm/0', 1, np.array([[2, 255, 2, 2], [2] * 4]), **WHO)  # 255 keeps the earlier label
    assert label_of(second) == [[0, 0, 2, 255], [255] * 4]
    store.add('ulm/0', 2, 1, **WHO)  # the first round goes on
    assert label_of(AnswerStore(second.selection)) == [[0, 0, 2, 255], [255, 255, 1, 1]]
    assert label_of(store) == [[0, 0, 255, 255], [255, 255, 1, 1]]


def test_unfinished_line_of_a_killed_process_is_ignored(store: AnswerStore) -> None:
    store.add('1', 1, 0, **WHO)
    with open(store.log.path, 'a') as file:
        file.write('{"image": "ulm/0", "un')
    again = AnswerStore(store.selection)
    assert again.status()['units_answered'] == 1
    again.add('ulm/0', 1, 0, **WHO)
    assert [line['image'] for line in lines(again)] == ['1', 'ulm/0']
    store.add('ulm/0', 2, 0, **WHO)  # sees the answer of the other process
    assert store.status()['units_answered'] == 3
    with open(store.log.path, 'a') as file:
        file.write('{}\n')
    with pytest.raises(ValueError, match='line 4 is damaged'):
        AnswerStore(store.selection)


def test_full_disk_leaves_the_answers_as_they_were(store: AnswerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add('1', 1, 0, **WHO)

    def full_disk(*args: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    before = store.log.path.read_bytes()
    for module, name in ((answer_store_module, 'replace_file'), (os, 'fsync')):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full_disk)
            with pytest.raises(OSError, match='No space'):
                store.add('1', 1, 2, **WHO)
        assert store.log.path.read_bytes() == before and store.status()['units_answered'] == 1
    stored = store.add('1', 1, 2, **WHO)
    assert stored.is_new and label_of(store, '1')[0] == [255, 2, 2, 2]


def test_labels_are_read_by_the_data_set(store: AnswerStore, tmp_path: Path) -> None:
    store.add('ulm/0', 1, 0, **WHO)
    images = tmp_path / 'images/ulm'
    images.mkdir(parents=True)
    (images / '0.png').write_bytes(b'')
    (tmp_path / 'list.txt').write_text('\n'.join(store.labelled()))
    dataset = LabelMappedDataset(
        metainfo=dict(classes=CLASSES), ann_file=str(tmp_path / 'list.txt'), pipeline=[],
        data_prefix=dict(img_path=str(tmp_path / 'images'), seg_map_path=str(store.labels)))
    assert dataset.get_data_info(0)['seg_map_path'] == str(store.labels / 'ulm/0.png')
