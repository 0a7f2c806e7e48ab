"""The papers' tables: their rows, the trainings that rows share, and the results beside the papers' figures."""
from .data_sets import DATA_SETS
from .page import write_page
from .plan import Plan, describe, make_plan
from .result import write_results_of
from .run import run_plan
from .step import Step
from .table import DataSet, Needed, Row, Table
from .tables import TABLES
from .work import Labels, Reading, Training, Translations, Translator

__all__ = ['DATA_SETS', 'TABLES', 'DataSet', 'Labels', 'Needed', 'Plan', 'Reading', 'Row', 'Step', 'Table',
           'Training', 'Translations', 'Translator', 'describe', 'make_plan', 'run_plan', 'write_page',
           'write_results_of']
