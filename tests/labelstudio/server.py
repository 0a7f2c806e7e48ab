"""A real Label Studio in an environment of its own, and calls of its HTTP API."""
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict

VERSION = '1.23.2'
START_SECONDS = 1800  # an empty database is migrated first, which takes minutes on busy cores


def install(folder: Path) -> Path:
    """Install Label Studio, unless the folder has it.

    Returns:
        Path: The program.
    """
    program = folder / 'bin/label-studio'
    done = folder / f'installed-{VERSION}'
    if not done.is_file():
        print(f'installing label-studio {VERSION} to {folder}', flush=True)
        subprocess.run([sys.executable, '-m', 'venv', '--clear', folder], check=True)
        subprocess.run([folder / 'bin/python', '-m', 'pip', 'install', '-qq', '--disable-pip-version-check',
                        f'label-studio=={VERSION}'], check=True)
        done.touch()
    return program


class Server:
    """Label Studio on the loopback address with an empty database in a folder. Use it in a `with` block."""

    def __init__(self, program: Path, folder: Path, document_root: Path) -> None:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.document_root = document_root
        self.token = secrets.token_hex(20)
        self.log = folder / 'server.log'
        self._command = [program, 'start', '--no-browser', '--internal-host', '127.0.0.1', '--port', str(self.port),
                         '--data-dir', folder / 'data', '--username', 'annotator@example.com', '--password',
                         secrets.token_hex(12), '--user-token', self.token, '--enable-legacy-api-token']
        self._environment = {**{name: os.environ[name] for name in ('PATH', 'HOME', 'TMPDIR') if name in os.environ},
                             'LABEL_STUDIO_BASE_DATA_DIR': str(folder / 'data'), 'COLLECT_ANALYTICS': 'false',
                             'LATEST_VERSION_CHECK': 'false', 'LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED': 'true',
                             'LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT': str(document_root)}

    def __enter__(self) -> 'Server':
        with open(self.log, 'wb') as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def call(self, method: str, path: str, content: Any = None) -> Any:
        """Return the answer to a request, parsed from JSON."""
        return json.loads(self.fetch(path, method, content) or b'null')

    def fetch(self, path: str, method: str = 'GET', content: Any = None) -> bytes:
        """Return the answer to a request as it is."""
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}{path}', None if content is None else json.dumps(content).encode(),
            {'Authorization': f'Token {self.token}', 'Content-Type': 'application/json'}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=300) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f'{method} {path}: {error.code} {error.read()[:500]!r}') from error

    def _wait(self) -> None:
        for _ in range(START_SECONDS):
            if self._process.poll() is not None:
                break
            try:
                self.fetch('/api/version')
                return
            except OSError:
                time.sleep(1)
        raise RuntimeError(f'Label Studio did not start; the end of {self.log}:\n{self.log.read_text()[-3000:]}')


def create_project(server: Server, title: str, export: Path, images: Path) -> int:
    """Create a project as the documentation says: the labelling configuration, the storage of the images, the tasks."""
    project: Dict[str, Any] = server.call('POST', '/api/projects', dict(
        title=title, label_config=(export / 'labeling_config.xml').read_text()))
    server.call('POST', '/api/storages/localfiles', dict(project=project['id'], title='images', path=str(images)))
    tasks = json.loads((export / 'tasks.json').read_text())
    answer = server.call('POST', f'/api/projects/{project["id"]}/import', tasks)
    print(f'{title}: project {project["id"]}, {answer["task_count"]} tasks, {answer["prediction_count"]} predictions')
    return int(project['id'])
