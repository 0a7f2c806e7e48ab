"""How tests are collected. The fixtures are in shared_fixtures.py, and in the conftest.py of each folder."""
import gc
import importlib
from typing import List

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, except in the process that only distributes tests to others: the imports take seconds.

    For the same reason, a conftest.py imports within its fixtures: that process reads it, too.
    """
    if config.getoption('dist', 'no') == 'no':
        gc.disable()  # what is imported and collected is no garbage
        config.pluginmanager.register(importlib.import_module('shared_fixtures'))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """A test of two processes has a second try.

    One such run in some hundreds hung, and nothing that was tried brought it about again; a warning, or the message
    of `hang_limit`, tells what the processes were doing. Before each test with a second try, its worker asks the first
    process over a socket, which takes up to 40 ms, longer than most tests.
    """
    for item in items:
        if {'launch_two', 'train_in_two_processes'} & vars(item.getparent(pytest.Module).obj).keys():
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=['HangError', 'hang_limit']))
