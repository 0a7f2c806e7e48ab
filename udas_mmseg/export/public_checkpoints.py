"""Converting public checkpoints of multi-level DeepLabv2, with the parameter names of AdaptSegNet, to this package.

Their ResNet has the same names as MMSegmentation's. `layer5` classifies stage 3 (the auxiliary head here) and `layer6`
stage 4 (the decode head). Each has one convolution for every dilation in `conv2d_list`.
"""
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ..models.backbones import DeepLabResNet
from .public_files import Conversion, check_weights, listed, with_counters

HEADS = {'layer6': 'decode_head', 'layer5': 'auxiliary_head'}
PUBLISHED_DILATIONS = (6, 12, 18, 24)
# the published code initialises the weights of the classifiers from N(0, 0.01^2)
INITIAL_SPREAD = 0.01
KNOWN = ('Known are conv1, bn1 and layer1 to layer4 of a ResNet with bottlenecks, and layer5 and layer6 with '
         'conv2d_list.N.weight and conv2d_list.N.bias, after common prefixes such as "Scale." or "module."')


@dataclass
class DeepLabConversion(Conversion):
    """The result of converting a public multi-level DeepLabv2, or only its backbone.

    Attributes:
        prefix (str): Prefix that was removed from all names, such as 'Scale.'.
        dilations (tuple[int]): Dilations for `DeepLabV2Head`; empty if the classifiers were left out.
        num_classes (int, optional): Number of classes; None if the classifiers were left out.
        warnings (list[str]): Reasons why the choice of `dilations` may be wrong.
    """
    prefix: str = ''
    dilations: Tuple[int, ...] = ()
    num_classes: Optional[int] = None
    warnings: List[str] = field(default_factory=list)


def convert_deeplab_multi(state_dict: Mapping[str, Tensor],
                          dilations: Optional[Sequence[int]] = None,
                          backbone_only: bool = False,
                          depth: int = 101,
                          width: int = 64) -> DeepLabConversion:
    """Rename the weights of a public multi-level DeepLabv2.

    A single `layer5` on the channels of stage 4, such as the one for 21 classes in
    `DeepLab_resnet_pretrained_init-*.pth`, is the classifier of a single-level network. It is left out, and only the
    backbone is converted.

    Args:
        state_dict (Mapping[str, Tensor]): Weights with public names; entries `num_batches_tracked` may be missing.
        dilations (Sequence[int], optional): Dilations of the branches that the code of the checkpoint adds, in their
            order. Required if there are the published four branches: (6, 12) for AdaptSegNet, all for AdvEnt.
        backbone_only (bool): Whether to leave out the classifiers, of whatever kind. Defaults to False.
        depth (int): Depth of the ResNet. Defaults to 101.
        width (int): Number of output channels of its first convolution. Defaults to 64.

    Returns:
        DeepLabConversion: Weights that `MultiLevelEncoderDecoder` with `DeepLabResNet` and `DeepLabV2Head` loads
            strictly.

    Raises:
        ValueError: if a name is unknown or missing, a shape or the depth differs, or `dilations` is required.

    Source: AdaptSegNet (CVPR 2018) and AdvEnt (CVPR 2019), published code.
    """
    weights, prefix = strip_prefix(state_dict)
    classifiers = {name: value for name, value in weights.items() if name.split('.')[0] in HEADS}
    backbone = convert_backbone({name: value for name, value in weights.items() if name not in classifiers},
                                depth, width)  # yapf: disable
    result = DeepLabConversion({f'backbone.{name}': value for name, value in backbone.items()}, prefix=prefix)
    single_level = is_single_level(classifiers, 32 * width)
    if not backbone_only and not single_level:
        convert_classifiers(classifiers, dilations, 16 * width, result)
    elif classifiers:
        why = 'the classifier of a single-level network, on stage 4' if single_level else 'only the backbone is kept'
        result.left_out.append(f'{describe_classifiers(classifiers)}: {why}')
    result.meta = dict(dilations=result.dilations, num_classes=result.num_classes)
    return result


def strip_prefix(state_dict: Mapping[str, Tensor]) -> Tuple[Dict[str, Tensor], str]:
    """Remove the prefix that all names share, such as 'module.Scale.' of 'module.Scale.conv1.weight'.

    Returns:
        tuple[dict[str, Tensor], str]: The weights and the prefix.
    """
    weights, prefix = dict(state_dict), ''
    while 'conv1.weight' not in weights:
        first = {name.partition('.')[0] for name in weights}
        if len(first) != 1 or not all('.' in name for name in weights):
            break
        prefix += f'{first.pop()}.'
        weights = {name.partition('.')[2]: value for name, value in weights.items()}
    return weights, prefix


def convert_backbone(weights: Dict[str, Tensor], depth: int, width: int) -> Dict[str, Tensor]:
    """Check a ResNet against `DeepLabResNet`, which has the same names. A missing `num_batches_tracked` becomes 0."""
    with torch.device('meta'):
        resnet = DeepLabResNet(depth, base_channels=width, stem_channels=width)
    blocks = tuple(len({name.split('.')[1] for name in weights if name.startswith(f'layer{stage}.')})
                   for stage in range(1, 5))  # yapf: disable
    if any(blocks) and blocks != resnet.stage_blocks:
        raise ValueError(f'layer1 to layer4 have {blocks} blocks, and those of ResNet-{depth} {resnet.stage_blocks}. '
                         f'Only ResNet-{depth} is converted.')
    complete = with_counters(weights, resnet.state_dict())
    hint = ''
    if any(name.startswith('fc.') for name in weights):
        hint = (' An `fc` belongs to an ImageNet classifier such as that of torchvision, whose ResNet has its '
                'strides in other layers: use configs/_base_/models/deeplabv2-multi_r101-d8.py for it.')
    shapes = {name: tuple(value.shape) for name, value in resnet.state_dict().items()}
    check_weights(complete, shapes, f'{KNOWN}.{hint}')
    return complete


def is_single_level(classifiers: Dict[str, Tensor], channels: int) -> bool:
    """Whether the classifiers are a single `layer5` on the channels of stage 4."""
    weight = classifiers.get('layer5.conv2d_list.0.weight')
    return (weight is not None and weight.ndim == 4 and weight.shape[1] == channels
            and all(name.startswith('layer5.') for name in classifiers))


def describe_classifiers(classifiers: Dict[str, Tensor]) -> str:
    """Describe the classifiers, for example 'layer5 (8 tensors, 21 classes)'; the classes only if there is a bias."""
    parts = []
    for layer in sorted({name.split('.')[0] for name in classifiers}):
        count = sum(name.startswith(f'{layer}.') for name in classifiers)
        bias = classifiers.get(f'{layer}.conv2d_list.0.bias')
        parts.append(f'{layer} ({count} tensors' + (f', {bias.numel()} classes)' if bias is not None else ')'))
    return ' and '.join(parts)


def convert_classifiers(weights: Dict[str, Tensor], dilations: Optional[Sequence[int]], channels: int,
                        result: DeepLabConversion) -> None:
    """Add both classifiers to `result`, and list the branches that are left out.

    Args:
        weights (dict[str, Tensor]): `layer5.*` and `layer6.*`.
        dilations (Sequence[int], optional): See `convert_deeplab_multi`.
        channels (int): Number of channels of stage 3; stage 4 has twice as many.
        result (DeepLabConversion): Result to change in place.
    """
    branches, result.num_classes = check_classifiers(weights, channels)
    result.dilations = choose_dilations(weights, branches, dilations, result)
    for layer, head in HEADS.items():
        for number in range(len(result.dilations)):
            for kind in ('weight', 'bias'):
                value = weights[f'{layer}.conv2d_list.{number}.{kind}']
                result.state_dict[f'{head}.convs.{number}.{kind}'] = value


def check_classifiers(weights: Dict[str, Tensor], channels: int) -> Tuple[int, int]:
    """Check that both classifiers exist and are sums of convolutions to the same number of classes.

    Returns:
        tuple[int, int]: Number of branches of each classifier, and number of classes.
    """
    other = [name for name in weights if not re.fullmatch(r'layer[56]\.conv2d_list\.\d+\.(weight|bias)', name)]
    if other:
        raise ValueError(f'the classifiers are not sums of dilated convolutions; unknown: {listed(other)}. {KNOWN}. '
                         'Seg-Uncertainty (MRNet) has another classifier, which DeepLabV2Head does not implement. '
                         '--backbone-only keeps the ResNet.')
    if {name.split('.')[0] for name in weights} != set(HEADS):
        raise ValueError(f'the classifiers are {describe_classifiers(weights) or "missing"}; needed are both layer5 '
                         'and layer6. --backbone-only keeps the ResNet.')
    branches = 1 + max(int(name.split('.')[2]) for name in weights)
    classes = {layer: weights[f'{layer}.conv2d_list.0.bias'].numel() for layer in HEADS
               if f'{layer}.conv2d_list.0.bias' in weights}  # yapf: disable
    if len(set(classes.values())) > 1:
        raise ValueError(f'layer5 has {classes["layer5"]} classes and layer6 {classes["layer6"]}; both need the same '
                         'number. --backbone-only keeps the ResNet.')
    count = max(classes.values(), default=0)
    expected: Dict[str, Tuple[int, ...]] = {}
    for layer, inputs in (('layer6', 2 * channels), ('layer5', channels)):
        for number in range(branches):
            expected[f'{layer}.conv2d_list.{number}.weight'] = (count, inputs, 3, 3)
            expected[f'{layer}.conv2d_list.{number}.bias'] = (count,)
    check_weights(weights, expected, f'{KNOWN}.')
    return branches, count


def choose_dilations(weights: Dict[str, Tensor], branches: int, dilations: Optional[Sequence[int]],
                     result: DeepLabConversion) -> Tuple[int, ...]:
    """Return the dilations of the branches to keep, which are the first ones.

    AdaptSegNet adds two of its four branches, and AdvEnt adds all, but the names are the same. The user must therefore
    choose; the weights only help to detect a wrong choice.
    """
    likely = likely_dilations(weights) if branches == 4 else None
    look = f'The weights of branches 2 and 3 look {"trained" if likely == PUBLISHED_DILATIONS else "untrained"}'
    hint = f'{look}, which speaks for --dilations {" ".join(map(str, likely))}.' if likely else ''
    if dilations is None and branches == 2:
        dilations = PUBLISHED_DILATIONS[:2]
    if dilations is None:
        raise ValueError(f'layer5 and layer6 have {branches} branches each, and their names do not show which of them '
                         'the code adds. Use --dilations 6 12 for AdaptSegNet, --dilations 6 12 18 24 for AdvEnt. '
                         f'{hint}'.rstrip())
    kept = tuple(dilations)
    if not 0 < len(kept) <= branches or any(dilation < 1 for dilation in kept):
        raise ValueError(f'dilations {kept}: give 1 to {branches} positive integers, one for each of the {branches} '
                         'branches to keep.')
    if len(kept) < branches:
        unused = ', '.join(str(number) for number in range(len(kept), branches))
        result.left_out.append(f'branches {unused} of layer5 and layer6: not among the dilations {kept}')
    if likely and len(kept) != len(likely):
        result.warnings.append(hint)
    return kept


def likely_dilations(weights: Dict[str, Tensor]) -> Optional[Tuple[int, ...]]:
    """Guess the dilations from the weights of four branches: unused ones keep their initial values. None if unclear."""
    untouched = [all(looks_untouched(weights[f'{layer}.conv2d_list.{number}.weight']) for layer in HEADS)
                 for number in range(4)]  # yapf: disable
    if not any(untouched):
        return PUBLISHED_DILATIONS
    return PUBLISHED_DILATIONS[:2] if untouched == [False, False, True, True] else None


def looks_untouched(weight: Tensor) -> bool:
    """Whether the standard deviation is that of the initialisation, within five standard errors of its estimate."""
    error = INITIAL_SPREAD / math.sqrt(2 * weight.numel())
    return abs(weight.double().std().item() - INITIAL_SPREAD) < 5 * error
