"""The built-in kinds of stages of self-training."""
from .active_student import ActiveStudent
from .adapt import Adapt
from .annotate import Annotate
from .export import Export
from .label import Label
from .query import Query
from .report import Report
from .select import Select
from .selector import Selector
from .source_only import SourceOnly
from .student import Student
from .training import Training
from .translate import Translate, Translator
from .warm_up import WarmUp

__all__ = [
    'ActiveStudent', 'Adapt', 'Annotate', 'Export', 'Label', 'Query', 'Report', 'Select', 'Selector', 'SourceOnly',
    'Student', 'Training', 'Translate', 'Translator', 'WarmUp'
]
