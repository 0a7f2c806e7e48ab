"""Raw ids to train ids."""
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset

from udas_mmseg.datasets.label_maps import compose_label_maps, map_labels, reduced_map, resolve_label_map

# (raw id, class) pairs from the data sets' own documentation
CITYSCAPES = {7: 'road', 8: 'sidewalk', 11: 'building', 12: 'wall', 13: 'fence', 17: 'pole', 19: 'traffic light',
              20: 'traffic sign', 21: 'vegetation', 22: 'terrain', 23: 'sky', 24: 'person', 25: 'rider', 26: 'car',
              27: 'truck', 28: 'bus', 31: 'train', 32: 'motorcycle', 33: 'bicycle'}  # yapf: disable
SYNTHIA = {1: 'sky', 2: 'building', 3: 'road', 4: 'sidewalk', 5: 'fence', 6: 'vegetation', 7: 'pole', 8: 'car',
           9: 'traffic sign', 10: 'person', 11: 'bicycle', 12: 'motorcycle', 15: 'traffic light', 16: 'terrain',
           17: 'rider', 18: 'truck', 19: 'bus', 20: 'train', 21: 'wall'}  # yapf: disable


@pytest.mark.parametrize('name, documented, top', [('cityscapes', CITYSCAPES, 34), ('synthia', SYNTHIA, 22)])
def test_built_in_maps(name: str, documented: dict, top: int) -> None:
    classes = CityscapesDataset.METAINFO['classes']
    label_map = resolve_label_map(name)
    assert sorted(label_map) == list(range(top + 1))
    assert {raw: classes[train] for raw, train in label_map.items() if train != 255} == documented


def test_unnamed_ids_below_the_largest_are_ignored() -> None:
    raw = np.array([[0, 1], [2, 255]], np.uint8)
    assert map_labels(raw, resolve_label_map({0: 4, 2: 5})).tolist() == [[4, 255], [5, 255]]


def test_id_above_the_largest_is_an_error_that_says_what_is_known() -> None:
    raw = np.array([[0, 41]], np.uint8)
    with pytest.raises(ValueError, match=r'id 41 is not mapped\. Known ids: 0-34, 255'):
        map_labels(raw, resolve_label_map('cityscapes'))


def test_16_bit_ids() -> None:
    raw = np.array([[1000, 3]], np.uint16)
    assert map_labels(raw, resolve_label_map({3: 0, 1000: 1})).tolist() == [[1, 0]]
    with pytest.raises(ValueError, match='id 1000 is not mapped'):
        map_labels(raw, resolve_label_map({3: 0}))


def test_255_may_be_named() -> None:
    raw = np.array([[255, 0]], np.uint8)
    assert map_labels(raw, resolve_label_map({0: 0, 255: 1})).tolist() == [[1, 0]]


def test_input_is_not_changed() -> None:
    raw = np.array([[7]], np.uint8)
    map_labels(raw, resolve_label_map('cityscapes'))
    assert raw[0, 0] == 7


def test_composition_ignores_what_the_second_does_not_name() -> None:
    assert compose_label_maps({7: 0, 8: 1, 9: 255}, {0: 3}) == {7: 3, 8: 255, 9: 255}


@pytest.mark.parametrize('wrong', ['citscapes', {}, {0: 256}, {-1: 0}, {70000: 0}])
def test_wrong_maps_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match='label_map'):
        resolve_label_map(wrong)


@pytest.mark.parametrize('wrong, message', [
    ([255, 0, 1, 1], r'label_map is a list, .* \{0: 255, 1: 0, 2: 1, \.\.\.\} if its positions are the raw ids'),
    ([(7, 0), (8, 1)], r'label_map is a list, .* such as \{7: 0, 8: 1\}'),
    ({7: 'road'}, r"label_map has 7: 'road'\. Both must be integers: .* position of the class in `metainfo\.classes`"),
    ({'road': 0}, r"label_map has 'road': 0\. Both must be integers"),
    ({7: 0.5}, r'label_map has 7: 0\.5\. Both must be integers'),
    ({7: None}, r'label_map has 7: None\. Both must be integers'),
    ({7: 0, '7': 1}, r'label_map has 7 twice, as a number and as text'),
    ({(0, 0, 255): 0, 7: 1}, r'none of the keys may be an id'),
    ({(0, 0, 256): 0}, r'has the colour \(0, 0, 256\): a colour is \(red, green, blue\) with integers from 0 to 255'),
    ({(0, 0): 0}, r'has the colour \(0, 0\)'),
    ({(0, 0, 255): 'road'}, r"has \(0, 0, 255\): 'road'\. Both must be integers"),
    ({(0, 0, 255): 256}, r'has \(0, 0, 255\): 256\. Raw ids are'),
    ('palette', r"label_map='palette' is for LabelMappedDataset"),
])
def test_mistakes_get_one_clear_error(wrong: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_label_map(wrong)


def test_ids_as_text_are_read_as_numbers() -> None:
    assert resolve_label_map({'0': 1, '2': '0'}) == {0: 1, 1: 255, 2: 0}  # the keys of JSON and of --cfg-options


def test_ids_may_be_numpy_integers() -> None:
    assert resolve_label_map({np.uint8(1): np.int64(0)}) == {0: 255, 1: 0}


def test_reduce_zero_label() -> None:
    raw = np.array([[0, 1, 2, 254, 255]], np.uint8)
    assert map_labels(raw, reduced_map()).tolist() == [[255, 0, 1, 253, 255]]
    assert map_labels(raw[:, [0, 1, 2, 4]], reduced_map({0: 1, 1: 255})).tolist() == [[255, 1, 255, 255]]
    with pytest.raises(ValueError, match='id 254 is not mapped'):
        map_labels(raw, reduced_map({0: 1, 1: 255}))
