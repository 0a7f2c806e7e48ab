"""A forked process behaves as one that was started."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from forked_python import run_python, start_python

SAYS = '''
import atexit, os, sys
import numpy, torch
print(sys.argv[1:], os.getcwd(), os.environ['MINE'], __name__, torch.get_num_threads(), 'tests' in sys.path[0])
print(numpy.random.rand(), torch.rand(()).item())
print('an error', file=sys.stderr)
atexit.register(print, 'at the end')
'''


def test_arguments_folder_environment_and_output(processes: str, tmp_path: Path) -> None:
    (tmp_path / 'says.py').write_text(SAYS)
    environment = {**os.environ, 'MINE': 'here', 'OMP_NUM_THREADS': '2'}
    first, second = (run_python('says.py', 'a', 1, cwd=tmp_path, env=environment) for _ in range(2))
    assert first.returncode == 0 and 'an error' in first.stderr, first.stderr
    assert f"['a', '1'] {tmp_path} here __main__ 2 False" in first.stdout and 'at the end' in first.stdout
    assert first.stdout != second.stdout, 'both draw the same random numbers'
    assert os.environ.get('MINE') is None


@pytest.mark.parametrize('code, status, said', [
    ('raise SystemExit("a mistake")', 1, 'a mistake\n'),
    ('raise SystemExit(3)', 3, ''),
    ('1 / 0', 1, 'ZeroDivisionError: division by zero\n'),
    ('import os; os._exit(4)', 4, ''),
])
def test_exit_status(processes: str, tmp_path: Path, code: str, status: int, said: str) -> None:
    (tmp_path / 'ends.py').write_text(code)
    done = run_python(tmp_path / 'ends.py')
    assert done.returncode == status and done.stderr.endswith(said), done.stderr


def test_killed_with_its_children(processes: str, tmp_path: Path) -> None:
    (tmp_path / 'sleeps.py').write_text('import os, time\nchild = os.fork()\nif child:\n'
                                       '    print(child, flush=True)\ntime.sleep(60)\n')
    process = start_python(tmp_path / 'sleeps.py', stdout=subprocess.PIPE)
    child = int(process.stdout.readline())
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while Path(f'/proc/{child}/stat').exists() and ' Z ' not in Path(f'/proc/{child}/stat').read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_time_is_limited(processes: str, tmp_path: Path) -> None:
    (tmp_path / 'sleeps.py').write_text('import time\ntime.sleep(60)\n')
    with pytest.raises(subprocess.TimeoutExpired):
        run_python(tmp_path / 'sleeps.py', timeout=1)
