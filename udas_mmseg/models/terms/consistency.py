"""Consistency between the predictions for several views of a labelled image and its label."""
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmseg.models.losses import CrossEntropyLoss, accuracy
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...datasets.transforms.affine_map import AffineMap
from ...utils.randomness import child_generator
from ..losses.consistency import log_of_probabilities, mean_over_pixels, smoothed_kl
from ..losses.precision import at_least_float32
from ..max_confidence import winning_view
from ..views import change_colours, draw_view, warp_batch
from .context import TermContext
from .term import Term


@MODELS.register_module()
class ConsistencyTerm(Term):
    """L_cons: KL(y_smooth || p_max) for each labelled pixel, with the prediction p_max of the most confident view.

    The first view is the image itself. The other views are drawn for each batch: a shear, shift or rotation in
    AutoAugment's ranges, with or without a flip, which are undone on the probabilities. p_max is the whole distribution
    that is predicted for the most confident view of a pixel, and gradients flow only through this view. Each head has
    its own p_max and its own `loss_decode.loss_weight`. With one view and no smoothing, the term is the cross-entropy
    of the heads.

    Args:
        num_views (int): K_c, 1 or more. Each view costs a forward and a backward pass. Defaults to 3.
        smoothing (float): Label smoothing, in [0, 1]. Defaults to 0.1.
        weight (float): Factor of the term, 0 or more. Defaults to 1.
        magnitude (float): Factor of AutoAugment's ranges, in [0, 1]. Defaults to 1.
        brightness (float): See `change_colours`, for all views except the first. Defaults to 0.
        contrast (float): The same, in [0, 1]. Defaults to 0.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A labelled branch, whose cross-entropy the term replaces. Defaults to 'source'.

    Raises:
        ValueError: for a value outside its range, or heads whose loss is not plain cross-entropy.

    Source: UDAS, L_cons on labelled images, in this project's interpretation (docs/student.md).
    """
    needs_softmax = True
    replaces_supervised = True

    def __init__(self,
                 num_views: int = 3,
                 smoothing: float = 0.1,
                 weight: float = 1.0,
                 magnitude: float = 1.0,
                 brightness: float = 0.0,
                 contrast: float = 0.0,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'source') -> None:
        if num_views < 1:
            raise ValueError(f'consistency.num_views={num_views}: it must be 1 (only the image) or more.')
        _check_range(1, smoothing=smoothing, magnitude=magnitude, contrast=contrast)
        _check_range(np.inf, weight=weight, brightness=brightness)
        super().__init__(weight, begin, ramp, branch)
        self.num_views = num_views
        self.smoothing = smoothing
        self.magnitude = magnitude
        self.brightness = brightness
        self.contrast = contrast

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_cons' for head in heads]

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check that the loss of all heads is the cross-entropy that L_cons replaces."""
        super().check(heads)
        check_heads(heads)

    def forward(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted term of each head. Views are forwarded (and update batch norm) even if the weight is 0.

        Args:
            context (TermContext): Step with labels of the branch, (N, H, W) int64 in {0..C-1, ignore_index of heads}.

        Returns:
            dict[str, Tensor]: `<head>.loss_cons`, and `<head>.acc_seg` of the first view in percent.
        """
        weight, = self.schedule.at(context.iteration)
        label = context.label(self.branch)
        size = label.shape[1:]
        views, outputs = self._forward_views(context, tuple(size), child_generator())
        losses: Dict[str, Tensor] = {}
        for (name, head), of_head in zip(context.heads.items(), zip(*outputs)):
            full = [resize(at_least_float32(level), size=size, mode='bilinear', align_corners=head.align_corners,
                           warning=False) for level in of_head]
            kl = smoothed_kl(most_confident_log_probs(full, views), label, self.smoothing, head.ignore_index)
            loss = mean_over_pixels(kl, label, head.loss_decode.avg_non_ignore, head.ignore_index)
            losses[f'{name}.loss_cons'] = weight * head.loss_decode.loss_weight * loss
            losses[f'{name}.acc_seg'] = accuracy(full[0], label, ignore_index=head.ignore_index)
        return losses

    def _forward_views(self, context: TermContext, size: Tuple[int, int],
                       rng: np.random.Generator) -> Tuple[List[AffineMap], List[List[Tensor]]]:
        """Return the maps from the image to its views, and each head's logits for all views; the first is the image."""
        views, outputs = [AffineMap.identity(size)], [context.logits[self.branch]]
        for _ in range(self.num_views - 1):
            views.append(draw_view(size, rng, self.magnitude))
            warped = warp_batch(views[-1], context.images(self.branch))
            outputs.append(context.forward(change_colours(warped, rng, self.brightness, self.contrast)).logits)
        return views, outputs


def _check_range(high: float, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value <= high:
            raise ValueError(f'consistency.{name}={value}: it must be in [0, {high:g}].')


def most_confident_log_probs(logits: List[Tensor], views: List[AffineMap]) -> Tensor:
    """Compute log p_max: for each pixel, the log-probabilities of the most confident view.

    Args:
        logits (list[Tensor]): K tensors (N, C, H, W), at least float32, in the frames of the views.
        views (list[AffineMap]): Maps from the images to the views; the first is the identity.

    Returns:
        Tensor: (N, C, H, W), in the frame of the images.
    """
    log_probs, confidences, valid = zip(*(_in_image_frame(*pair) for pair in zip(logits, views)))
    winner = winning_view(confidences, valid)[:, None]
    merged = log_probs[0]
    for number in range(1, len(log_probs)):
        merged = torch.where(winner == number, log_probs[number], merged)
    return merged


def _in_image_frame(logits: Tensor, view: AffineMap) -> Tuple[Tensor, Tensor, Tensor]:
    """Warp the predictions for a view to the image: log-probabilities (N, C, H, W), confidence and mask (H, W)."""
    if view.is_identity:  # no conversion to probabilities, so that small ones keep their gradient
        log_probs = logits.log_softmax(dim=1)
        return log_probs, log_probs.detach().amax(dim=1).exp(), view.undo(logits)[1]
    probs, valid = view.undo(logits.softmax(dim=1))
    return log_of_probabilities(probs), probs.detach().amax(dim=1), valid


def check_heads(heads: Dict[str, nn.Module], option: str = 'consistency', other: str = 'consistency=None') -> None:
    """Check that the loss of all heads is the cross-entropy that L_cons or another option replaces.

    Args:
        heads (dict[str, nn.Module]): The heads, by name.
        option (str): Name of the option. Defaults to 'consistency'.
        other (str): The value of the option that works with all heads. Defaults to 'consistency=None'.

    Raises:
        ValueError: if a head has another loss; the message names both.
    """
    for name, head in heads.items():
        loss = head.loss_decode
        plain = isinstance(loss, CrossEntropyLoss) and not (loss.use_sigmoid or loss.use_mask or loss.class_weight)
        if not plain or loss.reduction != 'mean' or head.sampler is not None:
            raise ValueError(f'{option} replaces the plain cross-entropy, but the {name} head has '
                             f'{type(loss).__name__} with class weights, a sigmoid, a sampler or another form. Set its '
                             'loss_decode=dict(type="CrossEntropyLoss", loss_weight=...) without these and without a '
                             f'sampler, or set {other}.')
