"""Holding out images from training."""
from pathlib import Path

import pytest
from mmseg.registry import DATASETS

from small_data import write_demo_data
from udas_mmseg.datasets.hold_out import HoldOut


def names(count: int) -> list:
    return [f'{number:05d}' for number in range(count)]


@pytest.mark.parametrize(('total', 'images', 'count'), [(8, 64, 2), (15, 64, 2), (16, 64, 2), (200, 64, 25),
                                                        (24966, 64, 64), (24966, 500, 500), (100, 3, 3)])
def test_number_of_images(total: int, images: int, count: int) -> None:
    held_out = HoldOut(images, part='held_out').choose(names(total))
    assert len(held_out) == HoldOut(images).count(total) == count
    assert sorted([*held_out, *HoldOut(images).choose(names(total))]) == names(total)


def test_blocks_of_neighbours_in_all_parts_of_the_data() -> None:
    numbers = [int(name) for name in HoldOut(64, blocks=4, part='held_out').choose(names(1000))]
    blocks = [numbers[first:first + 16] for first in range(0, 64, 16)]
    assert all(block == list(range(block[0], block[0] + 16)) for block in blocks)
    assert [block[0] // 250 for block in blocks] == [0, 1, 2, 3]
    uneven = [int(name) for name in HoldOut(10, blocks=3, part='held_out').choose(names(90))]
    assert uneven == [14, 15, 16, 44, 45, 46, 73, 74, 75, 76]


def test_the_order_of_a_list_does_not_matter() -> None:
    forwards, backwards = (HoldOut(4, part='held_out').choose(order) for order in (names(40), names(40)[::-1]))
    assert forwards == backwards[::-1]


@pytest.mark.parametrize(('arguments', 'message'), [
    (dict(images=1), r'images=1 of hold_out: allowed are whole numbers from 2'),
    (dict(images=True), r'images=True'),
    (dict(images=8, blocks=0), r'blocks=0 of hold_out: allowed are whole numbers from 1'),
    (dict(images=8, part='test'), r"part='test' of hold_out"),
])
def test_mistakes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HoldOut(**arguments)


def test_a_data_set_leaves_them_out_or_has_only_them(tmp_path: Path) -> None:
    write_demo_data(tmp_path, train=9, val=1)
    config = dict(type='GTA5Dataset', data_root=str(tmp_path / 'gta5'), ann_file='train.txt',
                  data_prefix=dict(img_path='images', seg_map_path='labels'))
    datasets = [DATASETS.build({**config, **more}) for more in (
        {}, dict(hold_out=dict(images=2)), dict(hold_out=dict(images=2, part='held_out')))]
    whole, training, held_out = ([Path(dataset.get_data_info(index)['img_path']).stem for index in range(len(dataset))]
                                 for dataset in datasets)
    assert (len(whole), len(training), len(held_out)) == (9, 7, 2)
    assert sorted(training + held_out) == whole
    budget = DATASETS.build(dict(type='LabelBudgetDataset', n=1, part='unlabeled', list_dir=str(tmp_path / 'lists'),
                                 dataset=dict(config, data_prefix=dict(img_path='images'), hold_out=dict(images=2))))
    assert len(budget) == 6, 'of the eight images on its list'


def test_too_few_images_are_an_error(tmp_path: Path) -> None:
    write_demo_data(tmp_path, train=7, val=1)
    with pytest.raises(ValueError, match=r"7 images are too few to hold some out .* at least 8 .*set keep='last'"):
        DATASETS.build(dict(type='GTA5Dataset', data_root=str(tmp_path / 'gta5'), ann_file='train.txt',
                            data_prefix=dict(img_path='images', seg_map_path='labels'), hold_out=dict(images=2)))
