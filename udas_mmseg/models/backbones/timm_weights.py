"""Building vision transformers of timm, and loading pretrained weights into them without differences."""
import contextlib
import difflib
import importlib
import io
import re
from typing import Any, Dict, Mapping

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ...compat import open_timm

HUB = 'timm://'  # in front of a name of timm: the weights that timm downloads for it
# the parts of a classifier, and of pretraining, that a backbone does not have
_NOT_OF_A_BACKBONE = re.compile(r'(head|head_dist|attn_pool|fc_norm|lm_head|dino_head|ibot_head)\.')


def build_vit(name: str, drop_path_rate: float, options: Mapping[str, Any]) -> Any:
    """Build a vision transformer of timm that takes images of any size.

    Args:
        name (str): Name of timm, such as 'vit_base_patch14_dinov2.lvd142m'.
        drop_path_rate (float): Stochastic depth of the last block; it increases linearly from 0.
        options (Mapping[str, Any]): Further arguments of the model in timm, such as `embed_dim` or `depth`.

    Raises:
        ModuleNotFoundError: if timm is not installed.
        ValueError: if timm does not know the name, or the network is not a vision transformer.
    """
    timm = open_timm()
    known = timm.list_models()
    architecture = name.partition('.')[0]
    if architecture not in known:
        similar = difflib.get_close_matches(architecture, known, n=3, cutoff=0.6)
        raise ValueError(f'TimmVisionTransformer: model={name!r} is not in timm {timm.__version__}. '
                         f'Similar names: {similar}. All names: timm.list_models("vit_*"), and "eva02_*".')
    classes = (timm.models.vision_transformer.VisionTransformer, timm.models.eva.Eva)
    try:
        vit = timm.create_model(name, num_classes=0, dynamic_img_size=True, drop_path_rate=drop_path_rate, **options)
    except (TypeError, RuntimeError) as error:  # an argument that the network does not have, or an unknown tag
        raise ValueError(f'TimmVisionTransformer: timm cannot build model={name!r} with '
                         f'model_kwargs={dict(options)}: {error}. Allowed are vision transformers that take images of '
                         'any size (vit_*, eva02_*).') from error
    if not isinstance(vit, classes) or not isinstance(vit.patch_embed, timm.layers.PatchEmbed):
        raise ValueError(f'TimmVisionTransformer: model={name!r} is a {type(vit).__name__}. Allowed are '
                         'VisionTransformer and Eva of timm, without convolutional stem: vit_*, eva02_*.')
    if isinstance(vit.norm, nn.Identity):
        # these networks normalise after pooling; the same norm of each token is as good
        vit.norm = vit.fc_norm
    return vit


def load_weights(vit: Any, checkpoint: str, depth: int) -> Dict[str, Tensor]:
    """Load pretrained weights into a vision transformer of timm; every weight must fit.

    Position embeddings, and kernels of patches, of another size are interpolated by timm. Weights of classifiers, of
    pretraining heads and of blocks that the backbone does not use are left out.

    Args:
        vit (VisionTransformer | Eva): The network.
        checkpoint (str): 'timm://NAME', the pretrained weights of that name (a download at the first use), or the path
            or URL of a file in the format of timm or of the original code, `.safetensors` or PyTorch's.
        depth (int): Number of blocks of the whole network, of which the backbone may have only the first ones.

    Returns:
        dict[str, Tensor]: The weights of the file that the backbone does not have: `mask_token`, or none.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if a weight is missing, not known, or has another shape.
    """
    given = _hub_weights(checkpoint[len(HUB):]) if checkpoint.startswith(HUB) else _file_weights(checkpoint)
    mask_token = given.get('mask_token')
    convert = importlib.import_module(type(vit).__module__).checkpoint_filter_fn
    with contextlib.redirect_stdout(io.StringIO()):  # it prints about biases that are always 0
        converted = convert(dict(given), vit)
    weights = _of_backbone(converted, range(len(vit.blocks), depth))
    expected = vit.state_dict()
    missing = [key for key, _ in vit.named_parameters() if key not in weights]
    unexpected = [key for key in weights if key not in expected]
    other_shape = [f'{key} {tuple(weights[key].shape)} instead of {tuple(value.shape)}'
                   for key, value in expected.items() if key in weights and weights[key].shape != value.shape]
    if missing or unexpected or other_shape:
        parts = [f'{len(keys)} {kind}: {", ".join(keys[:4])}{", ..." if len(keys) > 4 else ""}' for kind, keys in
                 (('missing', missing), ('unknown', unexpected), ('of another shape', other_shape)) if keys]
        raise ValueError(f'{checkpoint} does not fit the backbone. Weights {"; ".join(parts)}. Set `model` (and '
                         '`model_kwargs`) to the network of the file; its name in timm has the size and the patch. To '
                         'begin with a whole segmentor, use load_from.')
    vit.load_state_dict(weights, strict=False)  # buffers that are computed may be missing
    return {} if mask_token is None else dict(mask_token=mask_token)


def _hub_weights(name: str) -> Dict[str, Tensor]:
    """Let timm download the weights of a name, or read them from its cache."""
    timm = open_timm()
    pretrained = timm.list_pretrained()
    if name not in pretrained and name not in {known.partition('.')[0] for known in pretrained}:
        raise ValueError(f'{HUB}{name}: timm {timm.__version__} has no weights with this name. Similar names: '
                         f'{difflib.get_close_matches(name, pretrained, n=3, cutoff=0.5)}.')
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except OSError as error:  # connection errors are OSErrors
        raise ValueError(f'{HUB}{name}: the weights could not be downloaded ({error}). Download them where there is a '
                         'network, and set `checkpoint` to the path of the file.') from error


def _file_weights(path: str) -> Dict[str, Tensor]:
    """Read the state dict of a file."""
    if path.endswith('.safetensors') and '://' not in path:
        content = importlib.import_module('safetensors.torch').load_file(path)
    else:
        content = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    for key in ('model_ema', 'state_dict', 'model', 'module', 'teacher'):
        if isinstance(content.get(key), Mapping):
            content = content[key]
    return {re.sub(r'^(module|backbone|vit)\.', '', key): value
            for key, value in content.items() if isinstance(value, torch.Tensor)}


def _of_backbone(weights: Mapping[str, Tensor], unused: range) -> Dict[str, Tensor]:
    """Leave out classifiers and the blocks that are not used; the norm after pooling is that of the tokens."""
    if 'norm.weight' not in weights:
        weights = {re.sub(r'^fc_norm\.', 'norm.', key): value for key, value in weights.items()}
    prefixes = tuple(f'blocks.{number}.' for number in unused)
    return {key: value for key, value in weights.items()
            if not _NOT_OF_A_BACKBONE.match(key) and not key.startswith(prefixes)}
