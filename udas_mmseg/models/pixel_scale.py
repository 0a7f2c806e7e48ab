"""Conversion between preprocessed images and pixel values."""
from typing import Optional, Tuple

import torch
from torch import Tensor, nn


class PixelScale:
    """Conversion between preprocessed images, RGB in [0, 1], and the 8-bit BGR images of pipelines.

    Args:
        preprocessor (nn.Module, optional): MMSegmentation's preprocessor that normalised the images. Defaults to None:
            RGB values in [0, 255].
    """

    def __init__(self, preprocessor: Optional[nn.Module]) -> None:
        self.mean, self.std = (getattr(preprocessor, name, None) for name in ('mean', 'std'))
        # images are read as BGR, and converted or not
        self.is_bgr = preprocessor is not None and not getattr(preprocessor, 'channel_conversion', True)

    def _statistics(self, image: Tensor) -> Tuple[Tensor, Tensor]:
        return self.mean.to(image), self.std.to(image)  # type: ignore[union-attr]

    def to_unit(self, image: Tensor) -> Tensor:
        """Convert a preprocessed image (3, H, W) to RGB in [0, 1]."""
        if self.mean is not None:
            mean, std = self._statistics(image)
            image = image * std + mean
        return (image.flip(0) if self.is_bgr else image) / 255

    def restore(self, image: Tensor) -> Tensor:
        """Preprocess an image (3, H, W), RGB in [0, 1]."""
        image = (image.flip(0) if self.is_bgr else image) * 255
        if self.mean is not None:
            mean, std = self._statistics(image)
            image = (image - mean) / std
        return image

    def to_bytes(self, image: Tensor) -> Tensor:
        """Convert a preprocessed image (3, H, W) to (H, W, 3) uint8, BGR; values are rounded and clipped."""
        values = (self.to_unit(image) * 255).round().clamp(0, 255)
        return values.to(torch.uint8).flip(0).permute(1, 2, 0)

    def from_bytes(self, image: Tensor, like: Tensor) -> Tensor:
        """Preprocess an image (H, W, 3) uint8 BGR to (3, H, W) of the type and on the device of `like`."""
        return self.restore(image.permute(2, 0, 1).flip(0).to(like) / 255)
