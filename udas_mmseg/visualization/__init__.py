"""Pictures for people who would rather look than read."""
from .panels import add_legend, blend, colorize, grid, save_picture

__all__ = ['add_legend', 'blend', 'colorize', 'grid', 'save_picture']
