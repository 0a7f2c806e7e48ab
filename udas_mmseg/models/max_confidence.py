"""Several views of an image, of which the most confident one decides each pixel."""
from typing import Sequence, Tuple, Union

import torch
from torch import Tensor

from .losses.precision import at_least_float32

Stack = Union[Tensor, Sequence[Tensor]]


def softmax_with_temperature(logits: Tensor, temperature: float = 1.0, dim: int = 1) -> Tensor:
    """Probabilities softmax(logits / temperature).

    Args:
        logits (Tensor): Unnormalised, of any shape with the classes along `dim`.
        temperature (float): Above 0. Below 1 sharpens: confidences rise; above 1 smooths. Defaults to 1.0.
        dim (int): Axis of the classes. Defaults to 1.

    Returns:
        Tensor: Of the same shape, float32 at least, in [0, 1].

    Raises:
        ValueError: if the temperature is not above 0.
    """
    return _tempered(at_least_float32(logits), temperature).softmax(dim)


def confidence(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Probability of the most probable class.

    Args:
        logits (Tensor): (C, H, W), unnormalised; with one channel the probability itself, as MMSegmentation returns it.
        temperature (float): See `softmax_with_temperature`; one channel has none. Defaults to 1.0.

    Returns:
        Tensor: (H, W) float32 in [1 / C, 1], with one channel in [0.5, 1].

    Raises:
        ValueError: if the temperature is not above 0.
    """
    logits = logits.float()
    if len(logits) == 1:
        return torch.maximum(logits[0], 1 - logits[0])
    logits = _tempered(logits, temperature)
    return (logits.amax(dim=0) - logits.logsumexp(dim=0)).exp()


def first_highest(values: Tensor) -> Tuple[Tensor, Tensor]:
    """The class with the highest value of each pixel, the first one of equal ones, and that value.

    Like `max(dim=0)`, which is several times as slow on a CPU, and on other devices free to return any of equal ones.

    Args:
        values (Tensor): (C, H, W), up to 256 classes; not a number gives class 0.

    Returns:
        tuple: class (H, W) uint8, and value (H, W).
    """
    highest = values.amax(dim=0)
    label = torch.zeros_like(highest, dtype=torch.uint8)
    for number in range(len(values) - 1, 0, -1):
        label.masked_fill_(values[number] == highest, number)
    return label.masked_fill_(values[0] == highest, 0), highest


def winning_view(confidences: Stack, valid: Stack) -> Tensor:
    """Which view decides each pixel: the most confident one that has it; of equal ones the first.

    Args:
        confidences (Tensor | Sequence[Tensor]): K views of (..., H, W), in [0, 1].
        valid (Tensor | Sequence[Tensor]): K masks of (..., H, W) bool, which views have which pixels; they are
            broadcast, so that one mask (H, W) may serve a batch.

    Returns:
        Tensor: (..., H, W) int64 in {0..K-1}; 0 where no view has the pixel.

    Raises:
        ValueError: if there are no views, or not as many masks.
    """
    if len(confidences) == 0 or len(confidences) != len(valid):
        raise ValueError(f'{len(confidences)} views and {len(valid)} masks of valid pixels: one mask for each of at '
                         'least one view is needed.')
    winner = torch.zeros_like(confidences[0], dtype=torch.int64)
    best = torch.where(valid[0], confidences[0].detach(), -1)
    for number in range(1, len(confidences)):
        candidate = torch.where(valid[number], confidences[number].detach(), -1)
        better = candidate > best  # not argmax, which may return any of several equal ones
        winner = torch.where(better, number, winner)
        best = torch.where(better, candidate, best)
    return winner


def most_confident(labels: Stack, confidences: Stack, valid: Stack) -> Tuple[Tensor, Tensor]:
    """Merge the classes that K views give to each pixel; see `winning_view`.

    Args:
        labels (Tensor | Sequence[Tensor]): K views of (..., H, W), of any integer type.
        confidences (Tensor | Sequence[Tensor]): K views of (..., H, W), in [0, 1].
        valid (Tensor | Sequence[Tensor]): K masks (..., H, W) bool.

    Returns:
        tuple: the winner's class (..., H, W) and its confidence. A pixel that is in no view has the first view's class
            and confidence 0.

    Raises:
        ValueError: see `winning_view`.
    """
    winner = winning_view(confidences, valid)
    label, best = labels[0], torch.where(valid[0], confidences[0], 0)
    for number in range(1, len(labels)):
        wins = winner == number
        label = torch.where(wins, labels[number], label)
        best = torch.where(wins, confidences[number], best)
    return label, best


def max_confidence_merge(probs: Stack, valid: Stack) -> Tuple[Tensor, Tensor]:
    """The maximum confidence map: per pixel, the view whose highest probability is the highest gives its class.

    Args:
        probs (Tensor | Sequence[Tensor]): K views of (N, C, H, W), in [0, 1], brought back into the image's frame.
        valid (Tensor | Sequence[Tensor]): K masks of (N, H, W) or (H, W) bool, from `AffineMap.undo`: False where a
            view does not have the pixel, which it can then not win.

    Returns:
        tuple: label (N, H, W) int64 in {0..C-1}, and confidence (N, H, W) in [0, 1], of the type of `probs`;
            gradients pass through the confidence. Of equally confident views the first one wins, of equally probable
            classes the first. A pixel that is in no view has confidence 0.

    Raises:
        ValueError: if there are no views, not as many masks, or the probabilities are not (N, C, H, W).

    Source: UDAS, section 3.5, the maximum confidence map.
    """
    shapes = [tuple(view.shape) for view in probs]
    if any(len(shape) != 4 or shape != shapes[0] for shape in shapes):
        raise ValueError(f'max_confidence_merge: the views are {shapes}, but each must be (N, C, H, W), all of one '
                         'size. Bring them into the frame of the image first (AffineMap.undo).')
    return most_confident([view.argmax(dim=1) for view in probs], [view.amax(dim=1) for view in probs], valid)


def _tempered(logits: Tensor, temperature: float) -> Tensor:
    if not temperature > 0:
        raise ValueError(f'temperature={temperature}: it must be above 0; 1 changes nothing, less sharpens.')
    return logits if temperature == 1 else logits / temperature
