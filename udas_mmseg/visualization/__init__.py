"""Drawing pictures: panels, outlines, curves and reports."""
from .outline import draw_outline
from .panels import add_legend, blend, color_ramp, colorize, fit, grid, save_picture
from .tensorboard_backend import OptionalTensorboardVisBackend

__all__ = [
    'OptionalTensorboardVisBackend', 'add_legend', 'blend', 'color_ramp', 'colorize', 'draw_outline', 'fit', 'grid',
    'save_picture'
]
