"""The stage that trains the first teacher."""
from typing import Any, ClassVar, Dict, Tuple

from ..stage import REQUIRED, STAGE_KINDS
from .training import Training


@STAGE_KINDS.register_module(name='adapt')
class Adapt(Training):
    """Trains the first teacher, on translated images if there are any.

    Settings: `config`, `options` that override it, and `checkpoint` of a trained teacher, with which the stage is not
    needed.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, checkpoint='', options={})
    may_take: ClassVar[Tuple[str, ...]] = ('translations',)
    gives: ClassVar[Tuple[str, ...]] = ('teacher',)

    @property
    def segmentor(self) -> str:
        """The name of the first teacher in tables."""
        return 'adapted'
