"""The network of a model that is used for validation, labelling and export."""
from typing import Any, Dict, Tuple

from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn

from ..utils.processes import unwrap

# prefixes of weights in the state dict of a whole model
SEGMENTOR_PREFIX, TEACHER_PREFIX, SECOND_PREFIX = 'segmentor.', 'teacher.', 'second.'
MEAN_PREFIX = 'mean.'  # of no weights: the mean of two networks has those with SEGMENTOR_PREFIX and SECOND_PREFIX
SECOND_HEAD_PREFIX = f'{SECOND_PREFIX}decode_head.'  # replaces the main head of the network with SEGMENTOR_PREFIX


def predictor_of(model: nn.Module) -> nn.Module:
    """Return the predicting network of a model.

    Args:
        model (nn.Module): A segmentor, or a model with one under `segmentor`, such as a `BranchSegmentor`, whose
            `predictor` is then returned. It may be wrapped for several processes.
    """
    model = unwrap(model)
    while hasattr(model, 'segmentor'):
        model = unwrap(getattr(model, 'predictor', model.segmentor))
    return model


def predictor_config(cfg: Config) -> Tuple[Dict[str, Any], str]:
    """Return the config of the predicting network of a model, and the prefix of its weights in checkpoints.

    Args:
        cfg (Config): Config whose `model` is a segmentor, or has one under `segmentor` like `AdversarialSegmentor`. In
            the second case, the `predictor_prefix` of the model's class selects the network.

    Returns:
        tuple[dict, str]: Config of the segmentor, with the preprocessor of the whole model; and '', 'segmentor.',
            'teacher.', 'second.', 'second.decode_head.' or 'mean.', see `segmentor_weights`.
    """
    source = cfg.to_dict()
    model, prefix = source['model'], ''
    preprocessor = model.get('data_preprocessor') or source.get('data_preprocessor')  # as in MMEngine's Runner
    while 'segmentor' in model:
        kind = MODELS.get(model['type'])
        prefix += kind.predictor_prefix(model) if hasattr(kind, 'predictor_prefix') else SEGMENTOR_PREFIX
        model = kind.predictor_config(model) if hasattr(kind, 'predictor_config') else model['segmentor']
        preprocessor = preprocessor or model.get('data_preprocessor')
    return {**model, 'data_preprocessor': preprocessor}, prefix
