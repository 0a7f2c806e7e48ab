"""A COCO file of one image of 8x4: a road below, a car on it, and a crowd."""
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import cv2
import numpy as np

ROAD, CAR, PERSON = 7, 300, 9  # ids of the categories: sorted, they become 0, 2, 1
RECTANGLE = [[2, 1, 6, 1, 6, 3, 2, 3]]


def content(annotations: List[Dict[str, Any]]) -> Dict[str, Any]:
    return dict(images=[dict(id=1, file_name='town/a.jpg', height=4, width=8),
                        dict(id=2, file_name='b.jpg', height=4, width=8)],
                categories=[dict(id=CAR, name='car'), dict(id=ROAD, name='road'), dict(id=PERSON, name='person')],
                annotations=annotations)


def segment(category: int, shape: Any, number: int = 1, **other: Any) -> Dict[str, Any]:
    return dict(id=number, category_id=category, segmentation=shape, **{'image_id': 1, 'iscrowd': 0, **other})


def runs(region: np.ndarray) -> Dict[str, Any]:
    """Run lengths of a region, in columns, beginning with zeros."""
    flat = region.T.reshape(-1)
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *changes, flat.size]).tolist()
    return dict(size=list(region.shape), counts=[0, *counts] if flat[0] else counts)


def write(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def write_panoptic(root: Path, segments: np.ndarray, infos: List[Dict[str, Any]], name: str = 'a.png',
                   other: Optional[Dict[str, Any]] = None) -> str:
    """Write `panoptic.json` and its PNG in `panoptic/`."""
    (root / 'panoptic').mkdir(exist_ok=True)
    bgr = np.stack([segments >> 16, segments >> 8 & 255, segments & 255], -1).astype(np.uint8)
    cv2.imwrite(str(root / 'panoptic' / name), bgr)
    return write(root / 'panoptic.json', {**content([dict(image_id=1, file_name='a.png', segments_info=infos)]),
                                          **(other or {})})
