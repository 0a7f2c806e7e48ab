"""Data for all configs, in the places where they look for them."""
from pathlib import Path
from typing import Iterator

import pytest


@pytest.fixture(scope='session')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from config_data import write_every_data_set
    return write_every_data_set(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module', autouse=True)
def roots(data_root: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ('DATA', 'WEIGHTS', 'TRANSLATED'):
            patch.setenv(f'UDAS_{name}_ROOT', str(data_root))
        patch.setenv('UDAS_DEMO_ROOT', str(data_root / 'demo'))
        patch.setenv('UDAS_PSEUDO_ROOT', str(data_root / 'pseudo_labels'))
        patch.setenv('UDAS_ANSWERS_ROOT', str(data_root / 'active'))
        patch.setenv('UDAS_DEMO_TRANSLATIONS', str(data_root / 'demo_translations'))
        patch.setenv('UDAS_DEMO_LABELS', str(data_root / 'demo_labels'))
        yield
