"""The Cityscapes label ids and colours that the generated scenes use."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

UNLABELED: Final = 0
EGO_VEHICLE: Final = 1
STATIC: Final = 4
ROAD: Final = 7
SIDEWALK: Final = 8
BUILDING: Final = 11
WALL: Final = 12
FENCE: Final = 13
POLE: Final = 17
TRAFFIC_LIGHT: Final = 19
TRAFFIC_SIGN: Final = 20
VEGETATION: Final = 21
TERRAIN: Final = 22
SKY: Final = 23
PERSON: Final = 24
RIDER: Final = 25
CAR: Final = 26
TRUCK: Final = 27
BUS: Final = 28
TRAIN: Final = 31
MOTORCYCLE: Final = 32
BICYCLE: Final = 33

#: The 19 evaluated classes: name -> label id, in the order of the Cityscapes train ids 0-18.
CLASSES: Final[dict[str, int]] = {
    'road': ROAD, 'sidewalk': SIDEWALK, 'building': BUILDING, 'wall': WALL, 'fence': FENCE,
    'pole': POLE, 'traffic light': TRAFFIC_LIGHT, 'traffic sign': TRAFFIC_SIGN,
    'vegetation': VEGETATION, 'terrain': TERRAIN, 'sky': SKY, 'person': PERSON, 'rider': RIDER,
    'car': CAR, 'truck': TRUCK, 'bus': BUS, 'train': TRAIN, 'motorcycle': MOTORCYCLE,
    'bicycle': BICYCLE,
}  # fmt: skip

#: All label ids in generated label maps: the 19 classes and three ignored ones.
KNOWN_IDS: Final = frozenset({UNLABELED, EGO_VEHICLE, STATIC, *CLASSES.values()})

_COLOURS: Final[dict[int, tuple[int, int, int]]] = {
    5: (111, 74, 0), 6: (81, 0, 81), 7: (128, 64, 128), 8: (244, 35, 232), 9: (250, 170, 160),
    10: (230, 150, 140), 11: (70, 70, 70), 12: (102, 102, 156), 13: (190, 153, 153),
    14: (180, 165, 180), 15: (150, 100, 100), 16: (150, 120, 90), 17: (153, 153, 153),
    18: (153, 153, 153), 19: (250, 170, 30), 20: (220, 220, 0), 21: (107, 142, 35),
    22: (152, 251, 152), 23: (70, 130, 180), 24: (220, 20, 60), 25: (255, 0, 0),
    26: (0, 0, 142), 27: (0, 0, 70), 28: (0, 60, 100), 29: (0, 0, 90), 30: (0, 0, 110),
    31: (0, 80, 100), 32: (0, 0, 230), 33: (119, 11, 32),
}  # fmt: skip


def label_palette() -> NDArray[np.uint8]:
    """The Cityscapes colours by label id.

    Returns:
        NDArray[np.uint8]: (256, 3) RGB; ids without a colour are black.
    """
    palette = np.zeros((256, 3), np.uint8)
    for label_id, colour in _COLOURS.items():
        palette[label_id] = colour
    return palette
