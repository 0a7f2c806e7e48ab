"""Settings with which a segmentor predicts: windows, and padding to sizes that its network can process."""
import copy
from typing import Any, Dict, Mapping, Optional

import torch
from mmengine.config import Config
from torch import nn

_MODES = ('whole', 'slide')
_DIVISORS = (2, 4, 8, 16, 32, 64, 128)


def segmentor_key(cfg: Config) -> str:
    """Return the dotted key of the segmentor in a config, such as 'model.segmentor'."""
    key, part = 'model', cfg.model
    while 'segmentor' in part:
        key, part = f'{key}.segmentor', part['segmentor']
    return key


def preprocessor_key(cfg: Config) -> str:
    """Return the dotted key of the preprocessor that the model of a config uses."""
    key, part = 'model', cfg.model
    if not part.get('data_preprocessor') and cfg.get('data_preprocessor'):
        return 'data_preprocessor'
    while not part.get('data_preprocessor') and 'segmentor' in part:
        key, part = f'{key}.segmentor', part['segmentor']
    return f'{key}.data_preprocessor'


def check_test_cfg(test_cfg: Optional[Mapping[str, Any]], key: str) -> None:
    """Check the mode, the windows and the stride of predictions.

    Args:
        test_cfg (Mapping, optional): `test_cfg` of an MMSegmentation segmentor.
        key (str): Its dotted key, for the message.

    Raises:
        ValueError: for a mode that does not exist, or windows that do not cover the image.
    """
    if test_cfg is None:
        return
    mode = test_cfg.get('mode', 'whole')
    if mode not in _MODES:
        raise ValueError(f'the validation would fail: {key}.mode={mode!r}: allowed are {", ".join(_MODES)}.')
    if mode == 'whole':
        return
    pairs: Dict[str, Any] = {name: test_cfg.get(name) for name in ('crop_size', 'stride')}
    for name, pair in pairs.items():
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2
                and all(isinstance(value, int) and value > 0 for value in pair)):
            raise ValueError(f'the validation would fail: {key}.{name}={pair!r}: mode="slide" needs (height, width) in '
                             f'pixels, such as {key}=dict(mode="slide", crop_size=(512, 512), stride=(384, 384)).')
    if any(step > size for step, size in zip(pairs['stride'], pairs['crop_size'])):
        raise ValueError(f'the validation would fail: {key}.stride={tuple(pairs["stride"])} is larger than crop_size='
                         f'{tuple(pairs["crop_size"])}, so the windows would leave out pixels. Set the stride to the '
                         'crop size or less.')


def padding_advice(model: nn.Module, batch: Dict[str, Any], key: str) -> str:
    """Find out whether a model can predict images after padding; some networks need sizes that are divisible.

    Args:
        model (nn.Module): Model in evaluation mode that cannot predict the batch.
        batch (dict): Images of one size, as a loader gives them.
        key (str): Dotted key of its preprocessor in the config.

    Returns:
        str: The setting that pads images during validation and testing; '' if that does not help.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if not hasattr(preprocessor, 'test_cfg'):
        return ''
    height, width = batch['inputs'][0].shape[-2:]
    before = preprocessor.test_cfg
    try:
        for divisor in _DIVISORS:
            # odd multiples: other multiples might be divisible by more than the divisor
            size = tuple(divisor * (-(-length // divisor) | 1) for length in (height, width))
            preprocessor.test_cfg = dict(size=size)
            if _predicts(model, batch):
                return (f'It can predict images that are padded to a multiple of {divisor}: set {key}.test_cfg='
                        f'dict(size_divisor={divisor}). Predictions are cropped to the image again.')
    finally:
        preprocessor.test_cfg = before
    return ''


def _predicts(model: nn.Module, batch: Dict[str, Any]) -> bool:
    try:
        with torch.no_grad():
            model.val_step(copy.deepcopy(batch))
    except Exception:  # any network may fail in its own way
        return False
    return True
