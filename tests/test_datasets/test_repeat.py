"""A small data set repeated to a given length."""
from typing import Callable

import pytest
from mmseg.registry import DATASETS


@pytest.mark.parametrize('length', [3, 6, 7])
def test_samples_come_round_until_the_length(budget: Callable, length: int) -> None:
    few = DATASETS.build(budget(3))
    repeated = DATASETS.build(dict(type='RepeatToLengthDataset', length=length, dataset=budget(3)))
    assert len(repeated) == length and repeated.metainfo['classes'] == few.metainfo['classes']
    paths = [repeated.get_data_info(index)['img_path'] for index in range(length)]
    assert paths == [few.get_data_info(index % 3)['img_path'] for index in range(length)]
    assert repeated[length - 1]['img_path'] == paths[-1]


def test_with_another_data_set_of_that_length_each_gives_half(budget: Callable) -> None:
    both = DATASETS.build(dict(
        type='ConcatDataset', datasets=[dict(type='RepeatToLengthDataset', length=8, dataset=budget(3)), budget(8)]))
    assert len(both) == 16


def test_no_sample_may_be_left_out(budget: Callable) -> None:
    with pytest.raises(ValueError, match='length=2, but the data set has 3 samples.*Set length'):
        DATASETS.build(dict(type='RepeatToLengthDataset', length=2, dataset=budget(3)))
