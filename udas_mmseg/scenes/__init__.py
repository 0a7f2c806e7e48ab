"""Street scenes drawn by a program, in two domains, for trying everything without a download.

`simulated` scenes look like a video game's and are written in GTA5's format; `real` ones look
like a car camera's and are written in Cityscapes' format. The gap between them is one of
appearance first (colour, light, texture, haze, sensor), then of camera and shapes.

This package needs NumPy and OpenCV only.

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
