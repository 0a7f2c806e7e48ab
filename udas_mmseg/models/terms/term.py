"""The base class of loss terms, and how they are built from configs."""
from typing import Any, Dict, Iterable, List, Sequence, Tuple, Union

from mmseg.registry import MODELS
from torch import Tensor, nn

from ...datasets.branches import BRANCHES
from ..losses.precision import at_least_float32
from ..softmax_heads import check_softmax_heads
from .context import TermContext
from .loss_term import LossTerm


class Term(nn.Module):
    """One or several losses on a branch, with a weight that may start later and increase.

    A subclass sets `name`, or overrides `names`, and implements `losses`. After registering it in MMSegmentation's
    `MODELS`, it can be listed in the `terms` of all methods that derive from `BranchSegmentor`. A term that compares
    branches works on the last of them, and lists the others in `needs`.

    Args:
        weight (float | Sequence[float]): One weight for all losses of the term, or one for each.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): The branch of the term. Defaults to 'target'.

    Raises:
        ValueError: for a branch that does not exist or comes too early, or a negative weight, `begin` or `ramp`.

    Example:
        >>> @MODELS.register_module()
        ... class SquaredLogitsTerm(Term):
        ...     name = 'loss_square'
        ...
        ...     def losses(self, context):
        ...         return dict(loss_square=context.resized(self.branch)[0].square().mean())
        >>> model = dict(type='BranchSegmentor', segmentor=..., terms=[dict(type='SquaredLogitsTerm', weight=0.1)])
    """
    name = 'loss_term'
    needs: Tuple[str, ...] = ()  # further branches whose outputs the term uses; they come before its own in `BRANCHES`
    replaces_supervised = False  # whether the heads' own losses on the branch are left out
    optional = False  # whether a batch may lack the branch; the term is then not computed
    needs_softmax = False  # whether heads with one sigmoid channel are refused
    forwards_itself = False  # whether it computes all outputs that it uses with `context.forward`

    def __init__(self,
                 weight: Union[float, Sequence[float]],
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'target') -> None:
        super().__init__()
        if branch not in BRANCHES:
            raise ValueError(f'{type(self).__name__}: branch={branch!r}; allowed are {list(BRANCHES)}.')
        order = list(BRANCHES)
        late = [name for name in self.needs if name not in order[:order.index(branch)]]
        if late:
            raise ValueError(f'{type(self).__name__}: branch={branch!r}, but it needs the outputs of {late}, which are '
                             f'not there yet: branches are forwarded in the order {order}. Let it work on a later one.')
        self.branch = branch
        self.schedule = LossTerm.from_config(type(self).__name__, dict(weight=weight, begin=begin, ramp=ramp), None)

    def names(self, heads: Sequence[str]) -> List[str]:
        """Return the names of the losses without the branch. Each contains 'loss', because MMEngine adds only these."""
        return [self.name]

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the unweighted losses: scalars by `names`. Other entries, such as accuracies, are only logged."""
        raise NotImplementedError

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check that the term works with a segmentor, once when the model is built.

        Raises:
            ValueError: if the number of weights is not that of the losses, a name does not contain 'loss', or the term
                `needs_softmax` and a head has none.
        """
        names, count = self.names(list(heads)), len(self.schedule.weights)
        if count not in (1, len(names)):
            raise ValueError(f'{type(self).__name__}.weight has {count} entries for the losses {names}. Give one, or '
                             'one for each.')
        silent = [name for name in names if 'loss' not in name]
        if silent:
            raise ValueError(f"{type(self).__name__}: {silent} would be logged and not trained on. Put 'loss' into the "
                             'name.')
        if self.needs_softmax:
            check_softmax_heads(heads, type(self).__name__)

    def prepare(self, segmentor: nn.Module) -> None:
        """Prepare for a segmentor: when the model is built, and again when its weights were initialised.

        The second call is before a checkpoint is loaded. The default does nothing.

        Raises:
            ValueError: if the term does not work with the segmentor.
        """

    def forward(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted losses.

        Args:
            context (TermContext): A step, in which the term's branch was forwarded (unless it `forwards_itself`).

        Returns:
            dict[str, Tensor]: Weighted scalars by `names`; 0 without a gradient if the weight is currently 0. If all
            weights are 0, nothing is computed.
        """
        names = self.names(list(context.heads))
        weights = self.schedule.at(context.iteration)
        weights = weights * len(names) if len(weights) == 1 else weights
        nothing = at_least_float32(context.images(self.branch)).new_zeros(())
        if not any(weights):
            return dict.fromkeys(names, nothing)
        losses = self.losses(context)
        if {name for name in losses if 'loss' in name} != set(names):
            raise ValueError(f'{type(self).__name__}.losses gave {sorted(losses)}, and `names` says {names}. They must '
                             'agree.')
        weighted = {name: weight * losses[name] if weight else nothing for name, weight in zip(names, weights)}
        return {**losses, **weighted}


def build_terms(terms: Iterable[Union[dict, Term]], heads: Dict[str, nn.Module]) -> nn.ModuleList:
    """Build the terms of a method, and check that they work with its segmentor.

    Args:
        terms (Iterable[dict | Term]): Configs, or terms.
        heads (dict[str, nn.Module]): The segmentor's.

    Raises:
        ValueError: if an entry is not a term, or does not fit the heads.
    """
    built: List[Any] = [MODELS.build(term) if isinstance(term, dict) else term for term in terms]
    for term in built:
        if not isinstance(term, Term):
            raise ValueError(f'terms has a {type(term).__name__}, which is not a loss term. Derive it from '
                             'udas_mmseg.models.terms.Term.')
        term.check(heads)
    return nn.ModuleList(built)
