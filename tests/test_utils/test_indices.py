"""Choosing some of many samples."""
from udas_mmseg.utils.indices import spread_evenly


def test_both_ends_are_chosen_where_the_last_is_wanted() -> None:
    assert spread_evenly(9, 3, True) == [0, 4, 8] and spread_evenly(3, 500, True) == [0, 1, 2]
    assert spread_evenly(1, 4, True) == [0] and spread_evenly(5, 1, True) == [0]


def test_each_of_equal_parts_gives_its_first_sample() -> None:
    assert spread_evenly(9, 3) == [0, 3, 6] and spread_evenly(10, 4) == [0, 2, 5, 7]
    assert spread_evenly(3, 8) == [0, 1, 2]


def test_no_sample_is_chosen_twice() -> None:
    for with_last in (False, True):
        assert all(len(set(spread_evenly(length, count, with_last))) == min(count, length)
                   for length in range(1, 30) for count in range(1, 35))
