"""The stage in which the selected units of a round are labelled."""
import os.path as osp
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from ...active.answer_store import AnswerStore
from ...active.selection_set import Selection
from ...active.simulate import ANSWERS, simulate
from ...pseudo_labels.ground_truth import GroundTruth
from ...utils.processes import together
from ..stage import STAGE_KINDS, RunContext
from ..stage_config import product_digest
from .query import RoundStage

TRUTH, PERSON = 'truth', 'person'


class MissingAnswersError(ValueError):
    """The run stops until a person has labelled the selected units."""


@STAGE_KINDS.register_module(name='annotate')
class Annotate(RoundStage):
    """Waits until a person has labelled the selected units, or answers them from ground truth; and writes a report.

    Settings: `by`: 'person' or 'truth'; `truth`: the entry with the ground truth in the config of the training after
    it, of which only the selected pixels are used; `answers` as in `simulate`; `min_answered`: the share of the units
    that a person must have answered before the run goes on (0: train with what there is).
    """
    defaults: ClassVar[Dict[str, Any]] = dict(by=PERSON, truth='labeled_target_train', answers=ANSWERS[0],
                                              min_answered=1.0)
    no_effect: ClassVar[Tuple[str, ...]] = ('min_answered', )
    takes: ClassVar[Tuple[str, ...]] = ('query', )
    gives: ClassVar[Tuple[str, ...]] = ('answers', )

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for a setting that is not allowed."""
        share = settings['min_answered']
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ValueError(f'self_training.annotate.min_answered={share!r}: allowed are shares from 0 to 1.')
        for name, allowed in (('by', (PERSON, TRUTH)), ('answers', ANSWERS)):
            if settings[name] not in allowed:
                raise ValueError(f'self_training.annotate.{name}={settings[name]!r}: allowed are {", ".join(allowed)}.')

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return 'answers from ground truth' if self.settings['by'] == TRUTH else 'waits for the labels of a person'

    def check(self, context: RunContext) -> List[str]:
        """Check that a training reads the answers, and that there is the ground truth if it is used."""
        training, truth = context.training_on(self, 'answers'), self.settings['truth']
        if self.settings['by'] == TRUTH and truth not in context.configs[training.name]:
            raise ValueError(f'self_training.annotate.truth={truth!r} is not an entry of {training.config}. Use a data '
                             "set with labels there, or by='person'.")
        return []

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Collect the answers, in the first process only.

        Raises:
            MissingAnswersError: if a person has not answered enough units yet; the message has the commands.
        """
        return together(lambda: self._collect(context) if is_main_process() else {})

    def _collect(self, context: RunContext) -> Dict[str, Any]:
        from ...active.report import write_round_report
        folder = context.folder(self.name)
        store = AnswerStore(Selection.read(folder))
        if self.settings['by'] == TRUTH:
            self._simulate(store, context)
        status = store.status()
        answered, units = status['units_answered'], status['units']
        if self.settings['by'] == PERSON and (answered < self.settings['min_answered'] * units or not answered):
            raise MissingAnswersError(_how_to_answer(self.name, folder, answered, units))
        all_pixels = context.entries[self.links['query']]['all_pixels']
        cost = write_round_report(f'{folder}_report', store, all_pixels)['cost']
        return dict(labels_sha256=product_digest('answers', folder), cost=cost, answered=answered, units=units,
                    round_report=osp.join(f'{folder}_report', 'report.html'),
                    summary=f'{answered} of {units} units answered; so far {cost["percent"]:.2f} % of the pixels, '
                    f'{cost["clicks"]} clicks')

    def _simulate(self, store: AnswerStore, context: RunContext) -> None:
        """Answer from the ground truth of the training's config."""
        cfg = context.configs[context.training_on(self, 'answers').name]
        truth = GroundTruth(DATASETS.build(cfg[self.settings['truth']]), store.selection.classes)
        simulate(store, lambda name: truth.read(f'{name}.png'), self.settings['answers'])


def _how_to_answer(name: str, folder: str, answered: int, units: int) -> str:
    relative = osp.relpath(folder)
    folder = folder if relative.startswith(osp.pardir) else relative
    return (f'{name} waits for labels: {answered} of {units} units of {folder} are answered.\n'
            f'  python tools/active_label.py export {folder}           # for an annotation tool\n'
            f'  python tools/active_label.py import {folder} FILE      # what was labelled\n'
            'Then run the same command again. To train with a part of the labels, add --cfg-options '
            'self_training.annotate.min_answered=0.')
