"""Trained networks: reading checkpoints, and building segmentors without what only training needs."""
import os
from typing import Any, Dict, Mapping

from mmengine.config import Config, ConfigDict
from mmengine.runner import CheckpointLoader
from mmseg.registry import MODELS
from torch import Tensor, nn

from .predictor import TEACHER_PREFIX, predictor_config
from .teachers.ema_teacher import STEPS


def load_checkpoint(path: str) -> Dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, or no checkpoint.
    """
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist.')
    try:
        content = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    except Exception as error:  # what is raised depends on the damage
        raise ValueError(f'checkpoint {path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}. '
                         'Copy it again, or give another one.') from error
    if not isinstance(content, dict):
        raise ValueError(f'checkpoint {path} holds a {type(content).__name__}, not weights by name.')
    return content


def segmentor_weights(state_dict: Mapping[str, Tensor], prefix: str) -> Dict[str, Tensor]:
    """Weights below a prefix of `predictor_config`, without it (nor the one that a data-parallel wrapper adds)."""
    plain = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    weights = {key[len(prefix):]: value for key, value in plain.items() if key.startswith(prefix)}
    if prefix.endswith(TEACHER_PREFIX):
        weights.pop(STEPS, None)
    return weights


def build_original(cfg: Config, state_dict: Mapping[str, Tensor]) -> nn.Module:
    """The segmentor that predicts in the model of a config, with its trained weights, in evaluation mode.

    Raises:
        ValueError: listing the weights that are missing, unexpected or of another shape.
    """
    segmentor, prefix = predictor_config(cfg)
    model = MODELS.build(ConfigDict(segmentor)).eval()
    weights, wanted = segmentor_weights(state_dict, prefix), model.state_dict()
    other_shape = [key for key in wanted if key in weights and weights[key].shape != wanted[key].shape]
    problems = {
        'missing': [prefix + key for key in wanted if key not in weights],
        'unexpected': [prefix + key for key in weights if key not in wanted],
        'of another shape': [f'{prefix}{key}: {tuple(weights[key].shape)} instead of {tuple(wanted[key].shape)}'
                             for key in other_shape]
    }  # yapf: disable
    found = [f'{len(keys)} {kind} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
             for kind, keys in problems.items() if keys]
    if found:
        raise ValueError(f'the checkpoint does not fit the config: {"; ".join(found)}. Give the config, and '
                         '--cfg-options, that it was trained with.')
    model.load_state_dict(weights)
    return model
