"""The stage that selects what a person labels in a round."""
import gc
import inspect
import os.path as osp
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from ...active.budget import Budget
from ...active.select import select
from ...active.strategies import Strategy, build_strategy, named_strategy, strategy_settings
from ...active.units import UNIT_MAKERS
from ...datasets.answered import SELECTION
from ...datasets.image_files import image_size
from ...datasets.unlabeled import without_labels
from ...utils.digests import file_digest
from ...utils.processes import together
from ..stage import STAGE_KINDS, RunContext, Stage

ROUNDS = 'active'  # folder of the rounds in the work directory
TEACHER, SELECTOR, IMAGES = 'teacher', 'selector', 'images'


class RoundStage(Stage):
    """A stage whose files are in the folder of a round of active labelling; the base class of both kinds."""

    def folder_in(self, work_dir: str) -> str:
        """Return the folder of the round, which `tools/active_label.py` also uses."""
        return osp.join(work_dir, ROUNDS, f'round_{self.round}')


@STAGE_KINDS.register_module(name='query')
class Query(RoundStage):
    """Selects the pixels, regions or images that are labelled in the round, by the pixel selector or by the teacher.

    Settings: `strategy`: a name or a dict, and `unit`, see `named_strategy`; or 'images', whole images at random.
    `points_per_image` and `min_pixels` replace those of strategies that have them (0: their own). `budget`, such as
    `dict(clicks=5000)`, is that of all images of the round together ({}: all that the strategy selects). `dataset`: the
    entry of the model's config with the images. `batch_size`, `workers` and `max_broken`: see `select`. Strategies that
    compare two classifiers need a stage `selector`; others use the teacher.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(
        strategy='spl', unit='', points_per_image=0, min_pixels=0, budget={}, dataset='target_train', batch_size=1,
        workers=2, max_broken=0)  # yapf: disable
    no_effect: ClassVar[Tuple[str, ...]] = ('batch_size', 'workers', 'max_broken')
    takes: ClassVar[Tuple[str, ...]] = (TEACHER, )
    may_take: ClassVar[Tuple[str, ...]] = (SELECTOR, )
    gives: ClassVar[Tuple[str, ...]] = ('query', )

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for a strategy or budget that is not allowed."""
        try:
            strategy, budget = build_strategy(_strategy(settings)), Budget.of(settings['budget'] or None)
            if budget is not None:
                budget.check(strategy.maker.unit)
        except ValueError as error:
            raise ValueError(f'self_training.query: {error}') from error

    @property
    def what(self) -> str:
        """A short description of the stage."""
        strategy, budget = self.settings['strategy'], self.settings['budget']
        name = strategy if isinstance(strategy, str) else strategy['score']['type']
        limit = ''.join(f', {amount} {kind}' for kind, amount in budget.items())
        return f'selects {self.strategy.maker.unit} by {name}{limit}'

    @property
    def strategy(self) -> Strategy:
        """The strategy."""
        return build_strategy(_strategy(self.settings))

    @property
    def role(self) -> str:
        """The role of the model that selects."""
        return SELECTOR if self.strategy.score.maps > 1 else TEACHER

    def check(self, context: RunContext) -> List[str]:
        """Check that there are the model and the images."""
        if self.role not in self.links:
            raise ValueError(f'self_training.query.strategy={self.settings["strategy"]!r} compares two classifiers, '
                             'but no stage of the round trains them. Add selector before query in '
                             "self_training.stages.each_round, or use another strategy, such as 'entropy'.")
        cfg = context.config_of(self, self.role)
        if self.settings['dataset'] not in cfg:
            raise ValueError(f'self_training.query.dataset={self.settings["dataset"]!r} is not an entry of '
                             f'{cfg.filename}. Use the data set with the images to select from.')
        return []

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Select in every process; see `select`."""
        cfg, settings = together(lambda: context.config_of(self, self.role)), self.settings
        checkpoint = together(lambda: context.checkpoint_of(self, self.role))
        folder = context.folder(self.name)
        selection = select(cfg, checkpoint, settings['dataset'], osp.dirname(folder), _strategy(settings),
                           settings['budget'] or None, number=self.round,
                           **{key: settings[key] for key in ('batch_size', 'workers', 'max_broken')})
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not is_main_process():  # only the main process writes the manifest
            return {}
        units, pixels, clicks = selection.totals()
        all_pixels = _count_pixels(cfg, settings['dataset'])
        return dict(selection_sha256=file_digest(osp.join(folder, SELECTION)), all_pixels=all_pixels,
                    inputs={self.role: file_digest(checkpoint)},
                    summary=f'{units} {selection.unit} in {len(selection.images)} images: '
                    f'{100 * pixels / all_pixels:.2f} % of the pixels, about {clicks} clicks')


def _strategy(settings: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return the strategy of the settings as plain dicts."""
    strategy, unit = settings['strategy'], settings['unit']
    if strategy == IMAGES:
        strategy, unit = 'random', IMAGES
    found = named_strategy(strategy, unit or None) if isinstance(strategy, str) else strategy_settings(strategy)
    known = inspect.signature(UNIT_MAKERS.get(found['units']['type'])).parameters
    for key in ('points_per_image', 'min_pixels'):
        if settings[key] and key in known:
            found['units'][key] = settings[key]
    return found


def _count_pixels(cfg: Config, dataset: str) -> int:
    """Count the pixels of all images of a data set by the headers of the files."""
    images = DATASETS.build(without_labels(cfg[dataset].to_dict()))
    sizes = (image_size(images.get_data_info(index)['img_path'], True) for index in range(len(images)))
    return sum(width * height for width, height in sizes)
