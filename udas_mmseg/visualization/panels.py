"""Pictures of images next to their labels."""
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

_BACKGROUND, _INK = (255, 255, 255), (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def colorize(label: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Colour a label.

    Args:
        label (np.ndarray): (H, W) integer train ids in {0..C-1, 255}; 255 and ids without a colour become black.
        palette (Sequence): C RGB colours, 0-255.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    table = np.zeros((256, 3), np.uint8)
    table[:len(palette)] = np.asarray(palette, np.uint8)[:, ::-1]
    return table[label]


def color_ramp(values: np.ndarray) -> np.ndarray:
    """Colour a map of numbers, from dark blue (0) over green to yellow (1) (viridis).

    Args:
        values (np.ndarray): (H, W) float in [0, 1]; other values are clipped, and NaN is treated as 0.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    steps = np.rint(255 * np.clip(np.nan_to_num(values), 0, 1)).astype(np.uint8)
    return cv2.applyColorMap(steps, cv2.COLORMAP_VIRIDIS)


def blend(image: np.ndarray, label: np.ndarray, palette: Sequence[Sequence[int]], opacity: float = 0.5) -> np.ndarray:
    """Draw a label over its image.

    Args:
        image (np.ndarray): (H, W, 3) uint8 BGR.
        label (np.ndarray): (H, W) train ids; pixels with 255 show only the image.
        palette (Sequence): C RGB colours, 0-255.
        opacity (float): Opacity of the label, 0-1. Defaults to 0.5.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    mixed = cv2.addWeighted(colorize(label, palette), opacity, image, 1 - opacity, 0)
    mixed[label == 255] = image[label == 255]
    return mixed


def grid(rows: Sequence[Sequence[Optional[np.ndarray]]],
         titles: Sequence[str] = (),
         captions: Sequence[str] = (),
         gap: int = 6) -> np.ndarray:
    """Arrange images in rows and columns, with a title above each column and a caption under each row.

    Args:
        rows (Sequence[Sequence[np.ndarray | None]]): (H, W, 3) uint8 BGR images. Smaller and missing ones are padded
            with white to the width of the widest one and the height of the highest one in their row.
        titles (Sequence[str]): One title for each column, or none.
        captions (Sequence[str]): One caption for each row, or none.
        gap (int): Pixels between cells. Defaults to 6.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    heights = [max((cell.shape[0] for cell in row if cell is not None), default=0) for row in rows]
    width = max(cell.shape[1] for row in rows for cell in row if cell is not None)
    columns = max(len(row) for row in rows)
    text, above, below = 22, 22 * bool(titles), 18 * bool(captions)
    canvas = np.full((above + gap + sum(height + below + gap for height in heights), gap + (width + gap) * columns, 3),
                     _BACKGROUND, np.uint8)
    for column, title in enumerate(titles):
        cv2.putText(canvas, title, (gap + (width + gap) * column, text - 6), _FONT, 0.5, _INK, 1, cv2.LINE_AA)
    top = above + gap
    for number, (row, height) in enumerate(zip(rows, heights)):
        for column, cell in enumerate(row):
            if cell is not None:
                left = gap + (width + gap) * column
                canvas[top:top + cell.shape[0], left:left + cell.shape[1]] = cell
        if captions:
            cv2.putText(canvas, captions[number], (gap, top + height + below - 5), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
        top += height + below + gap
    return canvas


def add_legend(picture: np.ndarray, classes: Sequence[str], palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Add the classes and their colours below a picture.

    Args:
        picture (np.ndarray): (H, W, 3) uint8 BGR.
        classes (Sequence[str]): Names of the classes.
        palette (Sequence): An RGB colour for each class, 0-255.

    Returns:
        np.ndarray: (H + h, W, 3) uint8 BGR.
    """
    places, left, line, height = [], 6, 0, 20
    for name in classes:
        width = 22 + cv2.getTextSize(name, _FONT, 0.4, 1)[0][0] + 8
        if left + width > picture.shape[1] and left > 6:
            left, line = 6, line + 1
        places.append((left, 4 + line * height))
        left += width
    strip = np.full((8 + (line + 1) * height, picture.shape[1], 3), _BACKGROUND, np.uint8)
    for (left, top), name, color in zip(places, classes, palette):
        cv2.rectangle(strip, (left, top), (left + 14, top + 14), tuple(int(value) for value in color[::-1]), -1)
        cv2.putText(strip, name, (left + 18, top + 12), _FONT, 0.4, _INK, 1, cv2.LINE_AA)
    return np.vstack([picture, strip])


def fit(picture: np.ndarray, box: Tuple[int, int]) -> np.ndarray:
    """Resize a picture to the largest size that fits into a box of this width and height."""
    scale = min(box[0] / picture.shape[1], box[1] / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def save_picture(path: str, picture: np.ndarray) -> None:
    """Write a picture.

    Raises:
        OSError: if it cannot be written.
    """
    if not cv2.imwrite(path, picture):
        raise OSError(f'cannot write {path}. Does the folder exist, and is there space on the disk?')
