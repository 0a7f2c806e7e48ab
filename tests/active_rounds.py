"""A round of active labelling of small images, and answers in the formats of annotation tools."""
import copy
import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np

from udas_mmseg.active import SelectedImage, Selection, Unit

CLASSES, PALETTE = ('road', 'car', 'sky'), ((128, 64, 128), (0, 0, 142), (70, 130, 180))
WIDTH, HEIGHT = 40, 30
NAMES = ('town/b', 'a')  # most useful first
POINTS = ((3, 2), (20, 10), (39, 29))  # x, y


def region_map() -> np.ndarray:
    """Unit 1 is a disc with a hole, unit 2 an L, unit 3 a single pixel in the corner."""
    units = np.zeros((HEIGHT, WIDTH), np.uint16)
    cv2.circle(units, (10, 12), 7, 1, -1)
    cv2.circle(units, (10, 12), 2, 0, -1)
    units[5:25, 25:28] = 2
    units[22:25, 25:36] = 2
    units[29, 39] = 3
    return units


def point_map() -> np.ndarray:
    units = np.zeros((HEIGHT, WIDTH), np.uint16)
    for number, (x, y) in enumerate(POINTS, 1):
        units[y, x] = number
    return units


def write_round(root: Path, unit: str = 'regions', number: int = 1, names: Sequence[str] = NAMES,
                predicted: Sequence[int] = (0, 1, 255)) -> Selection:
    """Write the images to `images/` and a round to `round_<number>/`."""
    units = dict(regions=region_map, points=point_map, images=lambda: np.ones((HEIGHT, WIDTH), np.uint16))[unit]()
    images = []
    for place, name in enumerate(names):
        path = root / f'images/{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
        parts = []
        for value in range(1, int(units.max()) + 1):
            y, x = np.argwhere(units == value)[0].tolist()
            parts.append(Unit(value, x, y, int((units == value).sum()), 4, 255 if unit == 'images' else
                              predicted[value - 1]))
        images.append(SelectedImage(name, str(path), WIDTH, HEIGHT, 1.0 - place / 10, parts))
    selection = Selection(number, dict(name='test'), unit, CLASSES, PALETTE, images, str(root / 'images'))
    selection.write(root / f'round_{number}', [(name, units) for name in names])
    return selection


def read_tasks(folder: Path) -> List[Dict[str, Any]]:
    return json.loads((folder / 'label-studio/tasks.json').read_text())


def submitted(task: Dict[str, Any], number: int, **changes: Any) -> Dict[str, Any]:
    """Return a task as Label Studio exports it after its pre-annotations were submitted as they are."""
    annotation = {**dict(id=number, completed_by=7, was_cancelled=False, created_at='2026-01-01T10:00:00.000000Z',
                         updated_at='2026-01-01T10:05:00.000000Z'),
                  'result': copy.deepcopy(task['predictions'][0]['result']), **changes}
    return dict(id=number, data=task['data'], annotations=[annotation], drafts=[], predictions=[])


def left(task: Dict[str, Any], number: int) -> Dict[str, Any]:
    """Return a task as Label Studio exports it when nobody has labelled it."""
    return dict(id=number, data=task['data'], annotations=[], drafts=[], predictions=[])


def write_export(path: Path, tasks: Any) -> str:
    path.write_text(json.dumps(tasks))
    return str(path)


def polygon(points: Any, name: str, **changes: Any) -> Dict[str, Any]:
    """Return a drawn polygon, from vertices in pixels."""
    percent = (np.array(points, np.float64) * [100 / WIDTH, 100 / HEIGHT]).tolist()
    return {**dict(id='drawn', type='polygonlabels', from_name='label', to_name='image', image_rotation=0,
                   original_width=WIDTH, original_height=HEIGHT,
                   value=dict(points=percent, closed=True, polygonlabels=[name])), **changes}
