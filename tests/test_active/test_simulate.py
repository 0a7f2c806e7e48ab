"""Answers from ground truth: nothing outside of the units is read."""
from pathlib import Path
from typing import Callable, Dict, Optional

import numpy as np
import pytest

from rounds import select_regions
from udas_mmseg.active import AnswerStore, SelectedImage, Unit
from udas_mmseg.active.simulate import simulate

MAPS = {'ulm/0': np.kron([[1, 1, 0], [0, 2, 2]], np.ones((4, 4), int)), '1': np.kron([[1, 0]], np.ones((4, 4), int))}


def reader(truths: Dict[str, np.ndarray]) -> Callable[[str], Optional[np.ndarray]]:
    return truths.get


@pytest.fixture
def truths() -> Dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 3, units.shape).astype(np.uint8) for name, units in MAPS.items()}


def test_poisoned_truth_outside_of_the_units_changes_nothing(tmp_path: Path, truths: Dict[str, np.ndarray]) -> None:
    found = []
    for number, poison in enumerate((None, 0, 99)):
        given = {name: truth if poison is None else np.where(MAPS[name] > 0, truth, np.uint8(poison))
                 for name, truth in truths.items()}
        store = AnswerStore(select_regions(tmp_path / str(number), MAPS))
        done = simulate(store, reader(given))
        labels = {name: (tmp_path / f'{number}/round_1/labels/{name}.png').read_bytes() for name in MAPS}
        found.append((done, labels, store.status()))
        label = store.read('ulm/0')
        assert label is not None and (label[MAPS['ulm/0'] == 0] == 255).all()
        assert np.array_equal(label[MAPS['ulm/0'] > 0], truths['ulm/0'][MAPS['ulm/0'] > 0])
    assert found[0] == found[1] == found[2]


def test_what_is_revealed_is_counted(tmp_path: Path) -> None:
    store = AnswerStore(select_regions(tmp_path, MAPS))
    truth = np.full((8, 12), 1, np.uint8)
    truth[:, :4], truth[4:, 8:] = 0, 255  # unit 1: halves of two classes; unit 2: one half without a class
    done = simulate(store, reader({'ulm/0': truth, '1': np.full((4, 8), 255, np.uint8)}))
    assert done == dict(units=3, clicks=4 + 4 + 4 + 1, pixels=dict(road=16, sidewalk=32), without_truth=0)
    assert store.status()['clicks'] == 13 and store.status()['units_answered'] == 3
    assert simulate(store, reader({}))['units'] == 0  # all are answered: no truth is read
    taken = store.taken('1')
    assert taken is not None and np.array_equal(taken, MAPS['1'] > 0)  # answered, although without a class


def test_majority_of_a_region(tmp_path: Path) -> None:
    store = AnswerStore(select_regions(tmp_path, MAPS))
    truth = np.full((8, 12), 2, np.uint8)
    truth[:4, :5], truth[4:, 4:8], truth[4:, 8:11] = 1, 0, 255
    done = simulate(store, reader({'ulm/0': truth}), answers='majority')
    label = store.read('ulm/0')
    assert label is not None and (label[MAPS['ulm/0'] == 1] == 1).all() and (label[MAPS['ulm/0'] == 2] == 0).all()
    assert done == dict(units=2, clicks=8, pixels=dict(sidewalk=32, road=32), without_truth=1)


def test_points_and_whole_images(tmp_path: Path) -> None:
    point = SelectedImage('a', 'a.png', 3, 2, 0., [Unit(1, 2, 1, 1, 1, 0), Unit(2, 0, 0, 1, 1, 0)])
    truth = np.array([[255, 1, 1], [2, 2, 0]], np.uint8)
    store = AnswerStore(select_regions(tmp_path / 'points', {'a': np.array([[2, 0, 0], [0, 0, 1]])}, unit='points',
                                       images=[point]))
    assert simulate(store, reader({'a': truth})) == dict(units=2, clicks=2, pixels=dict(road=1), without_truth=0)
    whole = SelectedImage('a', 'a.png', 3, 2, 0., [Unit(1, 1, 1, 6, 9)])
    store = AnswerStore(select_regions(tmp_path / 'images', {'a': np.ones((2, 3), int)}, unit='images', images=[whole]))
    assert simulate(store, reader({'a': truth}))['clicks'] == 9  # three segments
    assert np.array_equal(store.read('a'), truth)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="answers='majority' for images"):
        simulate(store, reader({}), answers='majority')


def test_mistakes_are_said(tmp_path: Path) -> None:
    store = AnswerStore(select_regions(tmp_path, MAPS))
    with pytest.raises(ValueError, match='no image of .* has ground truth, such as ulm/0'):
        simulate(store, reader({}))
    with pytest.raises(ValueError, match=r'ground truth of ulm/0 has the shape \(2, 2\)'):
        simulate(store, reader({'ulm/0': np.zeros((2, 2), np.uint8)}))
    with pytest.raises(ValueError, match='ids .99.'):
        simulate(store, reader({'ulm/0': np.full((8, 12), 99, np.uint8)}))
    with pytest.raises(ValueError, match="answers='some'"):
        simulate(store, reader({}), answers='some')
