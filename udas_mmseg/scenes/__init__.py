"""Generated street scenes in two domains, to try everything without downloading data.

`simulated` scenes look like a video game and are written in GTA5's format. `real` scenes look like
images of a car's camera and are written in the format of Cityscapes. The domains differ mostly in
appearance (colour, light, texture, haze, sensor), and also in the camera and in shapes.

This package needs only NumPy and OpenCV.

Example:
    >>> from udas_mmseg.scenes import render_scene, write_cityscapes, write_gta5
    >>> image, label = render_scene('real', index=0, size=(640, 360))
    >>> write_gta5('data/demo/gta5', train=200, val=50)
    >>> write_cityscapes('data/demo/cityscapes', train=200, val=50)
"""

from .labels import CLASSES, KNOWN_IDS, label_palette
from .scene import RENDERER_VERSION, render_scene
from .sheet import contact_sheet
from .style import DOMAINS
from .writer import write_cityscapes, write_gta5

__all__ = [
    'CLASSES', 'DOMAINS', 'KNOWN_IDS', 'RENDERER_VERSION', 'contact_sheet', 'label_palette',
    'render_scene', 'write_cityscapes', 'write_gta5',
]  # fmt: skip
