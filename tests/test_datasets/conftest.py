"""Small data of label budgets."""
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest


@pytest.fixture
def city(tmp_path: Path) -> Dict[str, Any]:
    """Config of eight labelled images in Cityscapes' own folders."""
    from small_data import CITY_NAMES, LOAD, write_image
    for name in CITY_NAMES:
        write_image(tmp_path / f'cityscapes/img/{name}_leftImg8bit.png', np.zeros((4, 8, 3), np.uint8))
        write_image(tmp_path / f'cityscapes/gt/{name}_gtFine_labelTrainIds.png', np.ones((4, 8), np.uint8))
    return dict(type='CityscapesDataset', data_root=str(tmp_path / 'cityscapes'), pipeline=LOAD,
                data_prefix=dict(img_path='img', seg_map_path='gt'))


@pytest.fixture
def budget(city: Dict[str, Any], tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    from small_data import LOAD

    def make(n: Any = 3, **changes: Any) -> Dict[str, Any]:
        unlabeled = changes.get('part') == 'unlabeled'
        dataset = dict(city, data_prefix=dict(img_path='img'), pipeline=LOAD[:1]) if unlabeled else city
        return {**dict(type='LabelBudgetDataset', n=n, dataset=dataset, list_dir=str(tmp_path / 'splits')), **changes}

    return make
