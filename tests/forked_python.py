"""Python files in processes of their own, without the seconds that their imports take.

A server imports everything once and forks a process for each file that a test runs. The process has its own session,
environment, folder and output, may be killed, and ends as any other does. The slow tests start ordinary processes.
"""
import atexit
import faulthandler
import functools
import gc
import importlib
import os
import pickle
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from typing import Any, Dict, List, NoReturn, Optional, Tuple

FORKS = sys.platform == 'linux'  # False in slow tests, see `processes` in shared_fixtures.py
STARTERS = ('compare.py', 'demo.py')  # tools that start other tools


class Server:
    """The process that forks the others. It is started with the first of them, and ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Optional[socket.socket] = None

    def use(self, connection: socket.socket, pid: int) -> None:
        """Use a server that runs, and end it with this process."""
        self._connection = connection

        def end() -> None:
            connection.shutdown(socket.SHUT_RDWR)  # closing is not enough: workers of loaders have inherited it
            connection.close()
            os.waitpid(pid, 0)

        atexit.register(end)

    def fork(self, request: Dict[str, Any], files: List[int]) -> int:
        """Run a Python file.

        Args:
            request (dict): `args`, `cwd` and `env`.
            files (list[int]): Descriptors: input, output, errors, and where the exit status is written to.

        Returns:
            int: Id of its process.
        """
        with self._lock:
            connection = self._connection or self._start()
            socket.send_fds(connection, [pickle.dumps(request)], files)
            return int(connection.recv(99))

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, 'OMP_NUM_THREADS': '1'}  # threads would not survive a fork
        with theirs:
            process = subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], env=environment,
                                       pass_fds=[theirs.fileno()], start_new_session=True)
        self.use(ours, process.pid)
        return ours


SERVER = Server()


class ForkedPython(subprocess.Popen):
    """`subprocess.Popen` of `[sys.executable, file, *arguments]`; the process always begins a session of its own."""

    def _execute_child(self, args: List[str], executable: Any, preexec_fn: Any, close_fds: bool, pass_fds: Any,
                       cwd: Any, env: Any, startupinfo: Any, creationflags: int, shell: bool, *pipes: Any) -> None:
        assert args[0] == sys.executable and not args[1].startswith('-'), args
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = pipes[:6]
        self._status, status = os.pipe()
        request = dict(args=args[1:], cwd=os.path.abspath(cwd or ''), env=dict(os.environ if env is None else env))
        files = [number if used == -1 else used for number, used in enumerate((p2cread, c2pwrite, errwrite))]
        self.pid = SERVER.fork(request, [*files, status])
        os.close(status)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _wait(self, timeout: Optional[float]) -> int:
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(os.read(self._status, 99))
            os.close(self._status)
        return self.returncode

    def _internal_poll(self, *args: Any, **kwargs: Any) -> Optional[int]:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._wait(0)
        return self.returncode


def start_python(*command: Any, **options: Any) -> subprocess.Popen:
    """Start a Python file with its arguments; `options` are those of `subprocess.Popen`.

    It is an ordinary process where `FORKS` is False, and where there is a GPU, which a forked process could not use.
    """
    import torch
    kind: Any = ForkedPython if FORKS and not torch.cuda.is_available() else subprocess.Popen
    return kind([sys.executable, *map(str, command)], text=True, start_new_session=True, **options)


def run_python(*command: Any, timeout: int = 300, **options: Any) -> subprocess.CompletedProcess:
    """Run a Python file to its end."""
    process = start_python(*command, **options, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = process.communicate(timeout=timeout)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def serve(requests: socket.socket) -> Dict[str, Any]:
    """Fork for each request, until there can be no more.

    Returns:
        dict: The request, in the process that was forked for it.
    """
    ended, wake = os.pipe()
    for number in (ended, wake):
        os.set_blocking(number, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    running: Dict[int, int] = {}
    while True:
        ready = select.select([requests, ended], [], [])[0]
        if ended in ready:
            os.read(ended, 4096)
            report_ended(running)
        if requests not in ready:
            continue
        message, files, *_ = socket.recv_fds(requests, 1 << 20, 4)
        if not message:  # the tests are over, or were killed
            for pid in running:
                os.killpg(pid, signal.SIGKILL)
            sys.exit()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            for number in (ended, wake, files.pop(), *running.values()):
                os.close(number)
            return dict(pickle.loads(message), files=files)
        running[pid] = files.pop()
        for number in files:
            os.close(number)
        while os.getpgid(pid) != pid:  # from here on it can be killed together with what it starts
            time.sleep(0.001)
        requests.send(str(pid).encode())


def report_ended(running: Dict[int, int]) -> None:
    """Write the exit status of each process that ended to where it was asked for, and forget the process."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        number = running.pop(pid)
        os.write(number, str(code).encode())
        os.close(number)


def become(args: List[str], cwd: str, env: Dict[str, str], files: List[int]) -> None:
    """Turn this process into one as if it had just been started."""
    import numpy
    import torch
    os.chdir(cwd)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = args
    more = env['PYTHONPATH'].split(os.pathsep) if env.get('PYTHONPATH') else []
    sys.path[:0] = [os.path.dirname(os.path.abspath(args[0])), *more]
    torch.set_num_threads(int(env.get('OMP_NUM_THREADS', os.cpu_count() or 1)))
    torch.seed()
    numpy.random.seed()
    if 'PYTHONFAULTHANDLER' in env:
        faulthandler.enable()
    if os.path.basename(args[0]) in STARTERS:
        fork_what_is_started()


def fork_what_is_started() -> None:
    """Let Python files that this process starts be forked, too."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        serve_and_run(theirs)
    theirs.close()
    SERVER.use(ours, pid)
    subprocess.Popen = ForkedPython  # type: ignore[misc]


def serve_and_run(requests: socket.socket) -> NoReturn:
    """Serve; in each process that is forked, do what was asked for."""
    become(**serve(requests))
    os._exit(run(sys.argv[0]))


def run(file: str) -> int:
    """Run a Python file to its end, without tearing down all that was imported, which takes longer than a small run.

    Returns:
        int: Exit status.
    """
    code: Any = 0
    try:
        runpy.run_path(file, run_name='__main__')
    except SystemExit as stop:
        code = stop.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def format_once(text: str, **_: Any) -> Tuple[str, bool]:
    """In place of yapf's function, which takes longer than a small run. Its name keeps compat from wrapping it."""
    return text, True


def import_everything() -> None:
    """Import the modules that a training uses; as in shared_fixtures.py, what takes long is done once or not at all."""
    gc.disable()  # there is no garbage yet
    import udas_mmseg  # noqa: F401  (first: torchvision needs its compat)
    for module in ('matplotlib.pyplot', 'torch._dynamo', 'torchvision'):
        importlib.import_module(module)
    from mmengine.config import config
    from mmengine.dataset import base_dataset
    from mmengine.runner import runner
    base_dataset.gc = types.SimpleNamespace(collect=lambda: 0)
    config.FormatCode = format_once
    runner.collect_env = functools.cache(runner.collect_env)
    runner.collect_env()
    runner.get_git_hash = functools.cache(runner.get_git_hash)
    runner.get_git_hash()
    gc.collect()
    gc.freeze()  # so that memory stays shared
    gc.enable()


if __name__ == '__main__':
    del sys.path[0]  # the folder of the tests
    import_everything()
    serve_and_run(socket.socket(fileno=int(sys.argv[1])))
