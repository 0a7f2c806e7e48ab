"""The built-in kinds of stages of self-training."""
from .adapt import Adapt
from .export import Export
from .label import Label
from .student import Student
from .training import Training
from .translate import Translate, Translator

__all__ = ['Adapt', 'Export', 'Label', 'Student', 'Training', 'Translate', 'Translator']
