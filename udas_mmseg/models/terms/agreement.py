"""Loss terms that need no labels: the entropy of each head, and the divergence between the heads."""
from typing import Dict, List, Optional, Sequence, Union

from mmseg.registry import MODELS
from torch import Tensor, nn

from ..losses import entropy_loss, memory_regularization, symmetric_cross_entropy, symmetric_kl
from .context import TermContext
from .loss_term import LossTerm
from .term import Term

KL_FORMS = {
    'symmetric_cross_entropy': symmetric_cross_entropy,
    'symmetric_kl': symmetric_kl,
    'memory_regularization': memory_regularization
}


class MissingHeadError(ValueError):
    """A term needs an auxiliary head, and the segmentor has none."""


@MODELS.register_module()
class EntropyTerm(Term):
    """Normalised entropy of the predictions of all heads (MinEnt).

    Args:
        weight (float | Sequence[float]): One weight for all heads, or one for each, the main head first.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): Defaults to 'target'.

    Source: Vu et al., "ADVENT", CVPR 2019, equation 4.
    """

    needs_softmax = True

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_ent' for head in heads]

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the mean entropy of each head."""
        return {
            f'{head}.loss_ent': entropy_loss(level.softmax(dim=1))
            for head, level in zip(context.heads, context.resized(self.branch))
        }


@MODELS.register_module()
class HeadDivergenceTerm(Term):
    """Divergence between the main head and one auxiliary head.

    Args:
        form (str): 'symmetric_cross_entropy' (UDAS as printed), 'symmetric_kl' (UDAS as described) or
            'memory_regularization' (MRNet).
        weight (float): Weight of the term.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): Defaults to 'target'.

    Raises:
        MissingHeadError: for a segmentor without auxiliary head; `BranchSegmentor` adds one that fits to the message.
        ValueError: for another form, or a segmentor with several auxiliary heads.

    Source: UDAS, section 3.3; Zheng and Yang, IJCAI 2020, section 3.2 (MRNet).
    """
    name = 'loss_kl'
    needs_softmax = True

    def __init__(self,
                 form: str,
                 weight: Union[float, Sequence[float]],
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'target') -> None:
        super().__init__(weight, begin, ramp, branch)
        if form not in KL_FORMS:
            raise ValueError(f'HeadDivergenceTerm: form={form!r}; allowed are {sorted(KL_FORMS)}.')
        self.form = form

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check that there are two heads with a softmax."""
        super().check(heads)
        if len(heads) != 2:
            kind = MissingHeadError if len(heads) == 1 else ValueError
            raise kind('HeadDivergenceTerm compares the main head with one auxiliary head, but the heads are '
                       f'{list(heads)}. Use exactly one auxiliary_head, or remove the term.')

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the divergence, averaged over pixels."""
        return {self.name: KL_FORMS[self.form](*context.resized(self.branch))}


def agreement_terms(entropy: Optional[dict], kl: Optional[dict]) -> List[Term]:
    """Build the terms of a segmentor with two heads from the arguments `entropy` and `kl` of `AdversarialSegmentor`.

    Args:
        entropy (dict, optional): `weight` for each head, and perhaps `begin` and `ramp`.
        kl (dict, optional): `form` and `weight`, and perhaps `begin` and `ramp`.

    Raises:
        ValueError: naming the argument and the mistake.
    """
    terms: List[Term] = []
    if entropy is not None:
        LossTerm.from_config('entropy', entropy, 2)
        terms.append(EntropyTerm(**entropy))
    if kl is not None:
        if kl.get('form') not in KL_FORMS:
            raise ValueError(f'kl.form={kl.get("form")!r}; allowed are {sorted(KL_FORMS)}.')
        LossTerm.from_config('kl', {key: value for key, value in kl.items() if key != 'form'})
        terms.append(HeadDivergenceTerm(**kl))
    return terms
