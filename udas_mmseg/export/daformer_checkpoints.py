"""Converting public checkpoints of DAFormer, HRDA and MIC, whose names are those of MMSegmentation 0.x.

They have the student as `model.*`, its moving average (the teacher) as `ema_model.*` and, for the feature distance, a
network with ImageNet's weights as `imnet_model.*`. Their Mix Transformer has the names of SegFormer's first code.
"""
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

import torch
from mmseg.models.backbones import MixVisionTransformer
from torch import Tensor

from ..models.decode_heads import DAFormerHead
from .public_files import Conversion, check_weights, listed, with_counters

STUDENT, TEACHER, IMAGENET = 'model', 'ema_model', 'imnet_model'
PARTS = ('backbone', 'decode_head')
HEADS = (1, 2, 5, 8)  # of the attention, for every Mix Transformer; the channels of a stage are in the same proportions
VARIANTS: Dict[Tuple[int, ...], str] = {
    (2, 2, 2, 2): 'B1', (3, 4, 6, 3): 'B2', (3, 4, 18, 3): 'B3', (3, 8, 27, 3): 'B4', (3, 6, 40, 3): 'B5'
}
KNOWN = ('Known are the names of a Mix Transformer (backbone.patch_embed1 to norm4) and of the head of DAFormer '
         '(decode_head.embed_layers, fuse_layer, conv_seg) or HRDA (decode_head.head, decode_head.scale_attention); '
         '"missing" has the names of MMSegmentation 1.x.')
# pattern of a public name, and the name here; stages are counted from 0 here
_STAGE = '{stage}'
_NAMES = (
    (r'patch_embed(\d)\.proj\.(.+)', r'layers.{stage}.0.projection.\2'),
    (r'patch_embed(\d)\.norm\.(.+)', r'layers.{stage}.0.norm.\2'),
    (r'block(\d)\.(\d+)\.(norm[12])\.(.+)', r'layers.{stage}.1.\2.\3.\4'),
    (r'block(\d)\.(\d+)\.attn\.proj\.(.+)', r'layers.{stage}.1.\2.attn.attn.out_proj.\3'),
    (r'block(\d)\.(\d+)\.attn\.(sr|norm)\.(.+)', r'layers.{stage}.1.\2.attn.\3.\4'),
    (r'block(\d)\.(\d+)\.mlp\.fc1\.(.+)', r'layers.{stage}.1.\2.ffn.layers.0.\3'),
    (r'block(\d)\.(\d+)\.mlp\.dwconv\.dwconv\.(.+)', r'layers.{stage}.1.\2.ffn.layers.1.\3'),
    (r'block(\d)\.(\d+)\.mlp\.fc2\.(.+)', r'layers.{stage}.1.\2.ffn.layers.4.\3'),
    (r'norm(\d)\.(.+)', r'layers.{stage}.2.\2'))
# HRDA's head has the main head and the scale attention as its parts
_HRDA_HEAD, _HRDA_ATTENTION = 'decode_head.head.', 'decode_head.scale_attention.'
_QUERY = re.compile(r'block(\d)\.(\d+)\.attn\.q\.(weight|bias)')


@dataclass
class DAFormerConversion(Conversion):
    """The result of converting a public checkpoint of DAFormer or MIC.

    Attributes:
        width (int): Channels of the first stage of the Mix Transformer.
        num_layers (tuple[int]): Blocks of each of its stages.
        num_classes (int): Number of classes.
        has_attention (bool): Whether it is the network of HRDA, with a scale attention.
    """
    width: int = 0
    num_layers: Tuple[int, ...] = ()
    num_classes: int = 0
    has_attention: bool = False

    @property
    def in_channels(self) -> Tuple[int, ...]:
        """The channels of each stage."""
        return tuple(self.width * heads for heads in HEADS)

    @property
    def backbone(self) -> str:
        """The name of the backbone."""
        variant = 'B0' if (self.width, self.num_layers) == (32, (2, 2, 2, 2)) else VARIANTS.get(self.num_layers)
        return f'MiT-{variant}' if variant else f'a Mix Transformer with {self.num_layers} blocks'


def convert_daformer(state_dict: Mapping[str, Tensor], teacher: bool = False) -> DAFormerConversion:
    """Rename the weights of a public DAFormer or HRDA, or of MIC on top of it.

    Args:
        state_dict (Mapping[str, Tensor]): Weights of a whole training (`model.*`, `ema_model.*`, `imnet_model.*`), or
            of the network alone (`backbone.*`, `decode_head.*`).
        teacher (bool): Whether to take the teacher in place of the student, which the public code evaluates.

    Returns:
        DAFormerConversion: Weights that an `EncoderDecoder` (or, of HRDA, an `HRDAEncoderDecoder`) of
            `MixVisionTransformer` and `DAFormerHead` loads strictly.

    Raises:
        ValueError: if there is no such network, a name is unknown or missing, or a shape differs.

    Source: Hoyer et al., DAFormer (CVPR 2022), HRDA (ECCV 2022) and MIC (CVPR 2023), published code.
    """
    network, left_out = choose_network(state_dict, teacher)
    network = without_hrda_head(network)
    weights: Dict[str, Tensor] = {}
    for name, value in network.items():
        part, _, rest = name.partition('.')
        weights.update(renamed_mit(rest, value, network) if part == 'backbone' else {name: value})
    result = DAFormerConversion(weights, left_out, width=_width(weights), num_layers=_num_layers(weights),
                                num_classes=len(weights.get('decode_head.conv_seg.bias', ())),
                                has_attention=any(name.startswith('scale_attention.') for name in weights))
    wanted = wanted_shapes(result)
    result.state_dict = with_counters(weights, wanted)
    check_weights(result.state_dict, wanted, KNOWN)
    result.meta = dict(network='teacher' if teacher else 'student', num_layers=result.num_layers, width=result.width,
                       num_classes=result.num_classes)
    return result


def choose_network(state_dict: Mapping[str, Tensor], teacher: bool) -> Tuple[Dict[str, Tensor], List[str]]:
    """Return the weights of the student or the teacher, without prefix, and what is left out.

    Raises:
        ValueError: if the network is not in the file, or there are weights of none of the known networks.
    """
    weights = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    first = {name.partition('.')[0] for name in weights}
    if first <= set(PARTS):
        if teacher:
            raise ValueError('the file has the weights of one network, backbone.* and decode_head.*, and no teacher '
                             '(ema_model.*). Leave out --teacher.')
        return weights, []
    unknown = [name for name in weights if name.partition('.')[0] not in (STUDENT, TEACHER, IMAGENET)]
    if unknown:
        raise ValueError(f'unknown: {listed(unknown)}. Known are model.*, ema_model.* and imnet_model.* of a training, '
                         'or backbone.* and decode_head.* of a network.')
    chosen = TEACHER if teacher else STUDENT
    if chosen not in first:
        raise ValueError(f'the file has no weights {chosen}.*, only those of {", ".join(sorted(first))}. '
                         + ('Leave out --teacher.' if teacher else '--teacher takes ema_model.*.'))
    left_out = [f'{part}.* ({sum(name.startswith(f"{part}.") for name in weights)} tensors): {what}'
                for part, what in ((STUDENT, 'the student'), (TEACHER, 'the teacher'), (IMAGENET, 'ImageNet features'))
                if part in first and part != chosen]
    return {name.partition('.')[2]: value for name, value in weights.items()
            if name.startswith(f'{chosen}.')}, left_out


def without_hrda_head(network: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Rename the parts of HRDA's head, `decode_head.head.*` and `.scale_attention.*`, to those of our segmentor."""
    if not any(name.startswith(_HRDA_HEAD) for name in network):
        return dict(network)
    return {name.replace(_HRDA_HEAD, 'decode_head.').replace(_HRDA_ATTENTION, 'scale_attention.'): value
            for name, value in network.items()}


def renamed_mit(name: str, value: Tensor, network: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Return a weight of the Mix Transformer by its name in MMSegmentation 1.x; an unknown name is kept.

    Query, key and value are one matrix there, in this order; the public code has the last two in `kv`. The linear maps
    of the feed-forward network are convolutions of 1x1.

    Args:
        name (str): Public name, without `backbone.`.
        value (Tensor): The weight.
        network (Mapping[str, Tensor]): All weights of the network, by public names.
    """
    query = _QUERY.fullmatch(name)
    both = name.replace('.attn.q.', '.attn.kv.')
    if query and f'backbone.{both}' in network:
        stage, block, kind = query.groups()
        joined = torch.cat([value, network[f'backbone.{both}']])
        return {f'backbone.layers.{int(stage) - 1}.1.{block}.attn.attn.in_proj_{kind}': joined}
    if '.attn.kv.' in name and f'backbone.{name.replace(".attn.kv.", ".attn.q.")}' in network:
        return {}
    for pattern, new in _NAMES:
        match = re.fullmatch(pattern, name)
        if match:
            if re.search(r'\.mlp\.fc[12]\.weight', name):
                value = value[:, :, None, None]
            return {f'backbone.{match.expand(new).replace(_STAGE, str(int(match[1]) - 1))}': value}
    return {f'backbone.{name}': value}


def wanted_shapes(result: DAFormerConversion) -> Dict[str, Tuple[int, ...]]:
    """Return the shapes of all weights of a network of the same size, by their names in MMSegmentation 1.x."""
    # not on the device 'meta', on which the transformer cannot be built
    parts = dict(
        backbone=MixVisionTransformer(embed_dims=result.width, num_layers=result.num_layers, num_heads=HEADS),
        decode_head=_head(result, 'decode_head', 'fuse_layer.bottleneck.conv.weight'))
    if result.has_attention:
        parts['scale_attention'] = _head(result, 'scale_attention', 'fuse_layer.conv.weight', dilations=())
    return {f'{part}.{name}': tuple(value.shape) for part, module in parts.items()
            for name, value in module.state_dict().items()}


def _head(result: DAFormerConversion, name: str, fusion: str, **options: Any) -> DAFormerHead:
    """Build a head with the channels that the weights have."""
    channels, embedded = (len(result.state_dict.get(f'{name}.{weight}', [0]))
                          for weight in (fusion, 'embed_layers.0.proj.weight'))
    return DAFormerHead(result.in_channels, range(len(HEADS)), channels, embedded,
                        num_classes=max(2, result.num_classes), **options)


def _width(weights: Mapping[str, Tensor]) -> int:
    name = 'backbone.layers.0.0.projection.weight'
    if name not in weights:
        raise ValueError(f'the file has no Mix Transformer: backbone.patch_embed1.proj.weight is missing. {KNOWN}')
    return len(weights[name])


def _num_layers(weights: Mapping[str, Tensor]) -> Tuple[int, ...]:
    numbers = [match.groups() for match in (re.match(r'backbone\.layers\.(\d)\.1\.(\d+)\.', name) for name in weights)
               if match]
    return tuple(len({block for stage, block in numbers if int(stage) == number}) for number in range(len(HEADS)))
