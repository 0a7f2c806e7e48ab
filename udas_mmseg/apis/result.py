"""The prediction for one image."""
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from ..visualization import blend


@dataclass(frozen=True)
class PredictionResult:
    """The classes that a model predicts for an image. In a notebook, it is displayed as the overlay.

    Attributes:
        mask (np.ndarray): (H, W) uint8 train ids in {0..C-1}, at the size of the image.
        confidence (np.ndarray, optional): (H, W) float32, probability of the predicted class, in [0, 1]. None if it was
            not asked for.
        image (np.ndarray): (H, W, 3) uint8 BGR, turned as its EXIF orientation says if the pipeline does so.
        classes (tuple[str]): Name of each train id.
        palette (tuple): RGB colour of each train id, 0-255.

    Example:
        >>> result = predictor('street.jpg')
        >>> road = result.mask == result.classes.index('road')
        >>> cv2.imwrite('overlay.png', result.overlay())
    """
    mask: np.ndarray
    confidence: Optional[np.ndarray]
    image: np.ndarray
    classes: Tuple[str, ...]
    palette: Tuple[Sequence[int], ...]

    def overlay(self, opacity: float = 0.5) -> np.ndarray:
        """Draw the classes in their colours over the image: (H, W, 3) uint8 BGR.

        Args:
            opacity (float): Opacity of the colours, 0-1. Defaults to 0.5.
        """
        return blend(self.image, self.mask, self.palette, opacity)

    def __repr__(self) -> str:
        height, width = self.mask.shape
        return f'PredictionResult({width}x{height} pixels, classes: {", ".join(self.classes)})'

    def _repr_png_(self) -> bytes:
        return cv2.imencode('.png', self.overlay())[1].tobytes()
