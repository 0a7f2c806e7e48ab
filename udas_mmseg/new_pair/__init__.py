"""Writing the configs of a new pair of data sets."""
from .pair import NewPair, PairOptions, new_pair

__all__ = ['NewPair', 'PairOptions', 'new_pair']
