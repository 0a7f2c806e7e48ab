"""Work in the background while a model predicts."""
import threading
import time

import pytest

from udas_mmseg.utils import background
from udas_mmseg.utils.background import BackgroundCalls


def test_everything_is_done_at_the_end_and_in_other_threads() -> None:
    threads, done = set(), []

    def work(number: int) -> None:
        threads.add(threading.current_thread())
        time.sleep(0.01)
        done.append(number)

    with BackgroundCalls(limit=2) as calls:
        for number in range(20):
            calls.submit(work, number)
    assert sorted(done) == list(range(20)) and threading.main_thread() not in threads


def test_what_goes_wrong_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), BackgroundCalls(limit=100) as calls:
        calls.submit(lambda: 1 / 0)  # raised at the end

    monkeypatch.setattr(background, '_THREADS', 1)
    submitted = 0
    with pytest.raises(ZeroDivisionError), BackgroundCalls(limit=1) as calls:
        calls.submit(lambda: 1 / 0)
        while True:  # raised here, soon
            calls.submit(time.sleep, 0)
            submitted += 1
            assert submitted < 10


def test_an_error_of_the_caller_leaves_what_waits_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, '_THREADS', 1)
    done = []
    with pytest.raises(KeyError), BackgroundCalls(limit=10) as calls:
        calls.submit(time.sleep, 0.2)
        calls.submit(done.append, 1)
        raise KeyError('of the caller')
    assert done == []
