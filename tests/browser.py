"""A headless Chromium for tests, driven over a pipe with the DevTools protocol: no driver is needed."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
_OPTIONS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run',
            '--disable-dev-shm-usage', '--hide-scrollbars', '--remote-debugging-pipe')


def find_browser() -> Optional[str]:
    """The browser in CHROMIUM, or the first one on the path."""
    return os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser; its console messages of the level error and its exceptions are collected."""

    def __init__(self, path: str, seconds: float = 60) -> None:
        self.errors: List[str] = []
        self.requests: List[str] = []
        self._deadline, self._count, self._buffer = seconds, 0, b''
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # the browser reads from descriptor 3 and writes to descriptor 4
        pipes = f'exec 3</dev/fd/{to_browser} 4>/dev/fd/{from_browser}; exec "$@"'
        command = ['/bin/sh', '-c', pipes, 'sh', path, *_OPTIONS, f'--user-data-dir={self._profile.name}',
                   'about:blank']
        self._process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        os.close(to_browser), os.close(from_browser)
        targets = self._call('Target.getTargets')['targetInfos']
        page = next(target['targetId'] for target in targets if target['type'] == 'page')
        self._session = self._call('Target.attachToTarget', targetId=page, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def __enter__(self) -> 'Browser':
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._write), os.close(self._read)
        self._profile.cleanup()

    def open(self, page: Path, width: int = 1280, height: int = 900) -> None:
        """Open a file, and wait until it is loaded."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call('Page.navigate', url=page.resolve().as_uri())
        until = time.monotonic() + self._deadline
        while self.evaluate('document.readyState') != 'complete' or self.evaluate('location.href') == 'about:blank':
            assert time.monotonic() < until, f'{page} is not loaded'
            time.sleep(0.02)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; of a promise, its result."""
        found = self.call('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        assert 'exceptionDetails' not in found, found['exceptionDetails']
        return found['result'].get('value')

    def click(self, selector: str) -> None:
        """Click an element with the mouse."""
        x, y = self.evaluate(f'(() => {{ const it = document.querySelector({json.dumps(selector)});'
                             ' it.scrollIntoView({block: "center", inline: "center"}); const box = '
                             'it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] })()')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def press(self, selector: str, key: str, code: int) -> None:
        """Press a key on an element."""
        self.evaluate(f'document.querySelector({json.dumps(selector)}).focus()')
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path) -> None:
        """A picture of the whole page."""
        shot = self.call('Page.captureScreenshot', captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot['data']))

    def call(self, method: str, **params: Any) -> Dict[str, Any]:
        """Call a method of the DevTools protocol for the page."""
        return self._call(method, self._session, **params)

    def _call(self, method: str, session: str = '', **params: Any) -> Dict[str, Any]:
        self._count += 1
        request = dict(id=self._count, method=method, params=params, **(dict(sessionId=session) if session else {}))
        os.write(self._write, json.dumps(request).encode() + b'\0')
        while True:
            message = self._next()
            if message.get('id') == self._count:
                assert 'error' not in message, f'{method}: {message["error"]}'
                return message['result']
            self._note(message)

    def _next(self) -> Dict[str, Any]:
        while b'\0' not in self._buffer:
            part = os.read(self._read, 1 << 16)
            assert part, f'the browser ended with status {self._process.wait()}'
            self._buffer += part
        message, self._buffer = self._buffer.split(b'\0', 1)
        return json.loads(message)

    def _note(self, message: Dict[str, Any]) -> None:
        method, params = message.get('method'), message.get('params', {})
        if method == 'Runtime.exceptionThrown':
            self.errors.append(str(params['exceptionDetails']))
        elif method == 'Log.entryAdded' and params['entry']['level'] == 'error':
            self.errors.append(str(params['entry']))
        elif method == 'Runtime.consoleAPICalled' and params['type'] == 'error':
            self.errors.append(str(params['args']))
        elif method == 'Network.requestWillBeSent' and not params['request']['url'].startswith('data:'):
            self.requests.append(params['request']['url'])
