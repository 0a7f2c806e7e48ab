"""The stage that trains a student on pseudo-labels."""
import io
import os.path as osp
from typing import Any, ClassVar, Dict, Mapping, Tuple

import torch
from mmengine.config import Config

from ...models.predictor import SECOND_PREFIX, TEACHER_PREFIX, predictor_config
from ...models.trained import load_checkpoint, segmentor_weights
from ...utils.config_dicts import config_dicts
from ...utils.files import replace_file
from ..stage import REQUIRED, STAGE_KINDS, RunContext
from .training import Training

INITS = ('imagenet', 'scratch', 'teacher')


@STAGE_KINDS.register_module(name='student')
class Student(Training):
    """Trains a student, which is the teacher of the next round.

    Settings: `config`, `options` that override it, and `init`: 'imagenet' (the weights that its config loads),
    'scratch', or 'teacher' (the weights of the network that made the labels).
    """
    defaults: ClassVar[Dict[str, Any]] = dict(config=REQUIRED, init='imagenet', options={})
    takes: ClassVar[Tuple[str, ...]] = ('teacher', 'labels')
    may_take: ClassVar[Tuple[str, ...]] = ('translations',)
    gives: ClassVar[Tuple[str, ...]] = ('teacher', 'student')

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for an unknown `init`."""
        if settings['init'] not in INITS:
            raise ValueError(f'self_training.student.init={settings["init"]!r}: allowed are {", ".join(INITS)}.')

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains {self.config} from {self.settings["init"]}'

    @property
    def segmentor(self) -> str:
        """The name of the student in tables."""
        return f'round {self.round}'

    def build_config(self, context: RunContext) -> Config:
        """Build the config as for every training, without pretrained weights if it starts from scratch."""
        cfg = super().build_config(context)
        assert cfg is not None
        if self.settings['init'] == 'scratch':
            cfg.load_from = None
            for _, part in config_dicts(cfg.model):
                part.pop('pretrained', None)
                part.pop('init_cfg', None)
        return cfg

    def initial_weights(self, context: RunContext) -> str:
        """Return the checkpoint of the network that made the labels if the student starts from it."""
        if self.settings['init'] != 'teacher':
            return ''
        checkpoint = context.checkpoint_of(self, 'teacher')
        prefix = predictor_config(context.config_of(self, 'teacher'))[1]
        if not prefix.endswith((TEACHER_PREFIX, SECOND_PREFIX)):
            return checkpoint
        # a moving average or the second network made the labels, but the checkpoint would load the first network
        content = load_checkpoint(checkpoint)
        weights, path = io.BytesIO(), osp.join(context.folder(self.name), 'teacher.pth')
        torch.save(dict(state_dict=segmentor_weights(content.get('state_dict', content), prefix)), weights)
        replace_file(path, weights.getvalue())
        return path
