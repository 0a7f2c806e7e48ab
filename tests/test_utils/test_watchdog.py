"""A process that fails or hangs ends the others, with its name."""
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Tuple

import pytest
from mmengine.runner import get_priority

from two_processes import launch_two
from udas_mmseg.engine.hooks import WatchHook
from udas_mmseg.utils import watchdog
from udas_mmseg.utils.watchdog import Section, Watchdog, start_watchdog, watch_each

RUN = '''
import ctypes
import sys
import threading
import torch
from mmengine.config import Config
from udas_mmseg.engine.launch import start_processes
from udas_mmseg.utils.watchdog import Section
torch.cuda.is_available = lambda: False
start_processes(Config(dict(hang_limit=2.4)), 'pytorch')
is_second = torch.distributed.get_rank() == 1
step = Section('a training step', alone=False)
for number in range(3):
    step.begin()
    if number == 2 and is_second and sys.argv[1] == 'fails':
        raise ValueError('broken')
    if number == 2 and is_second and sys.argv[1] == 'hangs':
        threading.Event().wait(300)
    if number == 2 and is_second and sys.argv[1] == 'freezes':
        ctypes.PyDLL(None).sleep(300)  # no thread of Python runs in the meantime
    torch.distributed.barrier()
    step.end()
'''


@pytest.fixture(scope='module')
def ended(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Tuple[int, str]]:
    """Exit status and output of two processes, by what happens to the second one; all at once, since they wait."""
    file = tmp_path_factory.mktemp('two') / 'run.py'
    file.write_text(RUN)
    hows = ('fails', 'freezes', 'hangs')
    with ThreadPoolExecutor(len(hows)) as pool:
        found = pool.map(lambda how: launch_two(str(file), how, terminate=how == 'freezes'), hows)
        return dict(zip(hows, found))


@pytest.mark.parametrize('how, says', [
    ('fails', 'has failed: ValueError: broken'), ('freezes', 'has given no sign of life for '),
    ('hangs', 'has been busy for ')])  # yapf: disable
def test_the_other_process_ends_and_names_it(how: str, says: str, ended: Dict[str, Tuple[int, str]]) -> None:
    status, output = ended[how]
    named = output.split('All processes are ended:\n- rank 1 ')[1].split('\n')[0]
    assert status == 1 and says in named, output


@pytest.mark.parametrize('limit', [-1, 'a minute', True, float('nan')])
def test_a_limit_that_cannot_be_is_refused(limit: object) -> None:
    with pytest.raises(ValueError, match='hang_limit=.*allowed are seconds above 0, or 0 to wait'):
        start_watchdog(limit)  # type: ignore[arg-type]


def test_one_process_and_no_limit_need_no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    start_watchdog(60)
    monkeypatch.setitem(os.environ, 'WORLD_SIZE', '2')
    start_watchdog(0)
    assert not watchdog.is_watching()


def test_time_is_counted_from_the_beginning_of_a_section() -> None:
    dog, section = Watchdog(0, 2, limit=12), Section('a step', alone=True)  # a turn of a second
    dog.observe()
    assert dog.own.section == ''
    section.begin()
    for second in range(5):
        dog.observe()
        assert (dog.own.section, dog.own.standing, dog.own.stuck) == ('a step', second, False)
    section.begin()
    dog.observe()
    assert dog.own.standing == 0 and section.longest == 5
    for _ in range(12):
        dog.observe()
    assert dog.own.standing == 12 and not dog.own.stuck
    dog.observe()
    assert dog.own.stuck and 'watchdog.py' in dog.own.place and not dog.own.waits
    section.end()
    dog.observe()
    assert dog.own.section == ''


def test_the_work_on_each_batch_is_watched() -> None:
    for number in watch_each([1, 2], 'labelling'):
        section = Section.current
        assert section is not None and (section.what, section.count, section.alone) == ('labelling', number, True)
    assert Section.current is None


def test_a_step_ends_before_the_hooks_that_follow_it() -> None:
    hook = WatchHook()
    for mode, alone in (('train', False), ('val', True), ('test', True)):
        getattr(hook, f'before_{mode}_iter')(None, 0)
        assert Section.current is not None and Section.current.alone is alone
        getattr(hook, f'after_{mode}_iter')(None, 0)
        assert Section.current is None
    assert get_priority(hook.priority) < get_priority('HIGH')
