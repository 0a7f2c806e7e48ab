"""Unsupervised and semi-supervised domain adaptation for MMSegmentation 1.x.

`custom_imports = dict(imports=['udas_mmseg'])` in a config registers everything. MMagic is not imported.
"""
from . import compat

compat.apply()  # before MMSegmentation is imported

from . import datasets, engine, evaluation, models, self_training, visualization  # noqa: E402
from .utils import files  # noqa: E402, F401  (registers the file backend)
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'self_training', 'visualization']
