"""Label maps that do not fit the ids in the label files are found before a run."""
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset

from small_data import LOAD, write_image
from udas_mmseg.datasets.class_ids import check_class_ids
from udas_mmseg.datasets.label_fit import count_raw_ids, fitting_maps
from udas_mmseg.datasets.label_maps import BUILT_IN_LABEL_MAPS
from udas_mmseg.datasets.preflight import check_config

LABEL_IDS = np.repeat(np.array([7] * 12 + [8] * 3 + [11] * 8 + [21] * 6 + [23] * 5 + [26] * 3 + [4], np.uint8), 4)
TRAIN_IDS = np.array([BUILT_IN_LABEL_MAPS['cityscapes'].get(raw, 255) for raw in range(256)], np.uint8)[LABEL_IDS]
SYNTHIA_IDS = np.repeat(np.array([3] * 12 + [4] * 3 + [2] * 8 + [6] * 6 + [1] * 5 + [8] * 3 + [19], np.uint8), 4)
METAINFO = {key: CityscapesDataset.METAINFO[key] for key in ('classes', 'palette')}


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., List[str]]:
    """The summary of a data set of two labels with the given ids."""

    def check(ids: np.ndarray, **changes: Any) -> List[str]:
        rng = np.random.default_rng(0)
        for number in range(2):
            label = np.roll(ids, number).reshape(4, -1)
            write_image(tmp_path / f'labels/{number}.png', label)
            write_image(tmp_path / f'images/{number}.png', rng.integers(0, 256, (*label.shape, 3), dtype=np.uint8))
        train: Dict[str, Any] = dict(type='LabelMappedDataset', data_root=str(tmp_path), metainfo=METAINFO,
                                     data_prefix=dict(img_path='images', seg_map_path='labels'), pipeline=LOAD)
        return check_config(dict(train_dataloader=dict(dataset={**train, **changes})))

    return check


def warnings(lines: List[str]) -> List[str]:
    return [line for line in lines if 'warning' in line]


@pytest.mark.parametrize('ids, label_map', [(LABEL_IDS, 'cityscapes'), (TRAIN_IDS, None), (SYNTHIA_IDS, 'synthia')])
def test_maps_that_fit_have_no_warning(lines: Callable, ids: np.ndarray, label_map: Any) -> None:
    assert not warnings(lines(ids, label_map=label_map))


@pytest.mark.parametrize('by_loader', [False, True])
def test_train_ids_through_the_map_of_label_ids(lines: Callable, by_loader: bool) -> None:
    changes: Dict[str, Any] = dict(label_map='cityscapes')
    if by_loader:
        changes = dict(pipeline=[LOAD[0], dict(type='LoadLabelIds', label_map='cityscapes')])
    found, = warnings(lines(TRAIN_IDS, **changes))
    assert '`label_map` ignores 4 of the 6 ids in the label files, 75.7 % of the pixels: 0, 1, 2, 10.' in found
    assert 'The ids would fit label_map=None (train ids) (0.0 % of the pixels ignored)' in found


def test_train_ids_of_a_few_classes_through_the_map_of_label_ids(lines: Callable) -> None:
    assert 'label_map=None (train ids)' in warnings(lines(TRAIN_IDS[TRAIN_IDS > 2], label_map='cityscapes'))[0]
    with pytest.raises(ValueError, match=r'all pixels of the 2 labels .* are ignored.*would fit label_map=None'):
        lines(TRAIN_IDS[TRAIN_IDS < 2], label_map='cityscapes')


def test_ids_of_synthia_through_the_map_of_cityscapes(lines: Callable) -> None:
    found, = warnings(lines(SYNTHIA_IDS, label_map='cityscapes'))
    assert "The ids would fit label_map='synthia' (0.0 % of the pixels ignored). Correct" in found


@pytest.mark.parametrize('label_map, fault', [
    (None, r'has the ids \[21, 23, 26\], .* but there are 19 classes'),
    ('synthia', r'id 23 is not mapped'), ({raw: raw for raw in range(19)}, r'id 21 is not mapped')])
def test_label_ids_without_their_map(lines: Callable, label_map: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=rf"{fault}.*The ids would fit label_map='cityscapes' \(2\.6 % of"):
        lines(LABEL_IDS, label_map=label_map)


def test_own_maps_that_ignore_much_are_left_to_the_general_warning(lines: Callable) -> None:
    changes: Dict[str, Any] = dict(metainfo=dict(classes=('road', 'car')), label_map={7: 0, 26: 1})
    found, = warnings(lines(LABEL_IDS, **changes))
    assert 'of the pixels are ignored (255). The ids in the files are 4, 7, 8' in found
    own = dict(metainfo=dict(classes=('a', 'b', 'c')), label_map={1: 0, 2: 1, 7: 2})
    found, = warnings(lines(np.array([0, 0, 0, 1] * 4, np.uint8), **own))
    assert '`label_map` ignores 1 of the 2 ids in the label files, 75.0 % of the pixels: 0.' in found


def test_labels_of_colours_are_not_taken_for_ids(lines: Callable, tmp_path: Path) -> None:
    assert not count_raw_ids([dict(seg_map_path=str(write_image(tmp_path / 'a.png', colours())))]).any()


def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)


def test_ids_of_16_bits_and_of_a_channel_are_counted(tmp_path: Path) -> None:
    deep = write_image(tmp_path / 'deep.png', np.array([[7, 300]], np.uint16))
    pixels = colours()
    pixels[..., 2] = 5
    red = write_image(tmp_path / 'red.png', pixels)
    counts = count_raw_ids([dict(seg_map_path=str(deep)), dict(seg_map_path=str(red), label_channel='red')])
    assert {raw: int(counts[raw]) for raw in np.flatnonzero(counts)} == {5: 16, 7: 1, 300: 1}


def test_nothing_is_proposed_where_no_map_has_the_ids() -> None:
    counts = np.bincount([7, 40], minlength=65536)
    assert fitting_maps(counts, 19) == '' and fitting_maps(counts, 3) == ''
    assert fitting_maps(np.bincount([255] * 3, minlength=65536), 19) == ''


def test_arrays_and_negative_ids_are_checked() -> None:
    check_class_ids(np.array([[0, 2, 255]])[:, ::-1], 3, 'a.png')
    with pytest.raises(ValueError, match=r'a\.png has the ids \[-1\], 1 pixels'):
        check_class_ids(np.array([0, -1], np.int64), 3, 'a.png')
