"""The stage that writes the report on the run."""
import os.path as osp
from typing import Any, ClassVar, Dict, Mapping, Tuple

from mmengine.dist import is_main_process

from ...run_report import check_numbers, write_run_report
from ...utils.processes import together
from ..run_record import read_self_training
from ..stage import STAGE_KINDS, RunContext, Stage


@STAGE_KINDS.register_module(name='report')
class Report(Stage):
    """Writes a page with the scores, curves, pictures and settings of the run.

    Settings: `images` and `shown` as in `write_run_report`.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(images=50, shown=8)
    may_take: ClassVar[Tuple[str, ...]] = ('baseline', 'teacher', 'student')
    replaceable: ClassVar[bool] = True  # with another number of rounds, it has other models

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for a number that is not allowed."""
        try:
            check_numbers(settings['images'], settings['shown'])
        except ValueError as error:
            raise ValueError(f'self_training.report: {error}') from error

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return 'writes the report on the run'

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Write the report, in the first process only."""
        return together(lambda: self._write(context) if is_main_process() else {})

    def _write(self, context: RunContext) -> Dict[str, Any]:
        out = context.folder(self.name)
        write_run_report(out, [read_self_training(context.work_dir)], self.settings['images'], self.settings['shown'])
        page = osp.join(out, 'report.html')
        return dict(page=page, summary=page)
