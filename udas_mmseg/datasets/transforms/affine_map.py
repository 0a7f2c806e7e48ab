"""Affine maps of images, which can be undone on the predictions for the warped image."""
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..label_maps import IGNORE

Size = Tuple[int, int]
_FLIP_CODES = {(0, ): 0, (1, ): 1, (0, 1): -1}  # axes of (H, W) -> OpenCV's code


@dataclass(frozen=True, eq=False)
class AffineMap:
    """The map from the pixels of an image to the pixels of an augmented view.

    Coordinates are (x, y, 1) in pixels. As in OpenCV, the centre of the first pixel is (0, 0), so an image of width W
    extends from -0.5 to W - 0.5.

    Args:
        matrix (np.ndarray): (3, 3) float64, from coordinates of the original to coordinates of the view; its last row
            is (0, 0, 1).
        size (tuple[int, int]): (height, width) of the original.
        view_size (tuple[int, int]): (height, width) of the view.

    Raises:
        ValueError: if the matrix is not affine, or not invertible.

    Example:
        >>> turned = AffineMap.centred((360, 640), [[0.8, 0.6], [-0.6, 0.8]])
        >>> view, label = turned.warp_image(image), turned.warp_label(label)
        >>> probs, valid = turned.undo(model(view).softmax(1))  # in the frame of `image`
    """
    matrix: np.ndarray
    size: Size
    view_size: Size

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, np.float64)
        affine = matrix.shape == (3, 3) and np.isfinite(matrix).all() and np.array_equal(matrix[2], (0, 0, 1))
        if not affine or not abs(np.linalg.det(matrix)) > 1e-12:
            raise ValueError(f'AffineMap: matrix={matrix.tolist()}. Allowed are invertible 3x3 matrices with the last '
                             'row (0, 0, 1).')
        matrix.setflags(write=False)
        for name, value in (('matrix', matrix), ('size', _size(self.size)), ('view_size', _size(self.view_size))):
            object.__setattr__(self, name, value)  # the class is frozen for its users

    @classmethod
    def identity(cls, size: Size) -> 'AffineMap':
        """Return the identity: the view is the original."""
        return cls(np.eye(3), size, size)

    @classmethod
    def flip(cls, size: Size, axes: Sequence[int] = (1, )) -> 'AffineMap':
        """Return a flip along axes of (H, W): (1, ) flips horizontally, (0, ) vertically, (0, 1) both."""
        return cls(_flip_matrix(size, axes), size, size)

    @classmethod
    def shift(cls, size: Size, right: float, down: float) -> 'AffineMap':
        """Return a shift by `right` and `down` pixels."""
        return cls(np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]]), size, size)

    @classmethod
    def centred(cls, size: Size, linear: Sequence[Sequence[float]]) -> 'AffineMap':
        """Return a (2, 2) linear map of (x, y) about the image's centre; the view has the size of the image."""
        centre = (np.array(size[::-1]) - 1) / 2
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = centre - matrix[:2, :2] @ centre
        return cls(matrix, size, size)

    @property
    def is_identity(self) -> bool:
        """Whether the view equals the original, pixel for pixel."""
        return self._flipped_axes() == ()

    def then(self, other: 'AffineMap') -> 'AffineMap':
        """Return this map followed by another one as a single map. Nothing is cropped between the two.

        Raises:
            ValueError: if the size of the other map's original is not the size of this map's view.
        """
        _check_size('the next map starts from a frame', other.size, self.view_size)
        return AffineMap(other.matrix @ self.matrix, self.size, other.view_size)

    def inverse(self) -> 'AffineMap':
        """Return the map from the view to the original. It is exact for flips and for shifts by whole pixels."""
        (a, b, right), (c, d, down), _ = self.matrix
        linear = np.array([[d, -b], [-c, a]]) / (a * d - b * c)  # in closed form, without the rounding of a solver
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = -(linear @ (right, down))
        return AffineMap(matrix, self.view_size, self.size)

    def warp_image(self, image: np.ndarray, fill: float = 0) -> np.ndarray:
        """Warp an image to the view with bilinear sampling.

        If the view is smaller than the original, pixels are skipped, as with `cv2.INTER_LINEAR` in MMCV's `Resize`.

        Args:
            image (np.ndarray): (H, W) or (H, W, C) with up to 4 channels, uint8 or float32, in `size`.
            fill (float): Value of pixels outside the image. Defaults to 0.

        Returns:
            np.ndarray: (H', W'[, C]) in `view_size`, of the same type; the argument itself for the identity.

        Raises:
            ValueError: if the image has another size or type.
        """
        return self._warp(image, cv2.INTER_LINEAR, fill)

    def warp_label(self, label: np.ndarray) -> np.ndarray:
        """Warp a label to the view with nearest neighbour.

        Args:
            label (np.ndarray): (H, W) uint8 train ids in `size`.

        Returns:
            np.ndarray: (H', W') uint8 in `view_size`, 255 outside the original; the argument itself for the identity.

        Raises:
            ValueError: if the label has another size or type.
        """
        return self._warp(label, cv2.INTER_NEAREST, IGNORE)

    def undo(self, probs: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Warp predictions for the view back to the original.

        Probabilities are sampled bilinearly; within half a pixel of the view's border, the value of the border pixel
        is used. The operation is differentiable. Coordinates are computed in float32 even if the probabilities are
        float16.

        Args:
            probs (torch.Tensor): (N, C, H', W') in `view_size`, floating point. Predictions of another resolution are
                refused, because the positions of their pixels depend on the network's `align_corners`. Resize them to
                the size of the view first, as MMSegmentation's `predict` does.

        Returns:
            tuple: probabilities (N, C, H, W) in `size`, of the same type, and `valid` (H, W) bool. If `valid` is False,
                the pixel is not in the view, and its probabilities (copied from the border) must not be used. Flips are
                undone bit for bit, and the identity returns its argument.

        Raises:
            ValueError: if the probabilities are not (N, C, H', W').
        """
        if probs.ndim != 4:
            raise ValueError(f'AffineMap.undo: the probabilities are {tuple(probs.shape)}, but (N, C, H, W) is needed.')
        _check_size('the probabilities are', tuple(probs.shape[2:]), self.view_size)
        axes = self._flipped_axes()
        if axes is not None:
            turned = probs.flip([axis - 2 for axis in axes]) if axes else probs
            return turned, torch.ones(self.size, dtype=torch.bool, device=probs.device)
        work = probs if probs.dtype == torch.float64 else probs.float()
        # With align_corners=False, -1 and 1 are the outer borders of a frame, -0.5 and W - 0.5 in our coordinates.
        theta = _to_unit(self.view_size) @ self.matrix @ np.linalg.inv(_to_unit(self.size))
        grid = F.affine_grid(torch.from_numpy(theta[None, :2]).to(work), [1, 1, *self.size], align_corners=False)
        sampled = F.grid_sample(work, grid.expand(len(work), -1, -1, -1), mode='bilinear', padding_mode='border',
                                align_corners=False)
        return sampled.to(probs.dtype), (grid[0].abs() <= 1).all(-1)

    def _flipped_axes(self) -> Optional[Tuple[int, ...]]:
        """Return the flipped axes, () for the identity, or None if the map needs resampling."""
        if self.size == self.view_size:
            for axes in ((), *_FLIP_CODES):
                if np.array_equal(self.matrix, _flip_matrix(self.size, axes)):
                    return axes
        return None

    def _warp(self, image: np.ndarray, interpolation: int, fill: float) -> np.ndarray:
        _check_size('the image or label is', image.shape[:2], self.size)
        if image.dtype not in (np.uint8, np.float32):
            raise ValueError(f'AffineMap: the image or label is {image.dtype}. Allowed are uint8 and float32.')
        axes = self._flipped_axes()
        if axes == ():
            return image
        if axes is not None:
            view = cv2.flip(image, _FLIP_CODES[axes])
        else:
            view = cv2.warpAffine(image, self.matrix[:2], self.view_size[::-1], flags=interpolation,
                                  borderMode=cv2.BORDER_CONSTANT, borderValue=(fill, ) * 4)
        return view.reshape(*self.view_size, *image.shape[2:])  # OpenCV drops a last axis of 1


def _size(size: Sequence[int]) -> Size:
    height, width = (int(side) for side in size)
    if height < 1 or width < 1:
        raise ValueError(f'AffineMap: the size {height}x{width} (height x width) has no pixels.')
    return height, width


def _flip_matrix(size: Size, axes: Sequence[int]) -> np.ndarray:
    matrix = np.eye(3)
    for axis in axes:
        row = 1 - axis  # x, the first coordinate, is the second axis
        matrix[row, row], matrix[row, 2] = -1, size[axis] - 1
    return matrix


def _to_unit(size: Size) -> np.ndarray:
    """Return the matrix from pixel coordinates to coordinates in which the image extends from -1 to 1."""
    height, width = size
    return np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])


def _check_size(what: str, size: Tuple[int, ...], allowed: Size) -> None:
    if tuple(size) != allowed:
        raise ValueError(f'AffineMap: {what} {size[0]}x{size[1]} (height x width), but {allowed[0]}x{allowed[1]} is '
                         'needed. Resize it first, or use the map that was made for it.')
