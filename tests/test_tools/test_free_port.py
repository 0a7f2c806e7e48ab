"""The port at which the processes of tools/dist_*.sh meet."""
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]
FREE_PORT = (sys.executable, 'tools/free_port.py')


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(('', 0))
        server.listen()
        yield server.getsockname()[1]


def run(*args: object) -> subprocess.CompletedProcess:
    return subprocess.run([*FREE_PORT, *map(str, args)], capture_output=True, text=True)


def test_another_port_is_taken_and_said_on_one_machine(busy: int) -> None:
    found = run(busy, 1, 0)
    assert found.returncode == 0 and int(found.stdout) != busy
    assert found.stderr == f'Port {busy} is busy, so the processes meet at port {int(found.stdout)}.\n'
    with socket.socket() as server:
        server.bind(('', int(found.stdout)))  # it is free


def test_several_machines_meet_at_the_port_that_was_given(busy: int) -> None:
    found = run(busy, 2, 0)
    assert found.returncode == 1 and f'Port {busy} of this machine is busy' in found.stderr and not found.stdout
    assert int(run(busy, 2, 1).stdout) == busy  # only the first machine opens it


def test_a_free_port_is_kept(busy: int) -> None:
    with socket.socket() as server:
        server.bind(('', 0))
        port = server.getsockname()[1]
    found = run(port, 1, 0)
    assert (int(found.stdout), found.stderr) == (port, '')


@pytest.mark.parametrize('port', ['x', '0', '65536', '-1'])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    found = run(port, 1, 0)
    assert (found.returncode, found.stdout) == (1, '')
    assert found.stderr == f"PORT='{port}': allowed are the numbers from 1 to 65535.\n"


def test_a_range_of_machines_meets_at_the_port_that_was_given(busy: int) -> None:
    assert run(busy, '1:2', 0).returncode == 1 and int(run(busy, '1:2', 1).stdout) == busy


def test_a_signal_to_the_script_reaches_torchrun(tmp_path: Path) -> None:
    python = tmp_path / 'python'
    python.write_text('#!/bin/sh\ncase "$1" in *free_port.py) echo 29500;; *) echo $$;; esac\n')
    python.chmod(0o755)
    started = subprocess.Popen([str(ROOT / 'tools/torchrun.sh'), 'train.py', '2'], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, 'PYTHON': str(python)})
    assert started.communicate()[0].strip() == str(started.pid), 'torchrun has replaced the script'
