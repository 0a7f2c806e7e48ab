"""The branches that a training batch may have."""
from dataclasses import dataclass
from typing import Dict

TRUTH, PSEUDO, NONE = 'truth', 'pseudo', 'none'


@dataclass(frozen=True)
class Branch:
    """One stream of samples in a batch.

    Args:
        name (str): Its key in a sample of `DomainPairDataset`.
        labels (str): 'truth' (annotated), 'pseudo' (made by a model and read from files) or 'none'.
        weight (float): Default weight of its losses. Defaults to 1.
    """
    name: str
    labels: str
    weight: float = 1.0


# Branches go through the network in this order, so that the target's statistics count most in those of batch norm.
BRANCHES: Dict[str, Branch] = {
    branch.name: branch
    for branch in (
        Branch('source', TRUTH),
        Branch('labeled_target', TRUTH),
        Branch('pseudo_labeled', PSEUDO),
        Branch('target', NONE),
    )
}
