"""Heads, forward passes and losses of batches with several branches, for all methods."""
from itertools import accumulate
from typing import Any, Callable, Dict, List, Mapping, Optional

import torch
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils import add_prefix
from torch import Tensor, nn

from ...utils.processes import unwrap
from ..losses.pixel_weights import has_plain_loss
from ..outputs import Outputs, losses_of_heads
from ..terms.context import FeatureNoise


def heads_of(segmentor: nn.Module) -> Dict[str, nn.Module]:
    """Return the heads of an `EncoderDecoder`, by MMSegmentation's prefixes of their losses; the main head first."""
    heads = {'decode': segmentor.decode_head}
    if segmentor.with_auxiliary_head:
        auxiliary = segmentor.auxiliary_head
        if isinstance(auxiliary, nn.ModuleList):
            heads.update((f'aux_{number}', head) for number, head in enumerate(auxiliary))
        else:
            heads['aux'] = auxiliary
    return heads


def networks_of(model: nn.Module) -> List[nn.Module]:
    """Return the networks that are trained in a segmentor, or in a model with one or two of them."""
    networks = getattr(model, 'networks', None)  # a method with several, or with more heads than its segmentor
    return [unwrap(getattr(model, 'segmentor', model))] if networks is None else list(networks.values())


def outputs_of(segmentor: nn.Module, images: Tensor, noise: Optional[FeatureNoise] = None) -> Outputs:
    """Compute the logits of each head, and features, in training.

    A segmentor whose heads do not get the features of the images themselves has a method `training_outputs`, which does
    this, and a `loss` that is the sum of `losses_of_heads` for these outputs.

    Args:
        segmentor (EncoderDecoder): The segmentor.
        images (Tensor): (N, 3, H, W), preprocessed.
        noise (Callable, optional): Changes of the features before the heads, see `TermContext`.

    Raises:
        ValueError: if there is noise, but the features are not feature maps of the images themselves.
    """
    if noise is None and hasattr(segmentor, 'training_outputs'):
        return segmentor.training_outputs(images)
    features = segmentor.extract_feat(images)
    if noise is not None:
        features = _with_noise(segmentor, features, noise)
    logits = [head(features) for head in heads_of(segmentor).values()]
    return Outputs(logits, stages_of(features))


def stages_of(features: Any) -> Optional[List[Tensor]]:
    """Return the feature maps of a backbone or neck as a list; None if they are something else than tensors."""
    stages = [features] if isinstance(features, Tensor) else list(features)
    return stages if all(isinstance(stage, Tensor) for stage in stages) else None


def has_loss_of_heads(segmentor: nn.Module) -> bool:
    """Whether the loss of a segmentor is that of its heads for `outputs_of`."""
    return type(segmentor).loss is EncoderDecoder.loss or hasattr(segmentor, 'training_outputs')


def has_plain_heads(segmentor: nn.Module) -> bool:
    """Whether `loss` of a segmentor is only that of plain heads, which `segmentation_losses` computes in less time."""
    heads = heads_of(segmentor).values()
    plain = all(type(head).loss is BaseDecodeHead.loss and has_plain_loss(head) for head in heads)
    return plain and type(segmentor).loss is EncoderDecoder.loss


def inside_images(branch: dict, images: Tensor) -> Tensor:
    """Return a mask of the pixels that are not padding.

    Args:
        branch (dict): `data_samples` with the size of each image (`img_shape`); without it, there is no padding.
        images (Tensor): (N, 3, H, W), padded.

    Returns:
        Tensor: (N, H, W) bool, on the device of the images.
    """
    inside = torch.zeros((len(images), *images.shape[2:]), dtype=torch.bool, device=images.device)
    for number, sample in enumerate(branch['data_samples']):
        height, width = sample.metainfo.get('img_shape', images.shape[2:])[:2]
        inside[number, :height, :width] = True
    return inside


def split_forward(forward: Callable[[Tensor], Outputs], images: Dict[str, Tensor]) -> Dict[str, Outputs]:
    """Compute the outputs of all branches in one forward pass, and split them.

    Args:
        forward (Callable): Function from (N, 3, H, W) images to `Outputs`.
        images (dict[str, Tensor]): (N_b, 3, H, W) of each branch.

    Returns:
        dict[str, Outputs]: The outputs of each branch, for N_b samples.
    """
    sizes = [len(batch) for batch in images.values()]
    outputs = forward(torch.cat(list(images.values())))
    ends = list(accumulate(sizes))
    return {name: outputs.part(end - size, end) for name, size, end in zip(images, sizes, ends)}


def noise_of_batch(sizes: Mapping[str, int], noise: Mapping[str, FeatureNoise]) -> Optional[FeatureNoise]:
    """Combine the feature noise of some branches into that of a batch with all of them.

    Args:
        sizes (Mapping[str, int]): Number of images of each branch, in the order of the batch.
        noise (Mapping[str, FeatureNoise]): See `TermContext`; features of other branches are not changed.

    Returns:
        Callable: Noise for the whole batch, or None if no branch has any.
    """
    if not any(name in noise for name in sizes):
        return None

    def of_batch(stage: int, features: Tensor) -> Tensor:
        parts = zip(sizes, features.split(list(sizes.values())))
        return torch.cat([noise[name](stage, part) if name in noise else part for name, part in parts])

    return of_batch


def _with_noise(segmentor: nn.Module, features: Any, noise: FeatureNoise) -> Any:
    """Change the features of a backbone (a tensor, or one for each stage)."""
    stages = stages_of(features)
    if hasattr(segmentor, 'training_outputs') or stages is None or any(stage.dim() != 4 for stage in stages):
        raise ValueError(f'the heads of this {type(segmentor).__name__} do not get feature maps (N, C, H, W) of whole '
                         'images, so that channels cannot be dropped. Use an EncoderDecoder with another backbone, or '
                         'feature_dropout=None.')
    changed = [noise(number, stage) for number, stage in enumerate(stages)]
    return changed[0] if isinstance(features, Tensor) else tuple(changed)


def segmentation_losses(heads: Dict[str, nn.Module],
                        branches: Dict[str, dict],
                        outputs: Mapping[str, Outputs],
                        pixel_weights: Optional[Mapping[str, Tensor]] = None) -> Dict[str, Tensor]:
    """Compute the losses of labelled branches with the heads' `loss_decode`.

    Args:
        heads (dict[str, nn.Module]): MMSegmentation's decode heads, by name.
        branches (dict[str, dict]): `data_samples` with `gt_sem_seg` of each branch.
        outputs (Mapping[str, Outputs]): The outputs of the heads, for each branch.
        pixel_weights (Mapping[str, Tensor], optional): (N, H, W) float, for branches with different weights of pixels.
            The loss of a pixel is multiplied by its weight. The sum is divided by the number of pixels (of all pixels,
            or with `avg_non_ignore=True` of the labelled ones), as without weights, and not by the sum of the weights.
            Weights of 1 therefore change nothing.

    Returns:
        dict[str, Tensor]: `<branch>.<head>.<loss>`.

    Raises:
        ValueError: if there are pixel weights, but a head computes its loss in another way.
    """
    losses: Dict[str, Tensor] = {}
    for name, branch in branches.items():
        weight = (pixel_weights or {}).get(name)
        of_heads = losses_of_heads(heads, outputs[name], branch['data_samples'], weight)
        for level, of_head in of_heads.items():
            losses.update(add_prefix(of_head, f'{name}.{level}'))
    return losses
