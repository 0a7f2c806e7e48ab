"""The stage that trains the segmentor with which the first teacher begins."""
from typing import Any, ClassVar, Dict, List, Tuple

from ..stage import REQUIRED, STAGE_KINDS, RunContext
from .training import Training


@STAGE_KINDS.register_module(name='warm_up')
class WarmUp(Training):
    """Trains a segmentor on the labelled source, with whose weights `adapt` begins. Left out if it has no settings.

    Online self-training labels the target from the first iteration on, so a short one needs a trained network.

    Settings: `config`, `options` that override it, and `checkpoint` of a trained segmentor, with which the stage is not
    needed.
    """
    has_budget: ClassVar[bool] = False
    optional: ClassVar[bool] = True
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, checkpoint='', options={})
    may_take: ClassVar[Tuple[str, ...]] = ('translations',)
    gives: ClassVar[Tuple[str, ...]] = ('initial_weights',)

    @property
    def segmentor(self) -> str:
        """The name of the segmentor in tables."""
        return 'translated' if 'translations' in self.links else 'source only'

    def check(self, context: RunContext) -> List[str]:
        """Also check that a training begins with it."""
        context.training_on(self, 'initial_weights')
        return super().check(context)
