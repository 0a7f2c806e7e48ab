"""The stage that trains the first teacher."""
from typing import Any, ClassVar, Dict, Tuple

from ..stage import REQUIRED, STAGE_KINDS, RunContext
from .training import Training


@STAGE_KINDS.register_module(name='adapt')
class Adapt(Training):
    """Trains the first teacher, on translated images if there are any, from the weights of `warm_up` if it is there.

    Settings: `config`, `options` that override it, and `checkpoint` of a trained teacher, with which the stage is not
    needed.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, checkpoint='', options={})
    may_take: ClassVar[Tuple[str, ...]] = ('translations', 'initial_weights')
    gives: ClassVar[Tuple[str, ...]] = ('teacher',)

    @property
    def segmentor(self) -> str:
        """The name of the first teacher in tables."""
        return 'adapted'

    def initial_weights(self, context: RunContext) -> str:
        """Return the checkpoint of the warm-up; '' without one."""
        return context.checkpoint_of(self, 'initial_weights') if 'initial_weights' in self.links else ''
