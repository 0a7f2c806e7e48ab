"""Drawings with colour-coded masks, and photo-like images of the same things: data as a user may have them."""
from pathlib import Path
from typing import Dict, Tuple

import cv2
import numpy as np

COLORS: Dict[str, Tuple[int, int, int]] = dict(  # red, green, blue
    sky=(0, 0, 255), ground=(90, 60, 30), box=(255, 0, 0), bush=(0, 128, 0))
_PHOTO = dict(sky=(200, 190, 170), ground=(105, 110, 112), box=(60, 70, 120), bush=(60, 90, 70))  # BGR
_NAMES = list(COLORS)


def scene(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Ids (H, W) of a scene: sky above ground, with boxes and bushes."""
    ids = np.zeros((height, width), np.uint8)
    horizon = int(height * rng.uniform(0.35, 0.6))
    ids[horizon:] = 1
    for _ in range(rng.integers(2, 5)):
        x, y = int(rng.integers(0, width)), int(rng.integers(horizon, height))
        size = int(height * rng.uniform(0.15, 0.35))
        if rng.random() < 0.5:
            cv2.rectangle(ids, (x - size // 2, y - size), (x + size // 2, y), 2, -1)
        else:
            cv2.circle(ids, (x, y - size // 3), size // 2, 3, -1)
    return ids


def drawing(ids: np.ndarray) -> np.ndarray:
    """Flat colours: (H, W, 3) BGR."""
    table = np.array([(250, 220, 120), (120, 200, 120), (80, 80, 230), (40, 160, 40)], np.uint8)
    return table[ids]


def photo(ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other colours, with texture, shading, blur and noise: (H, W, 3) BGR."""
    image = np.array([_PHOTO[name] for name in _NAMES], np.float32)[ids]
    texture = cv2.GaussianBlur(rng.normal(0, 40, ids.shape).astype(np.float32), (0, 0), 2)
    shade = np.linspace(1.1, 0.7, ids.shape[1], dtype=np.float32)
    image = cv2.GaussianBlur((image + texture[..., None]) * shade[None, :, None], (0, 0), 0.8)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def mask(ids: np.ndarray) -> np.ndarray:
    """The colours of the classes: (H, W, 3) BGR."""
    return np.array([color[::-1] for color in COLORS.values()], np.uint8)[ids]


def write_drawings(root: Path, count: int = 4, size: Tuple[int, int] = (64, 48), first: int = 0) -> Path:
    """Write `drawings/` with `masks/` and CVAT's `labelmap.txt`, `photos/`, and `val/` with `val_ids/`."""
    width, height = size
    for folder in ('drawings', 'masks', 'photos', 'val', 'val_ids'):
        (root / folder).mkdir(parents=True)
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        ids = scene(rng, height, width)
        other = scene(rng, height, width)
        cv2.imwrite(str(root / f'drawings/{number:03d}.png'), drawing(ids))
        cv2.imwrite(str(root / f'masks/{number:03d}.png'), mask(ids))
        cv2.imwrite(str(root / f'photos/{number:03d}.jpg'), photo(other, rng))
        ids = scene(rng, height, width)
        cv2.imwrite(str(root / f'val/{number:03d}.jpg'), photo(ids, rng))
        cv2.imwrite(str(root / f'val_ids/{number:03d}.png'), ids)
    lines = ['# label:color_rgb:parts:actions', *(f'{name}:{red},{green},{blue}::'
                                                 for name, (red, green, blue) in COLORS.items())]
    (root / 'labelmap.txt').write_text('\n'.join(lines) + '\n')
    return root
