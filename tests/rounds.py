"""Small rounds of active labelling."""
from pathlib import Path
from typing import Any, Dict

import numpy as np

from udas_mmseg.active import SelectedImage, Selection, Unit

CLASSES = ('road', 'sidewalk', 'building')
PALETTE = [[128, 64, 128], [244, 35, 232], [70, 70, 70]]
MAPS = {'ulm/0': np.array([[1, 1, 0, 0], [0, 0, 2, 2]]), '1': np.array([[0, 1, 1, 1], [0, 0, 0, 0]])}


def select_regions(root: Path, maps: Dict[str, np.ndarray] = MAPS, number: int = 1, **changes: Any) -> Selection:
    """A round with the regions of the maps, 4 clicks each."""
    images = []
    for place, (name, units) in enumerate(maps.items()):
        found = []
        for unit in range(1, units.max() + 1):
            rows, columns = np.nonzero(units == unit)
            found.append(Unit(unit, int(columns[0]), int(rows[0]), len(rows), 4, 0))
        height, width = units.shape
        images.append(SelectedImage(name, f'data/{name}.png', width, height, -float(place), found))
    arguments: Dict[str, Any] = dict(round=number, strategy=dict(type='random', seed=0), unit='regions',
                                     classes=CLASSES, palette=PALETTE, images=images, image_root='data')
    selection = Selection(**{**arguments, **changes})
    selection.write(root / f'round_{number}', maps.items())
    return selection
