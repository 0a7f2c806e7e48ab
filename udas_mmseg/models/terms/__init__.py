"""Loss terms for all methods that derive from `BranchSegmentor`; each file has one kind."""
from .agreement import EntropyTerm, HeadDivergenceTerm
from .consistency import ConsistencyTerm
from .context import Outputs, TermContext
from .loss_term import LossTerm
from .term import Term, build_terms

__all__ = [
    'ConsistencyTerm', 'EntropyTerm', 'HeadDivergenceTerm', 'LossTerm', 'Outputs', 'Term', 'TermContext', 'build_terms'
]
