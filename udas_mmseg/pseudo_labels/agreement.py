"""Agreement of several predictions for an image: of views, of both heads, and of several teachers."""
import contextlib
import math
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Sequence

import torch
from torch import Tensor, nn

HEADS = ('main', 'both')


@dataclass(frozen=True)
class Agreement:
    """How the agreement of several predictions for a pixel changes its confidence.

    Args:
        divergence (float): The confidence is multiplied by exp(-divergence * D), where D is the mean Kullback-Leibler
            divergence of the predictions from their mean, see `mean_divergence`. 0 or more. Defaults to 0.
        min_votes (float): Share of the predictions, in [0, 1], that must have the class of the merged label; other
            pixels get the confidence 0. Defaults to 0.
        heads (str): 'main', or 'both': the auxiliary head's predictions are merged and compared like further views,
            for twice the time. Defaults to 'main'.
        score (bool): Whether each image gets a score, see `image_score`. Defaults to False.

    Raises:
        ValueError: if a value is not allowed.
    """
    divergence: float = 0.0
    min_votes: float = 0.0
    heads: str = HEADS[0]
    score: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.divergence < math.inf:
            raise ValueError(f'agreement.divergence={self.divergence!r}: allowed are numbers from 0; 1 multiplies the '
                             'confidence by exp(-D).')
        if not 0 <= self.min_votes <= 1:
            raise ValueError(f'agreement.min_votes={self.min_votes!r}: allowed are shares from 0 to 1 (all '
                             'predictions must agree).')
        if self.heads not in HEADS:
            raise ValueError(f'agreement.heads={self.heads!r}: allowed are {", ".join(HEADS)}.')
        if not isinstance(self.score, bool):
            raise ValueError(f'agreement.score={self.score!r}: allowed are True and False.')

    @classmethod
    def from_config(cls, given: Any) -> 'Agreement':
        """Build it from the option `agreement`, a dict or None.

        Raises:
            ValueError: for another value, an unknown entry, or a value that is not allowed.
        """
        known = list(cls.__dataclass_fields__)
        if given is not None and (not isinstance(given, dict) or not {*given} <= {*known}):
            raise ValueError(f'agreement={given!r}: it must be a dict with some of the entries {", ".join(known)}.')
        return cls(**(given or {}))

    @property
    def compares(self) -> bool:
        """Whether predictions are compared."""
        return self.divergence > 0 or self.min_votes > 0 or self.score

    def lower(self, label: Tensor, confidence: Tensor, probs: Sequence[Tensor], valid: Sequence[Tensor]) -> Tensor:
        """Return the confidences (H, W) of a merged label after comparing the predictions; see the class.

        Args:
            label (Tensor): (H, W) uint8, merged.
            confidence (Tensor): (H, W) in [0, 1], merged.
            probs (Sequence[Tensor]): K predictions of (C, H, W).
            valid (Sequence[Tensor]): K masks (H, W) bool of the pixels that a prediction has.
        """
        if self.divergence > 0:
            confidence = confidence * (-self.divergence * mean_divergence(probs, valid)).exp()
        if self.min_votes > 0:
            agrees = [(view.argmax(dim=0) == label) & mask for view, mask in zip(probs, valid)]
            votes, seen = (torch.stack(list(masks)).sum(dim=0) for masks in (agrees, valid))
            confidence = torch.where(votes >= self.min_votes * seen - 1e-6, confidence, torch.zeros_like(confidence))
        return confidence


def mean_divergence(probs: Sequence[Tensor], valid: Sequence[Tensor]) -> Tensor:
    """Compute D = mean over k of KL(p_k || m) for each pixel, with the mean m of the predictions p_k.

    It is H(m) - mean of H(p_k), the Jensen-Shannon divergence of all predictions: 0 if they are equal, however
    uncertain they are, and at most log K. The variance of the rectified loss is KL(p_main || p_aux) instead, which has
    no limit.

    Args:
        probs (Sequence[Tensor]): K predictions of (C, H, W) in [0, 1].
        valid (Sequence[Tensor]): K masks (H, W) bool. Other pixels of a prediction are left out.

    Returns:
        Tensor: (H, W), >= 0, in nats; 0 for pixels that are in no prediction.

    Source: Lin, "Divergence Measures Based on the Shannon Entropy", 1991, equation 5.1; Zheng and Yang, IJCV 2021,
        equation 6 (the factor exp(-D)).
    """
    masks = [mask.to(probs[0].dtype) for mask in valid]
    count = torch.stack(masks).sum(dim=0).clamp(min=1)
    mean = sum(view * mask for view, mask in zip(probs, masks)) / count
    within = sum(_entropy(view) * mask for view, mask in zip(probs, masks)) / count
    return (_entropy(mean) - within).clamp(min=0)


def image_score(label: Tensor, labels: Sequence[Tensor], valid: Sequence[Tensor], num_classes: int) -> float:
    """Compute the mean IoU between the merged label of an image and the single predictions, without labels.

    Args:
        label (Tensor): (H, W) uint8, merged.
        labels (Sequence[Tensor]): K predictions of (H, W) uint8.
        valid (Sequence[Tensor]): K masks (H, W) bool.
        num_classes (int): C.

    Returns:
        float: In [0, 1]: the mean over the predictions of the mean IoU over the classes that occur in either.

    Source: Yang et al., "ST++: Make Self-training Work Better for Semi-supervised Semantic Segmentation", CVPR 2022,
        section 3.3, which compares the checkpoints of one training.
    """
    scores = []
    for other, mask in zip(labels, valid):
        pairs = label[mask].long() * num_classes + other[mask].long()
        counts = torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes).double()
        both, either = counts.diagonal(), counts.sum(dim=0) + counts.sum(dim=1) - counts.diagonal()
        occurs = either > 0
        scores.append(float((both[occurs] / either[occurs]).mean()) if occurs.any() else 0.0)
    return sum(scores) / len(scores)


@contextlib.contextmanager
def auxiliary_head_predicts(segmentor: nn.Module) -> Iterator[None]:
    """Let the auxiliary head of an `EncoderDecoder` predict in place of the main head, within a `with` statement."""
    main, auxiliary = segmentor.decode_head, segmentor.auxiliary_head
    try:
        segmentor.decode_head, segmentor.auxiliary_head = auxiliary, main
        yield
    finally:
        segmentor.decode_head, segmentor.auxiliary_head = main, auxiliary


def check_heads(segmentor: nn.Module, agreement: Agreement) -> None:
    """Check that a segmentor has the heads that are compared.

    Raises:
        ValueError: if it does not have one auxiliary head with the classes of the main head.
    """
    if agreement.heads == HEADS[0]:
        return
    head = getattr(segmentor, 'auxiliary_head', None)
    if getattr(head, 'out_channels', None) != segmentor.out_channels:
        raise ValueError(f"agreement.heads='both', but {type(segmentor).__name__} does not have one auxiliary head "
                         f"with {segmentor.out_channels} output channels. Add one, or use heads='main'.")


def without_defaults(agreement: Agreement) -> Dict[str, Any]:
    """Return the settings that differ from the defaults, as stored in index.json."""
    usual = Agreement()
    return {name: value for name, value in vars(agreement).items() if value != getattr(usual, name)}


def _entropy(probs: Tensor) -> Tensor:
    """Compute the entropy of (C, H, W) probabilities: (H, W) in nats, with 0 log 0 = 0."""
    return -torch.special.xlogy(probs, probs).sum(dim=0)
