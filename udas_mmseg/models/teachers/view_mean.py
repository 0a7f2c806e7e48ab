"""The mean of a teacher's predictions for several views of the same images."""
from typing import Callable

import numpy as np
import torch
from torch import Tensor

from ..losses.consistency import log_of_probabilities
from ..losses.precision import at_least_float32
from ..views import draw_view, warp_batch


def mean_over_views(predict: Callable[[Tensor], Tensor], images: Tensor, count: int,
                    rng: np.random.Generator) -> Tensor:
    """Average the probabilities that are predicted for the images and for random views of them.

    Each further view is a flip (with probability 0.5), followed by a shear, shift or rotation, and its predictions are
    warped back. A pixel outside a view is averaged over the others.

    Args:
        predict (Callable): Function from preprocessed images (N, 3, H, W) to logits (N, C, H, W).
        images (Tensor): (N, 3, H, W), preprocessed.
        count (int): K, the number of views; the first one is the images.
        rng (np.random.Generator): Random generator that draws the others.

    Returns:
        Tensor: (N, C, H, W), logarithms of the mean probabilities, at least float32.

    Source: Berthelot et al., "MixMatch", NeurIPS 2019, equation 6.
    """
    total = at_least_float32(predict(images)).softmax(dim=1)
    seen = torch.ones_like(total[:1, :1])
    for _ in range(count - 1):
        view = draw_view((images.shape[2], images.shape[3]), rng)
        probs, valid = view.undo(at_least_float32(predict(warp_batch(view, images))).softmax(dim=1))
        total, seen = total + probs * valid, seen + valid
    return log_of_probabilities(total / seen)
