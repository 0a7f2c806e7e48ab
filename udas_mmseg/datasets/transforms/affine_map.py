"""An affine change of an image's frame, which can be undone on the predictions for the changed image."""
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
    """Where the pixels of an image lie in an augmented view of it.

    Coordinates are (x, y, 1) in pixels, and the centre of the first pixel is (0, 0), as in OpenCV. A pixel covers half
    a pixel around its centre: a frame of width W reaches from -0.5 to W - 0.5.

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
            object.__setattr__(self, name, value)  # frozen for everybody else

    @classmethod
    def identity(cls, size: Size) -> 'AffineMap':
        """The view that is the original."""
        return cls(np.eye(3), size, size)

    @classmethod
    def flip(cls, size: Size, axes: Sequence[int] = (1, )) -> 'AffineMap':
        """The view mirrored along axes of (H, W): (1, ) left and right, (0, ) up and down, (0, 1) both."""
        return cls(_flip_matrix(size, axes), size, size)

    @classmethod
    def shift(cls, size: Size, right: float, down: float) -> 'AffineMap':
        """The view in which everything has moved by so many pixels."""
        return cls(np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]]), size, size)

    @classmethod
    def centred(cls, size: Size, linear: Sequence[Sequence[float]]) -> 'AffineMap':
        """The view of the same size under a (2, 2) linear map of (x, y) that leaves the image's centre in place."""
        centre = (np.array(size[::-1]) - 1) / 2
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = centre - matrix[:2, :2] @ centre
        return cls(matrix, size, size)

    @property
    def is_identity(self) -> bool:
        """Whether the view is the original, pixel for pixel."""
        return self._flipped_axes() == ()

    def then(self, other: 'AffineMap') -> 'AffineMap':
        """This map and then another one, as a single map. What lies between them is not cropped to its frame.

        Raises:
            ValueError: if the other map does not start from a frame of the size of this map's view.
        """
        _check_size('the next map starts from a frame', other.size, self.view_size)
        return AffineMap(other.matrix @ self.matrix, self.size, other.view_size)

    def inverse(self) -> 'AffineMap':
        """The map from the view to the original. It is exact for flips and for shifts by whole pixels."""
        (a, b, right), (c, d, down), _ = self.matrix
        linear = np.array([[d, -b], [-c, a]]) / (a * d - b * c)  # in closed form, without the rounding of a solver
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = -(linear @ (right, down))
        return AffineMap(matrix, self.view_size, self.size)

    def warp_image(self, image: np.ndarray, fill: float = 0) -> np.ndarray:
        """Sample the view of an image bilinearly.

        Where a view shrinks its original, pixels are skipped, as `cv2.INTER_LINEAR` does in MMCV's `Resize`.

        Args:
            image (np.ndarray): (H, W) or (H, W, C) with up to 4 channels, uint8 or float32, in `size`.
            fill (float): Value of what lies outside of the image. Defaults to 0.

        Returns:
            np.ndarray: (H', W'[, C]) in `view_size`, of the same type; the argument itself if nothing changes.

        Raises:
            ValueError: if the image has another size or type.
        """
        return self._warp(image, cv2.INTER_LINEAR, fill)

    def warp_label(self, label: np.ndarray) -> np.ndarray:
        """Sample the view of a label at the nearest pixel.

        Args:
            label (np.ndarray): (H, W) uint8 train ids in `size`.

        Returns:
            np.ndarray: (H', W') uint8 in `view_size`, 255 outside of the original; the argument itself if nothing
                changes.

        Raises:
            ValueError: if the label has another size or type.
        """
        return self._warp(label, cv2.INTER_NEAREST, IGNORE)

    def undo(self, probs: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Bring predictions on the view back into the frame of the original.

        Probabilities are sampled bilinearly; at half a pixel from the view's border, the border's own value is taken.
        Gradients pass through. Coordinates are computed in float32 even where the probabilities are float16.

        Args:
            probs (torch.Tensor): (N, C, H', W') in `view_size`, floating point. Predictions of another resolution are
                refused, since where their pixels lie depends on the network's `align_corners`: resize them to the
                view first, as MMSegmentation's `predict` does.

        Returns:
            tuple: probabilities (N, C, H, W) in `size`, of the same type, and `valid` (H, W) bool. Where `valid` is
                False, the pixel is not in the view; the probabilities there are those of the view's border and mean
                nothing. After a flip the values are the same, bit for bit; the identity returns its argument.

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
        """Axes that are mirrored, () for the identity, or None if pixels have to be sampled."""
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
    """From pixel coordinates to those in which a frame reaches from -1 to 1."""
    height, width = size
    return np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])


def _check_size(what: str, size: Tuple[int, ...], allowed: Size) -> None:
    if tuple(size) != allowed:
        raise ValueError(f'AffineMap: {what} {size[0]}x{size[1]} (height x width), but {allowed[0]}x{allowed[1]} is '
                         'needed. Resize it first, or use the map that was made for it.')
