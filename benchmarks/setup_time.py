"""What `make setup` costs in a fresh copy of the repository, and what a second call does."""
import os.path as osp
import subprocess
import tempfile
from typing import List

from measuring import Row, absolute, seconds

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))


def run() -> List[Row]:
    """Seconds of one first call (pip's cache as it is), which takes too long for repeats, and of five more."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['git', 'clone', '--quiet', ROOT, folder], check=True)

        def setup() -> None:
            subprocess.run(['make', 'setup'], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        first, again = seconds(setup), [seconds(setup) for _ in range(5)]
    return [absolute('make setup, s', [first], '< 120 s', 'of the last commit'),
            absolute('make setup again, s', again, '< 2 s')]
