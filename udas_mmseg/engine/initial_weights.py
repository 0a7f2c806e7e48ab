"""Checking the checkpoints that `tools/train.py` and `tools/test.py` load, before the Runner is built.

MMEngine's Runner only logs a warning about weights that do not fit, and continues with random ones.
"""
from typing import Any, Callable, List, Mapping

from mmengine.config import Config

from ..models.predictor import SEGMENTOR_PREFIX, predictor_config
from ..models.trained import (
    UnfitWeightsError,
    check_initial_weights,
    check_predictor,
    found_prefix,
    has_segmentor,
    load_checkpoint,
    state_dict_of,
)


def prepare_load_from(cfg: Config, allow_partial: bool = False) -> List[str]:
    """Check the checkpoint with which a training begins or, with `resume`, continues.

    Args:
        cfg (Config): Config of the training with `load_from`, to be changed in place if the checkpoint is that of a
            whole model and the config that of a segmentor alone.
        allow_partial (bool): Whether weights may be missing or have another shape. Defaults to False.

    Returns:
        list[str]: A line about each part that keeps its initial weights. Empty without `load_from`.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: if it cannot be read, or does not match the config.
    """
    if not cfg.get('load_from'):
        return []
    content = load_checkpoint(cfg.load_from)
    if cfg.get('resume') and 'iter' not in (content.get('meta') or {}):
        raise ValueError(f'{cfg.load_from} has no iteration, so no training can continue from it: it was not saved by '
                         'an interrupted training. To begin with its weights, leave out --resume and set load_from.')
    return _prepare(cfg, content, check_initial_weights, allow_partial, f'load_from={cfg.load_from!r}',
                    'Add --allow-partial to load what fits.')


def prepare_test(cfg: Config, checkpoint: str, allow_partial: bool = False) -> List[str]:
    """Check a checkpoint that is to be evaluated, and let the Runner of a config load it.

    Args:
        cfg (Config): Config of the model, to be changed in place.
        checkpoint (str): Path of the checkpoint.
        allow_partial (bool): Whether weights may be missing or have another shape. Defaults to False.

    Returns:
        list[str]: A line about each difference.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: if it cannot be read, or does not match the config.
    """
    cfg.load_from = checkpoint
    return _prepare(cfg, load_checkpoint(checkpoint), check_predictor, allow_partial, checkpoint,
                    'To evaluate it all the same, add --allow-partial; weights that do not fit keep their initial '
                    'values.')


def _prepare(cfg: Config, content: Mapping[str, Any], check: Callable[..., List[str]], allow_partial: bool, name: str,
             fix: str) -> List[str]:
    """Check a checkpoint, and add a hook if a segmentor alone is to load that of a model with a segmentor."""
    if not has_segmentor(cfg):
        return []
    try:
        lines = check(cfg, content, allow_partial)
    except UnfitWeightsError as error:
        raise ValueError(f'{name}: {error} {fix}') from error
    alone = not predictor_config(cfg)[1]
    if alone and found_prefix(state_dict_of(content), '') == SEGMENTOR_PREFIX:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='SegmentorWeightsHook')]
    return [f'{name}: {line}' for line in lines]
