"""Predicting a data set batch by batch, and writing in the background."""
import threading
from typing import Any, Dict, List, Union

import pytest
import torch
from torch.utils.data import Dataset

from udas_mmseg.utils.prediction_loop import Unreadable, predict_and_write

BROKEN = (2, 7)


class Numbers(Dataset):
    """Numbers, some of which cannot be read."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Union[int, Unreadable]:
        return Unreadable(index, f'{index} is broken') if index in BROKEN else index


@pytest.mark.parametrize('batch_size, workers', [(1, 0), (3, 1), (20, 0)])
def test_every_item_is_predicted_in_its_group_and_written(batch_size: int, workers: int,
                                                          capsys: pytest.CaptureFixture) -> None:
    groups: List[List[int]] = []
    written: Dict[int, int] = {}
    threads = set()

    def write(item: int, result: int) -> None:
        threads.add(threading.current_thread())
        written[item] = result

    def predict(group: List[int]) -> List[int]:
        groups.append(group)
        return [10 * item for item in group]

    before = torch.get_rng_state()
    broken = predict_and_write('numbers', Numbers(), [1, 2, 3, 5, 6, 7, 8], predict, write, lambda item: item % 2,
                               batch_size, workers)
    assert broken == {2: '2 is broken', 7: '7 is broken'} and list(broken) == [2, 7]
    assert written == {item: 10 * item for item in (1, 3, 5, 6, 8)}
    assert all(len({item % 2 for item in group}) == 1 and len(group) <= batch_size for group in groups)
    assert len(groups) == {1: 5, 3: 2, 20: 2}[batch_size]
    assert threading.main_thread() not in threads
    assert 'numbers: 10/10 images' in capsys.readouterr().err
    assert torch.equal(torch.get_rng_state(), before), 'the numbers of the process are left alone'


def test_failed_writing_ends_the_work() -> None:

    def write(item: int, result: Any) -> None:
        raise OSError(28, 'No space left on device')

    with pytest.raises(OSError, match='No space left'):
        predict_and_write('numbers', Numbers(), [1], list, write, lambda item: 0, workers=0)


def test_groups_are_filled_from_several_batches_and_few_items_wait() -> None:
    groups: List[List[int]] = []

    def predict(group: List[int]) -> List[int]:
        groups.append(group)
        return group

    items = torch.arange(40)
    predict_and_write('numbers', items, range(40), predict, lambda item, result: None, lambda item: int(item) % 2, 4, 0)
    assert {len(group) for group in groups} == {4} and sorted(int(item) for group in groups for item in group) == list(
        range(40))
    groups.clear()
    predict_and_write('numbers', items, range(40), predict, lambda item, result: None, int, 4, 0)
    assert [len(group) for group in groups] == [1] * 40
    waiting = [int(group[0]) for group in groups]
    assert waiting == list(range(40))
