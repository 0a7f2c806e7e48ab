"""Checks of arguments and images that several transforms use."""
import numpy as np


def check_probability(owner: str, name: str, value: float) -> None:
    """Check that an argument is a probability.

    Raises:
        ValueError: if it is outside [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f'{owner}: {name}={value} is not a probability. Allowed are 0 to 1.')


def check_image(owner: str, image: np.ndarray, path: str) -> None:
    """Check the shape and type of a loaded image.

    Raises:
        ValueError: if it is not (H, W, 3) uint8.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'{owner}: {path} is {image.shape} {image.dtype}, but (H, W, 3) uint8 BGR is needed. Load it '
                         f'in colour and without `to_float32`, and apply {owner} before transforms that change the '
                         'type, such as normalisation.')
