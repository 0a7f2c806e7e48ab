"""The built-in kinds of stages of self-training."""
from .adapt import Adapt
from .export import Export
from .label import Label
from .select import Select
from .student import Student
from .training import Training
from .translate import Translate, Translator

__all__ = ['Adapt', 'Export', 'Label', 'Select', 'Student', 'Training', 'Translate', 'Translator']
