"""Trained networks: reading checkpoints, and building segmentors without the parts that only training needs."""
import logging
import os
import warnings
from typing import Any, Dict, List, Mapping

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from mmseg.models import BaseSegmentor
from mmseg.registry import MODELS
from torch import Tensor, nn

from .checkpoint_fit import advice, compare_classes, compare_weights, listed
from .predictor import (
    MEAN_PREFIX,
    SECOND_HEAD_PREFIX,
    SECOND_PREFIX,
    SEGMENTOR_PREFIX,
    TEACHER_PREFIX,
    predictor_config,
)
from .teachers.ema_teacher import STEPS

_SAME_CONFIG = 'Use the config and the --cfg-options of its training.'


class UnfitWeightsError(ValueError):
    """The weights of a checkpoint do not fit the model of a config."""


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
    weights = content.get('state_dict', content)
    if not isinstance(weights, dict):
        raise ValueError(f'checkpoint {path} has a {type(weights).__name__} in `state_dict` instead of a dict of '
                         'weights.')
    return content


def state_dict_of(content: Mapping[str, Any]) -> Dict[str, Tensor]:
    """Return the weights in the content of a checkpoint, which may be a state dict itself."""
    return {key.removeprefix('module.'): value for key, value in content.get('state_dict', content).items()}


def segmentor_weights(state_dict: Mapping[str, Tensor], prefix: str) -> Dict[str, Tensor]:
    """Return the weights of a segmentor from those of a model, without their prefix.

    The state dict may also be that of a segmentor alone. If it is that of a whole model but a segmentor alone is
    expected, the segmentor of the model is used.

    Args:
        state_dict (Mapping[str, Tensor]): All weights.
        prefix (str): The expected prefix, see `predictor_config`. For 'mean.', the weights are those of a
            `SegmentorMean` or `ClassifierMean`: 'segmentor.' is renamed to 'first.', and 'second.' stays. For
            'second.decode_head.', they are those of 'segmentor.' with this head in place of its own.
    """
    prefix = found_prefix(state_dict, prefix)
    plain = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    if prefix == MEAN_PREFIX:
        first = {f'first.{key[len(SEGMENTOR_PREFIX):]}': value for key, value in plain.items()
                 if key.startswith(SEGMENTOR_PREFIX)}
        return {**first, **{key: value for key, value in plain.items() if key.startswith(SECOND_PREFIX)}}
    if prefix == SECOND_HEAD_PREFIX:
        own_head = SECOND_HEAD_PREFIX.replace(SECOND_PREFIX, SEGMENTOR_PREFIX)
        shared = {key[len(SEGMENTOR_PREFIX):]: value for key, value in plain.items()
                  if key.startswith(SEGMENTOR_PREFIX) and not key.startswith(own_head)}
        head = {key[len(SECOND_PREFIX):]: value for key, value in plain.items() if key.startswith(prefix)}
        return {**shared, **head}
    weights = {key[len(prefix):]: value for key, value in plain.items() if key.startswith(prefix)}
    if prefix.endswith(TEACHER_PREFIX):
        weights.pop(STEPS, None)
    return weights


def found_prefix(state_dict: Mapping[str, Tensor], prefix: str) -> str:
    """Return the prefix of a segmentor in a state dict, of which another one was expected; see `segmentor_weights`."""
    whole = any(key.removeprefix('module.').startswith((SEGMENTOR_PREFIX, TEACHER_PREFIX)) for key in state_dict)
    if not whole:
        return ''
    return prefix or SEGMENTOR_PREFIX


def build_original(cfg: Config, content: Mapping[str, Any], allow_partial: bool = False) -> nn.Module:
    """Build the predicting segmentor of a config with its trained weights, in evaluation mode.

    Args:
        cfg (Config): Config of the model.
        content (Mapping): A checkpoint, or only its state dict.
        allow_partial (bool): Whether the checkpoint may differ from the config. What fits is loaded, the rest keeps its
            random initial weights, and the log has the differences. Defaults to False.

    Raises:
        ValueError: see `check_predictor`.
    """
    segmentor, prefix = predictor_config(cfg)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Default ``avg_non_ignore``')  # of losses, which prediction does not use
        model = MODELS.build(ConfigDict(segmentor)).eval()
    for line in _check_fit(cfg, model, content, prefix, allow_partial):
        print_log(line, 'current', logging.WARNING)
    weights = segmentor_weights(state_dict_of(content), prefix)
    if allow_partial:
        wanted = model.state_dict()
        weights = {key: value for key, value in weights.items() if key in wanted and value.shape == wanted[key].shape}
    model.load_state_dict(weights, strict=not allow_partial)
    return model


def build_untrained(cfg: Config) -> nn.Module:
    """Build the whole model of a config as MMEngine's Runner does, without loading pretrained weights."""
    preprocessor = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor')
    return MODELS.build(ConfigDict({**cfg.model, 'data_preprocessor': preprocessor}))


def has_segmentor(cfg: Config) -> bool:
    """Whether the model of a config is or has a segmentor of MMSegmentation; other models are, for example, GANs."""
    kind = MODELS.get(predictor_config(cfg)[0]['type'])
    return isinstance(kind, type) and issubclass(kind, BaseSegmentor)


def check_predictor(cfg: Config, content: Mapping[str, Any], allow_partial: bool = False) -> List[str]:
    """Check that a checkpoint has the weights and the classes of the predicting segmentor of a config.

    Args:
        cfg (Config): Config of the model.
        content (Mapping): A checkpoint, or only its state dict.
        allow_partial (bool): Whether differences are returned instead of raised. Defaults to False.

    Returns:
        list[str]: The differences.

    Raises:
        UnfitWeightsError: listing the weights that are missing, unexpected or have another shape, or naming the classes
            that differ.
    """
    segmentor, prefix = predictor_config(cfg)
    return _check_fit(cfg, MODELS.build(ConfigDict(segmentor)), content, prefix, allow_partial)


def check_initial_weights(cfg: Config, content: Mapping[str, Any], allow_partial: bool = False) -> List[str]:
    """Check that a checkpoint has the weights and the classes with which the model of a config begins its training.

    The checkpoint may be of another method: parts besides the segmentor, such as discriminators or a teacher, may be
    missing as a whole, and other parts are not used.

    Args:
        cfg (Config): Config of a segmentor, or of a model with one under `segmentor`.
        content (Mapping): A checkpoint, or only its state dict.
        allow_partial (bool): Whether differences are returned instead of raised. Defaults to False.

    Returns:
        list[str]: The differences, and the parts that are missing as a whole.

    Raises:
        UnfitWeightsError: as in `check_predictor`.
    """
    model = build_untrained(cfg)
    segmentor, prefix = model, ''
    while hasattr(segmentor, 'segmentor'):
        segmentor, prefix = segmentor.segmentor, prefix + SEGMENTOR_PREFIX
    differences = _check_fit(cfg, segmentor, content, prefix, allow_partial)
    state, wanted = state_dict_of(content), model.state_dict()
    parts = dict.fromkeys(key.split('.')[0] for key in wanted if not key.startswith(prefix))
    absent = [part for part in parts if not any(key.startswith(f'{part}.') for key in state)]
    for part in (part for part in parts if part not in absent):
        ours, theirs = ({key: value for key, value in weights.items() if key.startswith(f'{part}.')}
                        for weights in (wanted, state))
        differences += _refuse(str(compare_weights(ours, theirs)), _SAME_CONFIG, allow_partial)
    return differences + [f'not in the checkpoint: {part}' for part in absent]


def _check_fit(cfg: Config, segmentor: nn.Module, content: Mapping[str, Any], prefix: str,
               allow_partial: bool = False) -> List[str]:
    """Compare the weights and the classes of a checkpoint with a segmentor and the data of its config."""
    state, wanted = state_dict_of(content), segmentor.state_dict()
    weights = segmentor_weights(state, prefix)
    _check_values({key: value for key, value in weights.items() if key in wanted})
    shown = found_prefix(state, prefix)
    differences = str(compare_weights(wanted, weights, SECOND_PREFIX if shown == SECOND_HEAD_PREFIX else shown))
    found = _refuse(differences, advice(wanted, weights), allow_partial) if differences else []
    classes = compare_classes(content.get('meta') or {}, cfg)
    if not prefix and any(key.startswith(TEACHER_PREFIX) for key in state):
        found.append(f'the checkpoint has a student and a teacher; the student ({SEGMENTOR_PREFIX}*) is used. For the '
                     'teacher, use the config of the training')
    if not prefix and any(key.startswith(SECOND_PREFIX) for key in state):
        count = 'networks' if any(key.startswith(f'{SECOND_PREFIX}backbone.') for key in state) else 'classifiers'
        found.append(f'the checkpoint has two {count}; the first ({SEGMENTOR_PREFIX}*) is used. For the other one, '
                     'use the config of the training')
    return found + _refuse(classes, 'Give `metainfo.classes` of the data the order of the checkpoint, or use the '
                           'config of its training.', allow_partial)


def _check_values(weights: Mapping[str, Any]) -> None:
    """Check that weights are tensors of finite numbers. With NaN, every pixel would be predicted as class 0."""
    others = [key for key, value in weights.items() if not isinstance(value, Tensor)]
    if others:
        raise UnfitWeightsError(f'the checkpoint has no tensors but, for example, a '
                                f'{type(weights[others[0]]).__name__} as {others[0]}. Save the state_dict of the '
                                'model with torch.save.')
    broken = [key for key, value in weights.items() if not bool(value.isfinite().all())]
    if broken:
        raise UnfitWeightsError(f'the checkpoint has {len(broken)} weights that are not finite ({listed(broken)}): its '
                                'training diverged. Use an earlier checkpoint.')


def _refuse(difference: str, fix: str, allow_partial: bool) -> List[str]:
    """Raise a difference between a checkpoint and a config as an error, or return it if that is allowed."""
    if difference and not allow_partial:
        raise UnfitWeightsError(f'the checkpoint does not match the config: {difference}. {fix}')
    return [difference] if difference else []
