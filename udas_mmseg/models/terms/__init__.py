"""Loss terms for all methods that derive from `BranchSegmentor`; each file has one kind."""
from .agreement import EntropyTerm, HeadDivergenceTerm
from .consistency import ConsistencyTerm
from .context import Outputs, TermContext
from .feature_distance import FeatureDistanceTerm
from .loss_term import LossTerm
from .masked_consistency import MaskedConsistencyTerm
from .noisy_labels import NoisyLabelTerm
from .term import Term, build_terms

__all__ = [
    'ConsistencyTerm', 'EntropyTerm', 'FeatureDistanceTerm', 'HeadDivergenceTerm', 'LossTerm', 'MaskedConsistencyTerm',
    'NoisyLabelTerm', 'Outputs', 'Term', 'TermContext', 'build_terms'
]
