"""The stage that trains on the answers of all rounds so far."""
from typing import Any, ClassVar, Dict, List, Tuple

from ...utils.config_dicts import config_dicts
from ...utils.processes import together
from ..stage import STAGE_KINDS, RunContext
from ..stage_config import product_digest
from .student import Student


@STAGE_KINDS.register_module(name='active_student')
class ActiveStudent(Student):
    """Trains on the target pixels that were labelled in this and earlier rounds, and is the teacher of the next round.

    Its config reads them with an `AnsweredDataset`, and pseudo-labels of the round with a `PseudoLabeledDataset` if it
    has one. Settings: those of `Student`; `init` is 'teacher' by default.
    """
    part: ClassVar[str] = 'active_student'
    defaults: ClassVar[Dict[str, Any]] = {**Student.defaults, 'init': 'teacher'}
    takes: ClassVar[Tuple[str, ...]] = ('teacher', 'answers')
    may_take: ClassVar[Tuple[str, ...]] = ('labels', 'translations')
    may_ignore: ClassVar[Tuple[str, ...]] = ('labels', )

    def check(self, context: RunContext) -> List[str]:
        """Also check that the loss of a few labelled pixels is not divided by the number of all pixels."""
        cfg = context.configs[self.name]
        heads = [place for place, part in config_dicts(cfg.model) if 'num_classes' in part and _counts_all_pixels(part)]
        if heads:
            raise ValueError(f'{cfg.filename}: model.{heads[0]}.loss_decode is averaged over all pixels, so that a few '
                             'labelled ones would have almost no effect. Set avg_non_ignore=True in its '
                             'CrossEntropyLoss.')
        return super().check(context)

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Train, if the answers are still those that the stage before has recorded."""
        together(lambda: self._check_answers(context))
        return super().run(context)

    def _check_answers(self, context: RunContext) -> None:
        """Refuse labels that were changed after the round was closed: weights would not belong to their record."""
        source, folder = self.links['answers'], context.folder(self.links['answers'])
        if product_digest('answers', folder) != context.entries[source]['labels_sha256']:
            path = context.manifest.path if context.manifest else ''
            raise ValueError(f'the labels in {folder}/labels have been changed since {source} was complete. To train '
                             f'with them, delete the entries of {source} and of all later stages in {path}, and the '
                             'folders of these later stages. Otherwise restore the labels.')


def _counts_all_pixels(head: Dict[str, Any]) -> bool:
    """Whether MMSegmentation's cross-entropy of a head counts pixels without a label, as it does by default."""
    losses = head.get('loss_decode') or dict(type='CrossEntropyLoss')
    losses = [losses] if isinstance(losses, dict) else losses
    return any(loss['type'] == 'CrossEntropyLoss' and not loss.get('avg_non_ignore') for loss in losses)
