"""Where the time goes: time of parts without that of parts within them."""
import threading
import time
from typing import Any

import profile_steps
import pytest
import stopwatch
import torch
from stopwatch import Stopwatch, shares


class Clock:
    """Goes on by what is asked for."""

    def __init__(self) -> None:
        self.time = 0.0

    def work(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, 'now', lambda: clock.time)
    return clock


def test_time_of_a_part_is_without_that_of_parts_within_it(clock: Clock) -> None:
    watch = Stopwatch()
    inner = watch.timed('inner', lambda: clock.work(2))

    def outer() -> str:
        clock.work(1)
        inner()
        inner()
        return 'done'

    assert watch.timed('outer', outer)() == 'done'
    assert watch.seconds == dict(outer=1, inner=4)
    assert shares(watch.seconds, 10) == dict(inner=40, outer=10, rest=50)


def test_parts_that_fail_are_counted_and_threads_have_their_own(clock: Clock) -> None:
    watch = Stopwatch()

    def fail() -> None:
        clock.work(3)
        raise KeyError

    with pytest.raises(KeyError):
        watch.timed('fails', fail)()

    def other_thread() -> None:
        thread = threading.Thread(target=watch.timed('thread', lambda: clock.work(5)))
        thread.start()
        thread.join()

    watch.timed('waits', other_thread)()
    assert watch.seconds == dict(fails=3, thread=5, waits=5)  # this clock is not one of each thread


def test_functions_are_timed_for_a_while(clock: Clock) -> None:

    class Thing:

        def work(self) -> None:
            clock.work(1)

        def __getitem__(self, index: int) -> int:
            clock.work(2)
            return index

    thing, watch = Thing(), Stopwatch()
    with watch.watching([(thing, 'work', 'a'), (Thing, '__getitem__', 'b'), (thing, 'missing', 'c'), (None, 'x', 'd')]):
        thing.work()
        assert thing[3] == 3
    thing.work()
    assert watch.seconds == dict(a=1, b=2) and 'work' not in vars(thing)


@pytest.mark.skipif(torch.cuda.is_available(), reason='time of the clock')
def test_time_is_that_of_the_processor_in_this_thread() -> None:
    assert time.thread_time() <= stopwatch.now() <= time.thread_time()


def test_work_without_images_is_profiled(clock: Clock) -> None:
    found: Any = profile_steps.watched([(clock, 'work', 'work')], lambda: clock.work(1), 4)
    assert found[0] == dict(work=1) and found[2] == 4
    assert profile_steps.as_line('toy', (dict(a=1, b=3), 8, 2)) == '| toy | 4000 | b 37.5, a 12.5, rest 50.0 |'
