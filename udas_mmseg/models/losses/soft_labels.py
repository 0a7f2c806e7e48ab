"""Losses between predictions and soft labels, the probabilities of a teacher."""
import torch.nn.functional as F
from torch import Tensor

from .precision import at_least_float32


def soft_label_loss(logits: Tensor, probs: Tensor, form: str) -> Tensor:
    """Compute the loss of each pixel.

    Args:
        logits (Tensor): (N, C, H, W), unnormalised, of the student.
        probs (Tensor): (N, C, H, W) in [0, 1], of the teacher; no gradient flows through them.
        form (str): 'mse', the mean over classes of (softmax(logits) - probs)^2, or 'cross_entropy', the sum over
            classes of -probs log softmax(logits).

    Returns:
        Tensor: (N, H, W), >= 0, at least float32.

    Source: Tarvainen and Valpola, NeurIPS 2017, section 2 ('mse'); Berthelot et al., "MixMatch", NeurIPS 2019, equation
    3 ('cross_entropy') and 4 ('mse').
    """
    logits, probs = at_least_float32(logits), probs.detach()
    if form == 'mse':
        return F.mse_loss(logits.softmax(dim=1), probs, reduction='none').mean(dim=1)
    return -(probs * logits.log_softmax(dim=1)).sum(dim=1)
