"""The stage that trains a student, on pseudo-labels or online."""
import io
import os.path as osp
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from ...datasets.branches import BRANCHES, NONE
from ...datasets.unlabeled import is_pseudo_labeled
from ...models import BranchSegmentor
from ...models.predictor import SECOND_HEAD_PREFIX, SECOND_PREFIX, TEACHER_PREFIX, predictor_config
from ...models.trained import load_checkpoint, segmentor_weights
from ...utils.config_dicts import config_dicts
from ...utils.files import replace_file
from ..stage import REQUIRED, STAGE_KINDS, RunContext
from ..stage_config import pseudo_labeled_dataset
from .training import Training

INITS = ('imagenet', 'scratch', 'teacher')


@STAGE_KINDS.register_module(name='student')
class Student(Training):
    """Trains a student, which is the teacher of the next round.

    Its config reads the pseudo-labels of the round. In a round that `label.per_round` leaves without labels, it must
    not read any: the student trains online (`OnlineSelfTrainingSegmentor`).

    Settings: `config`, `options` that override it, and `init`: 'imagenet' (the weights that its config loads),
    'scratch', or 'teacher' (the weights of the last teacher's network that predicts). `portion`: the share of each
    class's pixels that is kept, which replaces that of `class_balanced` in `LoadPseudoLabel` (CBST's portion, IAST's
    alpha).
    `real_share`: the share of target images in the supervised loss; the source has the rest. `image_share`: the share
    of the pseudo-labelled images that is used, those with the highest scores (`image_share` of `PseudoLabeledDataset`).
    0 leaves each as it is in the config. Raise them from round to round with `per_round`.
    """
    part: ClassVar[str] = 'student'
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, init='imagenet', portion=0, real_share=0, image_share=0,
                                               options={})
    takes: ClassVar[Tuple[str, ...]] = ('teacher',)
    may_take: ClassVar[Tuple[str, ...]] = ('labels', 'translations')
    gives: ClassVar[Tuple[str, ...]] = ('teacher', 'student')

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for an unknown `init`, or a share outside [0, 1]."""
        for name in ('portion', 'real_share', 'image_share'):
            if not isinstance(settings[name], (int, float)) or not 0 <= settings[name] <= 1:
                raise ValueError(f'self_training.{cls.part}.{name}={settings[name]!r}: allowed are shares from 0 (as '
                                 'in the config) to 1. For a share that grows, give per_round a dict for each round.')
        if settings['init'] not in INITS:
            raise ValueError(f'self_training.{cls.part}.init={settings["init"]!r}: allowed are {", ".join(INITS)}.')

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains {self.config} from {self.settings["init"]}'

    @property
    def segmentor(self) -> str:
        """The name of the student in tables."""
        return f'round {self.round}'

    def build_config(self, context: RunContext) -> Config:
        """Build the config as for every training, with the shares, and without pretrained weights from scratch."""
        cfg = super().build_config(context)
        assert cfg is not None
        if 'labels' not in (*self.links, *self.may_ignore):
            self._check_online(cfg)
        if self.settings['portion']:
            keep_portion(cfg, self.settings['portion'], self.part)
        if self.settings['real_share']:
            weigh_branches(cfg, self.settings['real_share'], self.part)
        if self.settings['image_share']:
            _reader(cfg)['image_share'] = self.settings['image_share']
        if self.settings['init'] == 'scratch':
            cfg.load_from = None
            for _, part in config_dicts(cfg.model):
                part.pop('pretrained', None)
                part.pop('init_cfg', None)
        return cfg

    def _check_online(self, cfg: Config) -> None:
        """Check that a student without labels of its round needs none."""
        place = f'self_training.{self.part}.per_round[{self.round - 1}]'
        readers = [path for path, dataset in config_dicts(cfg.train_dataloader.dataset, 'train_dataloader.dataset')
                   if is_pseudo_labeled(dataset)]
        if readers:
            raise ValueError(f'{self.name}: round {self.round} has no label stage before it, but {readers[0]} of '
                             f'{self.config} reads pseudo-labels. Set {place}.config to a config of online '
                             'self-training, such as configs/udas/gta2cs_online.py. Or give the round labels: a dict '
                             'in place of None in self_training.label.per_round, and label before '
                             f'{self.kind} in self_training.stages.each_round.')
        for name in ('portion', 'image_share'):
            if self.settings[name]:
                raise ValueError(f'self_training.{self.part}.{name}={self.settings[name]} is a share of pseudo-labels, '
                                 f'but round {self.round} has none. Set {place}.{name}=0.')

    def check(self, context: RunContext) -> List[str]:
        """Also check that the images get scores if only those with the highest ones are used."""
        datasets = config_dicts(context.configs[self.name].train_dataloader.dataset)
        share = min((part.get('image_share', 1) for _, part in datasets if is_pseudo_labeled(part)), default=1)
        labels = context.stage(self.links.get('labels', ''))
        if share != 1 and labels is not None and not labels.settings.get('agreement', {}).get('score'):
            raise ValueError(f'{self.name} uses the share image_share={share} of the images, those with the highest '
                             'scores, but they get no scores. Set self_training.label.agreement=dict(score=True), '
                             'or leave image_share out.')
        return super().check(context)

    def initial_weights(self, context: RunContext) -> str:
        """Return the checkpoint of the last teacher's network that predicts if the student starts from it."""
        if self.settings['init'] != 'teacher':
            return ''
        checkpoint = context.checkpoint_of(self, 'teacher')
        prefix = predictor_config(context.config_of(self, 'teacher'))[1]
        if not prefix.endswith((TEACHER_PREFIX, SECOND_PREFIX, SECOND_HEAD_PREFIX)):
            return checkpoint
        # a moving average or the second network predicts, but the checkpoint would load the first network
        content = load_checkpoint(checkpoint)
        weights, path = io.BytesIO(), osp.join(context.folder(self.name), 'teacher.pth')
        torch.save(dict(state_dict=segmentor_weights(content.get('state_dict', content), prefix)), weights)
        replace_file(path, weights.getvalue())
        return path


def _reader(cfg: Config) -> Dict[str, Any]:
    """Return the config of the `PseudoLabeledDataset` of a student, which may be in a budget."""
    found = pseudo_labeled_dataset(cfg)
    return found if is_pseudo_labeled(found) else found['dataset']


def keep_portion(cfg: Config, portion: float, part: str = 'student') -> None:
    """Let a student keep a portion of the pixels of each class, in place; see `class_balanced_thresholds`.

    Raises:
        ValueError: if its config does not read pseudo-labels with `LoadPseudoLabel`.
    """
    steps = [step for _, dataset in config_dicts(pseudo_labeled_dataset(cfg)) for step in dataset.get('pipeline') or []
             if step['type'] == 'LoadPseudoLabel']
    if not steps:
        raise ValueError(f'self_training.{part}.portion={portion}, but {cfg.filename} reads its labels without '
                         'LoadPseudoLabel. Use it, or leave portion out.')
    for step in steps:
        step['class_balanced'] = {**(step.get('class_balanced') or {}), 'portion': portion}


def weigh_branches(cfg: Config, real_share: float, part: str = 'student') -> None:
    """Give real images a share of the supervised loss of a student, in place; the sum of the weights stays.

    Source: the outline of UDAS, in which the share of real data grows as labels gather.

    Raises:
        ValueError: if the model has no weights of branches, or the batches have no source or no labelled real images.
    """
    kind = MODELS.get(cfg.model.type)
    branches = [name for name in cfg.train_dataloader.dataset if name in BRANCHES and BRANCHES[name].labels != NONE]
    real = [name for name in branches if name != 'source']
    if not (isinstance(kind, type) and issubclass(kind, BranchSegmentor)) or 'source' not in branches or not real:
        raise ValueError(f'self_training.{part}.real_share={real_share} needs a model that is derived from '
                         f'BranchSegmentor, and batches with a source and labelled real images; {cfg.filename} has '
                         f'{cfg.model.type} and the branches {branches}. Leave real_share out.')
    cfg.model.branch_weights = {'source': 2 * (1 - real_share), **{name: 2 * real_share for name in real}}
