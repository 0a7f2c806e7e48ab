"""Proposing an auxiliary head that fits a segmentor without one."""
import warnings
from typing import Any, Dict, List, Sequence

import torch
from mmseg.models import EncoderDecoder
from torch import nn

from ...utils.predicting import predicting

_SIDE = 64  # pixels; divisible by the strides of the usual backbones, even of a UNet with five levels


def auxiliary_head_advice(segmentor: EncoderDecoder) -> str:
    """Return the config of an auxiliary head that fits a segmentor, as advice in an error message.

    Args:
        segmentor (EncoderDecoder): With a backbone, an optional neck and one decode head.

    Returns:
        str: A sentence with `auxiliary_head=dict(...)`, which can be copied into the segmentor's config. If the
        backbone cannot be tried on an image of 64x64 pixels, a sentence about where to find the numbers.
    """
    try:
        channels = feature_channels(segmentor)
        head = propose_auxiliary_head(segmentor.decode_head, channels)
    except Exception as error:  # any backbone may fail in its own way, and the advice is only part of a message
        return (f'{type(segmentor.backbone).__name__} could not be tried on an image of {_SIDE}x{_SIDE} pixels '
                f'({type(error).__name__}: {error}), so no head can be proposed: take `in_index` and `in_channels` of '
                'the feature map before that of the main head from a config of MMSegmentation with this backbone.')
    sizes = ', '.join(f'{index}: {count}' for index, count in enumerate(channels))
    text = ', '.join(f'{key}={_shown(value)}' for key, value in head.items())
    return (f'For this backbone ({type(segmentor.backbone).__name__}; channels of its feature maps: {sizes}), add to '
            f'the segmentor:\nauxiliary_head=dict({text})')


def feature_channels(segmentor: EncoderDecoder) -> List[int]:
    """Return the number of channels of each feature map of the backbone, or of the neck if there is one."""
    with predicting(segmentor), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        # not backbone.in_channels: MobileNetV2 counts up its channels in it
        in_channels = next((layer.in_channels for layer in segmentor.backbone.modules()
                            if isinstance(layer, nn.Conv2d)), 3)
        image = torch.zeros(1, in_channels, _SIDE, _SIDE, device=next(segmentor.parameters()).device)
        features = segmentor.extract_feat(image)
    return [feature.shape[1] for feature in features]


def propose_auxiliary_head(decode_head: nn.Module, channels: Sequence[int]) -> Dict[str, Any]:
    """Return the config of an auxiliary head on the feature map before the last one of the main head.

    For a `DeepLabV2Head` it is another one, with AdaptSegNet's weight of 0.1. Otherwise it is the `FCNHead` that
    MMSegmentation's own configs have beside their main heads, with the weight of 0.4.

    Args:
        decode_head (nn.Module): The main head.
        channels (Sequence[int]): Channels of the feature maps, see `feature_channels`.
    """
    used = decode_head.in_index
    last = max(index % len(channels) for index in (used if isinstance(used, Sequence) else [used]))
    index = max(last - 1, 0)
    is_deeplab = type(decode_head).__name__ == 'DeepLabV2Head'
    head: Dict[str, Any] = dict(type='DeepLabV2Head' if is_deeplab else 'FCNHead', in_index=index,
                                in_channels=channels[index])
    if not is_deeplab:
        head.update(channels=max(channels[index] // 4, 16), num_convs=1, concat_input=False)
        if decode_head.norm_cfg is not None:
            head['norm_cfg'] = dict(decode_head.norm_cfg)
    head.update(num_classes=decode_head.num_classes, align_corners=decode_head.align_corners,
                ignore_index=decode_head.ignore_index)
    head['loss_decode'] = dict(type='CrossEntropyLoss', loss_weight=0.1 if is_deeplab else 0.4)
    return head


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return 'dict({})'.format(', '.join(f'{key}={_shown(entry)}' for key, entry in value.items()))
    return repr(value)
