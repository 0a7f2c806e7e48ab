"""How the benchmarks measure."""
import multiprocessing
import subprocess
import sys
import time

import pytest
import torch
from measuring import Cost, absolute, compared, costs, images_a_second, processor_seconds, threads


def test_functions_are_timed_in_turn() -> None:
    calls: list = []
    measured = costs([lambda: calls.append('a'), lambda: calls.append('b')], rounds=2)
    assert calls == ['a', 'b'] * 3
    assert [len(cost.wall) for cost in measured] == [2, 2] and all(torch.tensor(measured[0].cpu) >= 0)


def test_ratios_are_those_of_pairs() -> None:
    reference, ours = Cost([2., 6., 4.], [1., 1., 1.]), Cost([1., 2., 4.], [0.5, 0.5, 1.])
    row = compared('a step', reference, ours, 'reference', 'ratio > 1')
    assert row == dict(name='a step', value=2, against='reference: 4', ratio=2, cpu_ratio=2, spread=(1, 3), repeats=3,
                       goal='ratio > 1')
    row = compared('a step', reference, ours, 'reference', share=True, unit=images_a_second(8))
    assert row['ratio'] == 0.5 and row['value'] == 4 and row['against'] == 'reference: 2'


def test_processor_time_of_nothing_gives_no_ratio() -> None:
    assert compared('sleep', Cost([1.], [0.]), Cost([1.], [0.]), 'reference')['cpu_ratio'] is None


def test_absolute_values() -> None:
    row = absolute('start', [3., 1., 2.], '< 4 s')
    assert row['value'] == 2 and row['spread'] == (1, 3) and row['ratio'] is None and row['repeats'] == 3


WORK = 'import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass'


def work_until(stop: object) -> None:
    exec(WORK)
    stop.wait()  # type: ignore[attr-defined]


def test_processor_time_counts_children_that_have_ended_and_that_run() -> None:
    before = processor_seconds()
    subprocess.run([sys.executable, '-c', WORK], check=True)
    assert processor_seconds() - before >= 0.19
    if sys.platform != 'linux':
        return
    context = multiprocessing.get_context('fork')
    stop, before = context.Event(), processor_seconds()
    child = context.Process(target=work_until, args=(stop, ))
    child.start()
    try:
        deadline = time.monotonic() + 60
        while processor_seconds() - before < 0.19:
            assert time.monotonic() < deadline
    finally:
        stop.set()
        child.join()


def test_threads_are_set_for_a_while() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError
    assert torch.get_num_threads() == before
