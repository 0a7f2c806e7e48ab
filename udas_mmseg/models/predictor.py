"""The network of a model that predicts: in validation, when it labels images, and as what is exported."""
from typing import Any, Dict, Tuple

from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn

from ..utils.processes import unwrap

SEGMENTOR_PREFIX, TEACHER_PREFIX = 'segmentor.', 'teacher.'  # of weights in the state dict of a whole model


def predictor_of(model: nn.Module) -> nn.Module:
    """The network that predicts in a live model.

    Args:
        model (nn.Module): A segmentor, or a model that has one under `segmentor`, such as a `BranchSegmentor`, whose
            `predictor` says which of its networks it is. Wrapped for several processes or not.
    """
    model = unwrap(model)
    while hasattr(model, 'segmentor'):
        model = unwrap(getattr(model, 'predictor', model.segmentor))
    return model


def predictor_config(cfg: Config) -> Tuple[Dict[str, Any], str]:
    """The network that predicts in a model that a config describes, and the prefix of its weights in checkpoints.

    Args:
        cfg (Config): Its `model` is a segmentor, or has one under `segmentor` as `AdversarialSegmentor` does; then the
            `predictor_prefix` of the model's class says which of its networks it is.

    Returns:
        tuple[dict, str]: Config of the segmentor, with the preprocessor that the whole model uses; '', 'segmentor.' or
            'teacher.'.
    """
    source = cfg.to_dict()
    model, prefix = source['model'], ''
    preprocessor = model.get('data_preprocessor') or source.get('data_preprocessor')  # as MMEngine's Runner does
    while 'segmentor' in model:
        of_class = getattr(MODELS.get(model['type']), 'predictor_prefix', None)
        prefix += SEGMENTOR_PREFIX if of_class is None else of_class(model)
        model = model['segmentor']
        preprocessor = preprocessor or model.get('data_preprocessor')
    return {**model, 'data_preprocessor': preprocessor}, prefix
