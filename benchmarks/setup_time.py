"""What `make setup` costs in a fresh copy of the repository, and what a second call does."""
import os.path as osp
import subprocess
import tempfile
from typing import Dict, List

from measuring import seconds

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))


def run() -> List[Dict[str, object]]:
    """Seconds of one first call (pip's cache as it is) and of a second one."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['git', 'clone', '--quiet', ROOT, folder], check=True)

        def setup() -> None:
            subprocess.run(['make', 'setup'], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        first, second = seconds(setup), seconds(setup)
    return [dict(name='make setup, s', value=first, against='one run, of the last commit', ratio=None, goal='< 120 s'),
            dict(name='make setup again, s', value=second, against='', ratio=None, goal='< 2 s')]
