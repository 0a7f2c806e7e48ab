"""Small data that the tests share, and what is done once for all of them. No test needs a download."""
import gc
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Dict, Iterator

import numpy as np
import pytest
import torch.utils.data
from mmengine.config import config
from mmengine.dataset import base_dataset
from mmengine.registry import init_default_scope
from mmengine.runner import runner

import forked_python
import udas_mmseg  # noqa: F401  (applies compat)
from config_files import read_once
from forked_python import format_once
from small_data import CLASSES, LOAD, write_image
from udas_mmseg.utils import console


@pytest.fixture(autouse=True, scope='session')
def ask_compilers_once() -> Iterator[None]:
    """Every run asks compilers for their versions, for a second, and with each checkpoint git for its commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, 'collect_env', cache(runner.collect_env))
        patch.setattr(runner, 'get_git_hash', cache(runner.get_git_hash))
        yield


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs() -> Iterator[None]:
    """MMEngine formats the config of each run, which may take longer than a tiny run itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, 'FormatCode', format_once)
        yield


@pytest.fixture(autouse=True, scope='session')
def configs_read_once() -> Iterator[None]:
    """Reading a config and its base files may take longer than a training step of a tiny network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.Config, '_file2dict', staticmethod(read_once(config.Config._file2dict)))
        yield


@pytest.fixture(autouse=True, scope='session')
def wait_little_for_workers() -> Iterator[None]:
    """Torch waits 5 seconds for each worker of a loader that only the garbage collector finds, as after an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.utils.data._utils, 'MP_STATUS_CHECK_INTERVAL', 0.5)
        yield


@pytest.fixture(autouse=True, scope='session')
def collect_little_garbage() -> Iterator[None]:
    """MMEngine collects all garbage for each data set that it serializes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_dataset, 'gc', SimpleNamespace(collect=lambda: 0))
        yield


@pytest.fixture(autouse=True, scope='module')
def look_at_the_rest_once() -> Iterator[None]:
    """Exclude the objects that exist after the tests of a file from later garbage collections."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def console_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that a test calls makes the console quiet for the rest of the process."""
    monkeypatch.setattr(console, '_quiet', False)
    monkeypatch.setattr(console._ConsoleFilter, 'shown', set())


@pytest.fixture(autouse=True, scope='session')
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Class statistics belong into the user's cache, but not those of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('UDAS_CACHE_ROOT', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='module', params=['forked', pytest.param('started', marks=pytest.mark.slow)])
def processes(request: pytest.FixtureRequest) -> Iterator[str]:
    """Forked processes, and in the slow tests those that a user starts."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == 'started':
            patch.setattr(forked_python, 'FORKS', False)
        yield request.param


@pytest.fixture(autouse=True)
def mmseg_scope() -> None:
    """Components are looked up in MMSegmentation's registries, as a config's `default_scope` does it."""
    init_default_scope('mmseg')


@pytest.fixture
def image_folder(tmp_path: Path) -> Callable[..., Dict[str, str]]:
    """Make `<tmp>/<name>/{images,labels}` with `count` random pairs of 8-bit labels holding ids 0-2."""

    def make(name: str = 'source', count: int = 5, height: int = 16, width: int = 32) -> Dict[str, str]:
        rng = np.random.default_rng(count)
        root = tmp_path / name
        for number in range(count):
            write_image(root / 'images' / f'{number:03d}.png',
                        rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
            write_image(root / 'labels' / f'{number:03d}.png', rng.integers(0, 3, (height, width), dtype=np.uint8))
        return dict(data_root=str(root), data_prefix=dict(img_path='images', seg_map_path='labels'))

    return make


@pytest.fixture
def labeled_config(image_folder: Callable) -> Callable[..., dict]:
    """Config of a small labelled data set with a random crop, a flip and colour distortion."""

    def make(name: str = 'source', count: int = 5, **changes: object) -> dict:
        pipeline = [*LOAD, dict(type='RandomCrop', crop_size=(8, 16)), dict(type='RandomFlip', prob=0.5),
                    dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]
        return {**dict(type='LabelMappedDataset', metainfo=CLASSES, label_map={0: 0, 1: 1, 2: 2}, pipeline=pipeline),
                **image_folder(name, count), **changes}

    return make


@pytest.fixture
def unlabeled_config(labeled_config: Callable) -> Callable[..., dict]:
    """Config of a small data set whose labels are not read, with a random crop and a flip."""
    crop_and_flip = [dict(type='LoadVerifiedImage'), dict(type='RandomCrop', crop_size=(8, 16)),
                     dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]

    def make(name: str = 'target', count: int = 7, **changes: object) -> dict:
        found = labeled_config(name, count, **{'pipeline': crop_and_flip, **changes})
        found['data_prefix'] = dict(img_path='images')
        found.pop('label_map')
        return found

    return make
