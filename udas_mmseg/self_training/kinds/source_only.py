"""The stage that trains on the source alone, for comparison."""
from typing import Any, ClassVar, Dict, Tuple

from ..stage import REQUIRED, STAGE_KINDS
from .training import Training


@STAGE_KINDS.register_module(name='source_only')
class SourceOnly(Training):
    """Trains a segmentor on the labelled source as it is: the first row of the report. Left out if it has no settings.

    No other training depends on it, so it can also be added to a run that is complete.

    Settings: `config`, and `options` that override it.
    """
    has_budget: ClassVar[bool] = False
    optional: ClassVar[bool] = True
    numbered: ClassVar[bool] = False
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, options={})
    gives: ClassVar[Tuple[str, ...]] = ('baseline',)

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains {self.config}, for comparison'

    @property
    def segmentor(self) -> str:
        """The name of the segmentor in tables."""
        return 'source only'
