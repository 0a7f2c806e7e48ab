"""A loss for labels with mistakes, such as pseudo-labels, in place of the cross-entropy of the heads."""
from typing import Dict, List, Sequence

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..losses import rectified_cross_entropy
from ..losses.consistency import mean_over_pixels, smoothed_kl
from ..losses.pixel_weights import pixel_accuracy
from .consistency import check_heads
from .context import TermContext
from .term import Term

RECTIFIED, SYMMETRIC, SMOOTHED = FORMS = ('rectified', 'symmetric', 'smoothed')
_LOG_ZERO = -4.0  # log 0 in the reverse cross-entropy, the paper's A


@MODELS.register_module()
class NoisyLabelTerm(Term):
    """Replaces the heads' own losses on a labelled branch by a loss that trusts its labels less.

    Each head keeps its `loss_decode.loss_weight`. The forms:

    - 'rectified': exp(-D) CE + D, with D = KL(p_head || p_other), averaged over the labelled pixels; see
      `rectified_cross_entropy`. It needs exactly one auxiliary head.
    - 'symmetric': alpha CE + beta RCE. The reverse cross-entropy RCE = 4 (1 - p_y) is limited, and so is its gradient.
    - 'smoothed': the cross-entropy with the soft label (1 - smoothing) onehot(y) + smoothing / C, minus its entropy.

    The last two are averaged like the head's own loss (`avg_non_ignore`).

    Args:
        form (str): One of the three. Defaults to 'symmetric'.
        alpha (float): Factor of CE in 'symmetric', 0 or more. Defaults to 0.1.
        beta (float): Factor of RCE in 'symmetric', 0 or more. Defaults to 1.0.
        smoothing (float): In [0, 1], of 'smoothed'. Defaults to 0.1.
        weight (float): Weight of the term, in place of the branch's own. Defaults to 1.0.
        begin (int): See `LossTerm`; before, the branch has no loss. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A labelled branch. Defaults to 'pseudo_labeled'.

    Raises:
        ValueError: for another form, a value outside its range, heads whose loss is not plain cross-entropy, or for
            'rectified' another number of heads than two.

    Source: Zheng and Yang, IJCV 2021, equation 6 ('rectified'); Wang et al., "Symmetric Cross Entropy for Robust
        Learning with Noisy Labels", ICCV 2019, equations 4 to 6 ('symmetric'); Szegedy et al., CVPR 2016, section 7
        ('smoothed').
    """
    replaces_supervised = True
    needs_softmax = True

    def __init__(self,
                 form: str = SYMMETRIC,
                 alpha: float = 0.1,
                 beta: float = 1.0,
                 smoothing: float = 0.1,
                 weight: float = 1.0,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'pseudo_labeled') -> None:
        super().__init__(weight, begin, ramp, branch)
        if form not in FORMS:
            raise ValueError(f'NoisyLabelTerm: form={form!r}; allowed are {", ".join(FORMS)}.')
        if not (alpha >= 0 and beta >= 0 and alpha + beta > 0):
            raise ValueError(f'NoisyLabelTerm: alpha={alpha}, beta={beta}; allowed are numbers from 0, not both 0.')
        if not 0 <= smoothing <= 1:
            raise ValueError(f'NoisyLabelTerm: smoothing={smoothing}; it must be in [0, 1].')
        self.form, self.alpha, self.beta, self.smoothing = form, alpha, beta, smoothing

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_noisy' for head in heads]

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check the heads; see the class."""
        super().check(heads)
        check_heads(heads, 'NoisyLabelTerm', 'no such term')
        if self.form == RECTIFIED and len(heads) != 2:
            raise ValueError(f"NoisyLabelTerm: form='rectified' compares the main head with one auxiliary head, but "
                             f"the heads are {list(heads)}. Use exactly one auxiliary_head, or form='symmetric'.")

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the loss of each head, and its accuracy in percent."""
        label, resized = context.label(self.branch), context.resized(self.branch)
        found: Dict[str, Tensor] = {}
        for number, (name, head) in enumerate(context.heads.items()):
            logits, ignored = resized[number], head.ignore_index
            if self.form == RECTIFIED:
                loss = rectified_cross_entropy(logits, resized[1 - number], label, ignored)
            else:
                loss = mean_over_pixels(self._of_pixels(logits, label, ignored), label,
                                        head.loss_decode.avg_non_ignore, ignored)
            found[f'{name}.loss_noisy'] = head.loss_decode.loss_weight * loss
            found[f'{name}.acc_seg'] = pixel_accuracy(logits, label, ignored)
        return found

    def _of_pixels(self, logits: Tensor, label: Tensor, ignored: int) -> Tensor:
        """Return the loss of each pixel, (N, H, W), 0 where the label is ignored."""
        log_probs = logits.log_softmax(dim=1)
        if self.form == SMOOTHED:
            return smoothed_kl(log_probs, label, self.smoothing, ignored)
        forward = F.nll_loss(log_probs, label, ignore_index=ignored, reduction='none')
        # all classes but y have log 0, and their probabilities sum to 1 - p_y; CE is 0 where the label is ignored
        return self.alpha * forward + self.beta * -_LOG_ZERO * (1 - (-forward).exp())
