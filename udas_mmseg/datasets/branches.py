"""The branches that a training batch may have."""
from dataclasses import dataclass
from typing import Dict

TRUTH, PSEUDO, NONE = 'truth', 'pseudo', 'none'
_KINDS = (TRUTH, PSEUDO, NONE)
_LAST = 'target'
# arguments of `DomainPairDataset` and of the models, and keys of a sample
_RESERVED = ('cache', 'data_samples', 'inputs', 'max_broken', 'mode', 'orders', 'views')


@dataclass(frozen=True)
class Branch:
    """One stream of samples in a batch.

    Args:
        name (str): Its key in a sample of `DomainPairDataset`, which is also used in the seeds of its stream.
        labels (str): 'truth' (annotated), 'pseudo' (predicted by a model and read from files) or 'none'.
        weight (float): Default weight of its losses, 0 or more. Defaults to 1.

    Raises:
        ValueError: if an argument is not allowed.
    """
    name: str
    labels: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in _RESERVED:
            raise ValueError(f'Branch: name={self.name!r}. Allowed are names that can be Python keyword arguments, '
                             f'such as "unlabeled_source", except {", ".join(_RESERVED)}.')
        if self.labels not in _KINDS:
            raise ValueError(f'Branch {self.name!r}: labels={self.labels!r}. Allowed are {_KINDS}.')
        if self.weight < 0:
            raise ValueError(f'Branch {self.name!r}: weight={self.weight}. Allowed are numbers from 0.')


# Branches pass through the network in this order. The target is last, so its statistics have the largest weight in
# batch norm.
BRANCHES: Dict[str, Branch] = {
    branch.name: branch
    for branch in (
        Branch('source', TRUTH),
        Branch('labeled_target', TRUTH),
        Branch('pseudo_labeled', PSEUDO),
        Branch(_LAST, NONE),
    )
}


def register_branch(branch: Branch) -> Branch:
    """Add a branch to the table, so that data sets, checks and models accept it.

    Call it at the top level of a module, and add the module to `custom_imports`. In the table, branches without labels
    are after those with labels, and the target is always the last one. Registering a branch again changes nothing.

    Returns:
        Branch: The branch.

    Raises:
        ValueError: if the table has another branch with the same name.

    Example:
        >>> register_branch(Branch('unlabeled_source', labels='none'))
        >>> train_dataloader = dict(dataset=dict(type='DomainPairDataset', source=..., unlabeled_source=...))
    """
    known = BRANCHES.get(branch.name, branch)
    if known != branch:
        raise ValueError(f'register_branch: there is already {known}, and {branch} would replace it. Choose another '
                         'name.')
    BRANCHES[branch.name] = branch
    unlabeled = [other.name for other in BRANCHES.values() if other.labels == NONE and other.name != _LAST]
    for name in (*unlabeled, _LAST):
        BRANCHES[name] = BRANCHES.pop(name)
    return branch


def known_branch(name: str) -> Branch:
    """Return the branch with a name.

    Raises:
        ValueError: if there is none; the message lists the known branches.
    """
    if name not in BRANCHES:
        raise ValueError(f'{name!r} is not the name of a branch. Known: {", ".join(BRANCHES)}. To add one, call '
                         f"register_branch(Branch({name!r}, labels='truth')) of udas_mmseg.datasets in a module that "
                         f'`custom_imports` names; labels may be {", ".join(map(repr, _KINDS))}.')
    return BRANCHES[name]
