"""A wheel that is built from the sdist has the configs and the tools, and trains outside of the checkout."""
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from small_data import write_demo_data

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
TINY = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'default_hooks.checkpoint.interval=2',
        'model.backbone.base_channels=8', 'model.backbone.stem_channels=8', 'model.decode_head.in_channels=64',
        'model.auxiliary_head.in_channels=32', 'train_dataloader.batch_size=2']  # yapf: disable


def run(*command: Any, **options: Any) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp('dist')
    run('-c', f'from setuptools import build_meta; build_meta.build_sdist({str(dist)!r})', cwd=ROOT)
    sdist, = dist.glob('*.tar.gz')
    run('-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', dist, sdist)
    return next(dist.glob('*.whl'))


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('site-packages')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_has_the_configs_and_tools_of_the_checkout(installed: Path) -> None:
    for folder in ('configs', 'tools'):
        files = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob('*')
                 if path.is_file() and '__pycache__' not in path.parts}
        mim = installed / 'udas_mmseg/.mim'
        assert {str(path.relative_to(mim)) for path in (mim / folder).rglob('*') if path.is_file()} == files
    assert {path.name for path in installed.iterdir()} == {
        'udas_mmseg', 'udas_command.py', *(path.name for path in installed.glob('*.dist-info'))}
    points, = installed.glob('*.dist-info/entry_points.txt')
    assert 'udas = udas_command:main' in points.read_text()


def test_it_trains_outside_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    data = write_demo_data(tmp_path / 'demo')
    environment = {**os.environ, 'PYTHONPATH': str(installed), 'UDAS_DEMO_ROOT': str(data)}
    (tmp_path / 'work').mkdir()
    output = run('-m', 'udas_mmseg', 'train', 'configs/demo/source_only.py', '--cfg-options', *TINY,
                 cwd=tmp_path / 'work', env=environment)
    assert str(ROOT) not in output
    assert (tmp_path / 'work/work_dirs/demo/source_only/iter_2.pth').is_file()
