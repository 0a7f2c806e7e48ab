"""Which process of a run is named when the run cannot go on."""
from typing import List, Optional

import pytest

from udas_mmseg.utils.hangs import Report, explain, is_stuck, judge

FINE = Report('rank 0', section='a training step', standing=9)
STUCK = Report('rank 1', section='a training step', standing=99, stuck=True)
WAITING = STUCK._replace(name='rank 0', waits=True)
LOADING = STUCK._replace(section='loading a batch', alone=True)
SAVING = Report('rank 0', standing=500)
ENDED = Report('rank 1', ended=True)
FAILED = ENDED._replace(error='ValueError: broken')


@pytest.mark.parametrize('reports, named', [
    ([FINE, FINE], None),
    ([SAVING, STUCK], None),  # the others wait for a checkpoint
    ([FINE, STUCK], None),  # or for a slow one: the first batch of rank 0 may take longer
    ([SAVING, ENDED], None),
    ([ENDED, ENDED], None),
    ([WAITING, STUCK], [1]),
    ([STUCK, WAITING, STUCK, WAITING], [0, 2]),
    ([WAITING, WAITING], [0, 1]),
    ([WAITING, LOADING], [1]),
    ([SAVING, LOADING], [1]),  # rank 0 has labelled its images, and waits at the end
    ([WAITING, ENDED], [1]),
    ([FINE, FAILED], [1]),
    ([SAVING, FAILED], [1]),
    ([WAITING, LOADING, FAILED], [2]),
])  # yapf: disable
def test_who_is_named(reports: List[Report], named: Optional[List[int]]) -> None:
    assert judge(dict(enumerate(reports)), dict.fromkeys(range(len(reports)), 0.), 60, has_all=True) == named


@pytest.mark.parametrize('first, named', [(FINE, [0]), (SAVING, [0]), (ENDED, None)])
def test_a_process_that_says_nothing_any_more(first: Report, named: Optional[List[int]]) -> None:
    assert judge({0: first, 1: FINE}, {0: 60., 1: 0.}, 60, has_all=True) == named
    assert judge({0: first, 1: FINE}, {0: 59., 1: 0.}, 60, has_all=True) is None


@pytest.mark.parametrize('first, named', [(WAITING, None), (SAVING, None), (ENDED, [0]), (FAILED, [0])])
def test_others_know_only_rank_0(first: Report, named: Optional[List[int]]) -> None:
    assert judge({0: first, 5: STUCK}, {0: 0., 5: 0.}, 60, has_all=False) == named


@pytest.mark.parametrize('standing, count, longest, stuck', [
    (61, 2, 1, True), (60, 2, 1, False),
    (600, 1, 0, False), (601, 1, 0, True),  # compilation, the start of workers
    (100, 7, 50, False), (101, 7, 50, True)])  # yapf: disable
def test_how_long_a_section_may_take(standing: float, count: int, longest: float, stuck: bool) -> None:
    assert is_stuck(standing, count, longest, limit=60) is stuck


def test_the_message_names_the_process_and_where_all_are() -> None:
    reports = {0: WAITING._replace(place='graph.py:7 (run)'), 1: LOADING._replace(place='loader.py:9 (get)')}
    text = explain([1], reports, {0: 0., 1: 0.}, 60)
    assert 'because of rank 1.' in text and 'hang_limit` (now 60 seconds)' in text
    assert '- rank 1 has been busy for 99 s with loading a batch, at loader.py:9 (get).' in text
    assert '- rank 0 has been busy for 99 s with a training step, waiting for others, at graph.py:7 (run).' in text
    assert 'rank 1 has failed: ValueError: broken' in explain([1], {1: FAILED}, {1: 0.}, 60)
    assert 'no sign of life for 75 s' in explain([0], {0: SAVING}, {0: 75.}, 60)
    assert 'has ended before' in explain([1], {1: ENDED}, {1: 0.}, 60)
