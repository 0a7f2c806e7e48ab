"""Consistency between the predictions for several views of a labelled image and its label."""
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmseg.models.losses import CrossEntropyLoss
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...datasets.image_views import build_augment
from ...utils.randomness import child_generator
from ..losses.consistency import log_of_probabilities, mean_over_pixels, smoothed_kl
from ..losses.pixel_weights import pixel_accuracy
from ..losses.precision import at_least_float32
from ..max_confidence import winning_view
from ..views import View, augmented_view, identity_view
from .context import TermContext
from .term import Term


@MODELS.register_module()
class ConsistencyTerm(Term):
    """L_cons: KL(y_smooth || p_max) for each labelled pixel, with the prediction p_max of the most confident view.

    The first view is the image itself. The others are augmented as in pseudo-labelling, with new draws for each image;
    their geometry is undone on the probabilities. p_max is the whole distribution that is predicted for the most
    confident view of a pixel, and gradients flow only through this view. Each head has its own p_max and its own
    `loss_decode.loss_weight`. With one view and no smoothing, the term is the cross-entropy of the heads.

    Views other than the first do not count in the running statistics of batch norm.

    Args:
        num_views (int): K_c, 1 or more. Each view costs a forward and a backward pass. Defaults to 3.
        smoothing (float): Label smoothing, in [0, 1]. Defaults to 0.1.
        weight (float): Factor of the term, 0 or more. Defaults to 1.
        augment (dict, optional): Config of the `SegAugment` that produces the other views. Defaults to AutoAugment's
            ImageNet policy.
        replace (bool): Whether the term replaces the heads' own losses on the branch. Defaults to False: it is added
            to them, as in the paper.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A labelled branch. Defaults to 'source'.

    Raises:
        ValueError: for a value outside its range, an augmentation that cannot be undone, or heads whose loss is not
            plain cross-entropy.

    Source: UDAS, L_cons on labelled images; docs/student.md has this project's choices.
    """
    optional = True
    needs_softmax = True

    def __init__(self,
                 num_views: int = 3,
                 smoothing: float = 0.1,
                 weight: float = 1.0,
                 augment: Optional[Dict[str, Any]] = None,
                 replace: bool = False,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'source') -> None:
        if num_views < 1:
            raise ValueError(f'consistency.num_views={num_views}: it must be 1 (only the image) or more.')
        _check_range(1, smoothing=smoothing)
        _check_range(np.inf, weight=weight)
        super().__init__(weight, begin, ramp, branch)
        self.num_views = num_views
        self.smoothing = smoothing
        self.augment = build_augment(dict(type='SegAutoAugment') if augment is None else dict(augment))
        self.replaces_supervised = replace

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_cons' for head in heads]

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check that the loss of all heads is the cross-entropy whose weight and averaging L_cons takes."""
        super().check(heads)
        check_heads(heads)

    def forward(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted term of each head.

        Args:
            context (TermContext): Step with labels of the branch, (N, H, W) int64 in {0..C-1, ignore_index of heads}.

        Returns:
            dict[str, Tensor]: `<head>.loss_cons`; with `replace`, also `<head>.acc_seg` of the first view in percent.
        """
        weight, = self.schedule.at(context.iteration)
        label = context.label(self.branch)
        # without a weight, the image itself is enough for values and gradients of 0
        views, outputs = self._forward_views(context, self.num_views if weight else 1)
        losses: Dict[str, Tensor] = {}
        for (name, head), of_head in zip(context.heads.items(), zip(*outputs)):
            full = [resize(at_least_float32(level), size=view.size, mode='bilinear', align_corners=head.align_corners,
                           warning=False) for view, level in zip(views, of_head)]
            kl = smoothed_kl(most_confident_log_probs(full, views), label, self.smoothing, head.ignore_index)
            loss = mean_over_pixels(kl, label, head.loss_decode.avg_non_ignore, head.ignore_index)
            losses[f'{name}.loss_cons'] = weight * head.loss_decode.loss_weight * loss
            if self.replaces_supervised:  # else, the heads' own losses have it
                losses[f'{name}.acc_seg'] = pixel_accuracy(full[0], label, head.ignore_index)
        return losses

    def _forward_views(self, context: TermContext, num_views: int) -> Tuple[List[View], List[List[Tensor]]]:
        """Return the views, the first of which is the image, and each head's logits for all of them."""
        images, rng = context.images(self.branch), child_generator()
        views, outputs = [identity_view(images)], [context.logits[self.branch]]
        for _ in range(num_views - 1):
            views.append(augmented_view(images, self.augment, rng, context.preprocessor))
            outputs.append(context.forward_view(views[-1].images).logits)
        return views, outputs


def _check_range(high: float, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value <= high:
            raise ValueError(f'consistency.{name}={value}: it must be in [0, {high:g}].')


def most_confident_log_probs(logits: List[Tensor], views: List[View]) -> Tensor:
    """Compute log p_max: for each pixel, the log-probabilities of the most confident view.

    Args:
        logits (list[Tensor]): K tensors (N, C, H', W'), at least float32, in the frames of the views.
        views (list[View]): The views; the first is the identity.

    Returns:
        Tensor: (N, C, H, W), in the frame of the images.
    """
    log_probs, confidences, valid = zip(*(_in_image_frame(*pair) for pair in zip(logits, views)))
    winner = winning_view(confidences, valid)[:, None]
    merged = log_probs[0]
    for number in range(1, len(log_probs)):
        merged = torch.where(winner == number, log_probs[number], merged)
    return merged


def _in_image_frame(logits: Tensor, view: View) -> Tuple[Tensor, Tensor, Tensor]:
    """Warp the predictions for a view to the image: log-probabilities (N, C, H, W), confidence and mask (N, H, W)."""
    if all(affine.is_identity for affine in view.maps):
        # no conversion to probabilities, so that small ones keep their gradient
        log_probs = logits.log_softmax(dim=1)
        return log_probs, log_probs.detach().amax(dim=1).exp(), view.undo(logits)[1]
    probs, valid = view.undo(logits.softmax(dim=1))
    return log_of_probabilities(probs), probs.detach().amax(dim=1), valid


def check_heads(heads: Dict[str, nn.Module], option: str = 'consistency', other: str = 'consistency=None') -> None:
    """Check that the loss of all heads is the cross-entropy, whose weight and averaging L_cons or another option takes.

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
            raise ValueError(f'{option} needs heads with the plain cross-entropy, but the {name} head has '
                             f'{type(loss).__name__} with class weights, a sigmoid, a sampler or another form. Set its '
                             'loss_decode=dict(type="CrossEntropyLoss", loss_weight=...) without these and without a '
                             f'sampler, or set {other}.')
