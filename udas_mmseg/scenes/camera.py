"""A pinhole camera above the ground plane.

World axes: X right, Y up (the ground is Y = 0), Z along the road; metres. The camera stands at
(x, height, 0). Camera axes: x right, y up, z forward.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and looks.

    Args:
        height: Above the ground, metres.
        pitch: Radians; positive looks down.
        yaw: Radians; positive looks to the right.
        focal: Focal length in image *widths*, so that the view does not depend on the resolution.
        x: Lateral position, metres.
    """

    height: float
    pitch: float
    yaw: float
    focal: float
    x: float

    @cached_property
    def rotation(self) -> NDArray[np.float32]:
        """World to camera, (3, 3): the rows are the camera's right, up and forward axes."""
        sy, cy = np.sin(self.yaw), np.cos(self.yaw)
        sp, cp = np.sin(self.pitch), np.cos(self.pitch)
        return np.array(
            [[cy, 0, -sy], [sy * sp, cp, cy * sp], [sy * cp, -sp, cy * cp]], np.float32)

    @cached_property
    def position(self) -> NDArray[np.float32]:
        """The optical centre in world coordinates, (3,)."""
        return np.array([self.x, self.height, 0.0], np.float32)

    def to_camera(self, world: NDArray[np.float32]) -> NDArray[np.float32]:
        """World points (N, 3) in camera coordinates (N, 3)."""
        return (world - self.position) @ self.rotation.T

    def to_pixels(
        self, points: NDArray[np.float32], width: int, height: int
    ) -> NDArray[np.float32]:
        """Project camera points.

        Args:
            points: (N, 3) camera coordinates with z > 0.
            width: Of the image, pixels.
            height: Of the image, pixels.

        Returns:
            NDArray[np.float32]: (N, 2) continuous image coordinates: the image covers
            [0, width] x [0, height], pixel centres lie at .5.
        """
        scale = self.focal * width / points[:, 2:]
        centre = np.array([width / 2, height / 2], np.float32)
        return centre + points[:, :2] * scale * np.array([1, -1], np.float32)

    def rays(self, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Directions through the pixel centres, at z = 1.

        Returns:
            tuple: x as (1, width) and y as (height, 1), so that they broadcast to the image.
        """
        x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / (self.focal * width)
        y = (height / 2 - np.arange(height, dtype=np.float32) - 0.5) / (self.focal * width)
        return x[None, :], y[:, None]

    def may_see(self, x: float, z: float, radius: float) -> bool:
        """Whether a circle on the ground can reach into the horizontal field of view.

        It looks at the width of the view only, so the answer is the same at every resolution.
        """
        right, _, forward = self.to_camera(np.array([[x, self.height, z]], np.float32))[0]
        half_angle = np.arctan(0.5 / self.focal) + 0.03
        outside = abs(right) * np.cos(half_angle) - forward * np.sin(half_angle)
        return bool(outside < radius and forward > -radius)
