"""Ending with a line after SIGTERM."""
import os
import signal
import time
from pathlib import Path

import pytest

from forked_python import run_python
from udas_mmseg.utils.termination import one_line_termination

# the main thread waits in a library, and does not get the signal
WAITING = '''
import ctypes, os, signal, threading, time
from udas_mmseg.utils.termination import one_line_termination

with one_line_termination('terminated.', grace=0.1):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    ctypes.CDLL(None).sleep(60)
    print('it was not ended')
'''


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)


def test_it_ends_like_an_interruption_with_a_line(capfd: pytest.CaptureFixture,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, 'write', lambda *arguments: (time.sleep(0.2), write(*arguments)))  # the thread ends first
    before, cleaned = signal.getsignal(signal.SIGTERM), []
    with pytest.raises(SystemExit) as caught, one_line_termination('go on with A'):
        try:
            terminate()
        except KeyboardInterrupt:
            terminate()  # a second one changes nothing
            cleaned.append(1)
            raise ValueError('a worker was terminated') from None
    assert caught.value.code == 143 and cleaned == [1]
    assert capfd.readouterr().err == 'go on with A\n'
    assert signal.getsignal(signal.SIGTERM) == before and signal.set_wakeup_fd(-1) == -1


def test_other_ends_are_not_changed(capfd: pytest.CaptureFixture) -> None:
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), one_line_termination('go on with A'):
            raise error
    with one_line_termination('go on with A'):
        pass
    assert not capfd.readouterr().err


def test_a_forked_process_ends_as_usual(capfd: pytest.CaptureFixture) -> None:
    with one_line_termination('go on with A', grace=0.1):
        for _ in range(20):  # also one that has just begun
            child = os.fork()
            if not child:
                time.sleep(60)
                os._exit(0)
            os.kill(child, signal.SIGTERM)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
        time.sleep(0.3)
    assert not capfd.readouterr().err


def test_a_main_thread_that_waits_is_ended(tmp_path: Path) -> None:
    (tmp_path / 'waiting.py').write_text(WAITING)
    done = run_python(str(tmp_path / 'waiting.py'), env=dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (143, '', 'terminated.\n')
