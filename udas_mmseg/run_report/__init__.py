"""The report on runs: a page with scores, curves, pictures and settings."""
from .record import ModelRecord, RunRecord
from .report import check_numbers, write_run_report
from .training import is_training, read_training

__all__ = ['ModelRecord', 'RunRecord', 'check_numbers', 'is_training', 'read_training', 'write_run_report']
