"""Merging the predictions for several views of an image: the most confident view of each pixel is used."""
from typing import Callable, Sequence, Tuple, Union

import torch
from torch import Tensor

from .losses.precision import at_least_float32

Stack = Union[Tensor, Sequence[Tensor]]

# A multiple of all processors' vectors: torch rounds the exponentials of an incomplete vector, at the end of an array,
# in another way.
_ROWS = 32


def softmax_with_temperature(logits: Tensor, temperature: float = 1.0, dim: int = 1) -> Tensor:
    """Compute softmax(logits / temperature).

    Args:
        logits (Tensor): Unnormalised, of any shape with the classes along `dim`.
        temperature (float): Above 0. Values below 1 raise the confidences, values above 1 lower them. Defaults to 1.0.
        dim (int): Axis of the classes. Defaults to 1.

    Returns:
        Tensor: The same shape, at least float32, in [0, 1].

    Raises:
        ValueError: if the temperature is not above 0.
    """
    return _tempered(at_least_float32(logits), temperature).softmax(dim)


def confidence(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the probability of the most probable class.

    Args:
        logits (Tensor): (C, H, W), unnormalised. With one channel, the probability itself, as MMSegmentation returns
            it.
        temperature (float): See `softmax_with_temperature`; not used with one channel. Defaults to 1.0.

    Returns:
        Tensor: (H, W) float32 in [1 / C, 1]; with one channel, in [0.5, 1].

    Raises:
        ValueError: if the temperature is not above 0.
    """
    logits = logits.float()
    if len(logits) == 1:
        return torch.maximum(logits[0], 1 - logits[0])
    logits = _tempered(logits, temperature)
    return (logits.amax(dim=0) - logits.logsumexp(dim=0)).exp()


def first_highest(values: Tensor) -> Tuple[Tensor, Tensor]:
    """Return the class with the highest value of each pixel (the first one if several are equal), and this value.

    Like `max(dim=0)`, which is several times slower on a CPU, and on other devices may return any of several equal
    classes.

    Args:
        values (Tensor): (C, H, W), up to 256 classes; NaN gives class 0.

    Returns:
        tuple: class (H, W) uint8, and value (H, W).
    """
    return _in_bands(_first_highest, values)


def most_probable(logits: Tensor, temperature: float = 1.0) -> Tuple[Tensor, Tensor]:
    """Return the most probable class of each pixel and its probability: `first_highest` and `confidence` in less time.

    Args:
        logits (Tensor): (C, H, W), unnormalised, 2 to 256 classes.
        temperature (float): See `softmax_with_temperature`. Defaults to 1.0.

    Returns:
        tuple: class (H, W) uint8, and probability (H, W) float32 in [1 / C, 1], bit for bit those of both functions.

    Raises:
        ValueError: if the temperature is not above 0.
    """

    def in_band(band: Tensor) -> Tuple[Tensor, Tensor]:
        label, _ = _first_highest(band)
        band = _tempered(band.float(), temperature)
        highest = band.amax(dim=0)
        # as in logsumexp, which would compute `highest` again
        log_sum = (band - highest).exp_().sum(dim=0).log_().add_(highest)
        return label, (highest - log_sum).exp_()

    return _in_bands(in_band, logits)


def winning_view(confidences: Stack, valid: Stack) -> Tensor:
    """Return the most confident view of each pixel, among the views that contain it; if several are equal, the first.

    Args:
        confidences (Tensor | Sequence[Tensor]): K views of (..., H, W), in [0, 1].
        valid (Tensor | Sequence[Tensor]): K masks of (..., H, W) bool, True for the pixels that a view contains. They
            are broadcast, so a single mask (H, W) can be used for a batch.

    Returns:
        Tensor: (..., H, W) int64 in {0..K-1}; 0 if no view contains the pixel.

    Raises:
        ValueError: if there are no views, or the number of masks differs.
    """
    if len(confidences) == 0 or len(confidences) != len(valid):
        raise ValueError(f'{len(confidences)} views and {len(valid)} masks of valid pixels: one mask for each of at '
                         'least one view is needed.')
    winner = torch.zeros_like(confidences[0], dtype=torch.int64)
    best = torch.where(valid[0], confidences[0].detach(), -1)
    for number in range(1, len(confidences)):
        candidate = torch.where(valid[number], confidences[number].detach(), -1)
        better = candidate > best  # not argmax, which may return any of several equal views
        winner = torch.where(better, number, winner)
        best = torch.where(better, candidate, best)
    return winner


def most_confident(labels: Stack, confidences: Stack, valid: Stack) -> Tuple[Tensor, Tensor]:
    """Merge the classes that K views predict for each pixel; see `winning_view`.

    Args:
        labels (Tensor | Sequence[Tensor]): K views of (..., H, W), of any integer type.
        confidences (Tensor | Sequence[Tensor]): K views of (..., H, W), in [0, 1].
        valid (Tensor | Sequence[Tensor]): K masks (..., H, W) bool.

    Returns:
        tuple: the class predicted by the most confident view, (..., H, W), and its confidence. A pixel that is in no
            view has the first view's class and confidence 0.

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
    """Compute the maximum confidence map: for each pixel, the class predicted by the most confident view.

    Args:
        probs (Tensor | Sequence[Tensor]): K views of (N, C, H, W), in [0, 1], warped back to the image.
        valid (Tensor | Sequence[Tensor]): K masks of (N, H, W) or (H, W) bool from `AffineMap.undo`: False for pixels
            that a view does not contain, for which it is not used.

    Returns:
        tuple: label (N, H, W) int64 in {0..C-1}, and confidence (N, H, W) in [0, 1], of the type of `probs`. The
            confidence is differentiable. If several views are equally confident, or several classes are equally
            probable, the first one is used. A pixel that is in no view has confidence 0.

    Raises:
        ValueError: if there are no views, the number of masks differs, or the probabilities are not (N, C, H, W).

    Source: UDAS, section 3.5, the maximum confidence map.
    """
    shapes = [tuple(view.shape) for view in probs]
    if any(len(shape) != 4 or shape != shapes[0] for shape in shapes):
        raise ValueError(f'max_confidence_merge: the views are {shapes}, but each must be (N, C, H, W), all of the '
                         'same size. Warp them back to the image first (AffineMap.undo).')
    return most_confident([view.argmax(dim=1) for view in probs], [view.amax(dim=1) for view in probs], valid)


def _in_bands(function: Callable[[Tensor], Tuple[Tensor, Tensor]], values: Tensor) -> Tuple[Tensor, Tensor]:
    """Call a function of pixels (C, H, W): on a CPU, with bands of rows that stay in the cache between operators."""
    rows = _ROWS if values.device.type == 'cpu' else values.shape[1]
    first, second = zip(*map(function, values.split(rows, dim=1)))
    return torch.cat(first), torch.cat(second)


def _first_highest(values: Tensor) -> Tuple[Tensor, Tensor]:
    highest = values.amax(dim=0)
    last = len(values) - 1
    ranks = torch.arange(last, -1, -1, dtype=torch.uint8, device=values.device)  # the first class has the highest rank
    rank = (values == highest).view(torch.uint8).mul_(ranks[:, None, None]).amax(dim=0)
    return (last - rank).masked_fill_(highest.isnan(), 0), highest


def _tempered(logits: Tensor, temperature: float) -> Tensor:
    if not temperature > 0:
        raise ValueError(f'temperature={temperature}: it must be above 0. Values below 1 raise the confidences.')
    return logits if temperature == 1 else logits / temperature
