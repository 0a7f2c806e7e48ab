"""Trained networks: reading checkpoints, and building segmentors without the parts that only training needs."""
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
        FileNotFoundError: if the file does not exist.
        ValueError: if it is damaged, or not a checkpoint.
    """
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist.')
    try:
        content = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    except Exception as error:  # the type of the exception depends on the damage
        raise ValueError(f'checkpoint {path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}. '
                         'Copy it again, or use another one.') from error
    if not isinstance(content, dict):
        raise ValueError(f'checkpoint {path} has a {type(content).__name__} instead of a dict of weights.')
    return content


def segmentor_weights(state_dict: Mapping[str, Tensor], prefix: str) -> Dict[str, Tensor]:
    """Return the weights with a prefix of `predictor_config`, without it and that of data-parallel wrappers."""
    plain = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    weights = {key[len(prefix):]: value for key, value in plain.items() if key.startswith(prefix)}
    if prefix.endswith(TEACHER_PREFIX):
        weights.pop(STEPS, None)
    return weights


def build_original(cfg: Config, state_dict: Mapping[str, Tensor]) -> nn.Module:
    """Build the predicting segmentor of a config with its trained weights, in evaluation mode.

    Raises:
        ValueError: listing the weights that are missing, unexpected or have another shape.
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
        raise ValueError(f'the checkpoint does not match the config: {"; ".join(found)}. Use the config and the '
                         '--cfg-options of its training.')
    model.load_state_dict(weights)
    return model
