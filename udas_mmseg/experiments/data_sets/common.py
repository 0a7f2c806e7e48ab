"""Options and works that are the same on all pairs of data sets."""
from typing import Dict, Tuple

from ..step import Work
from ..work import TRANSLATED, Reading

ON_TRANSLATIONS = {TRANSLATED: 'translations'}  # what a training takes
NO_REPORT = 'self_training.stages.after=[export]'  # the report is that of the table
# of self-training that takes its translations from another step
ROUNDS = ('self_training.translate=None', NO_REPORT)
# random points instead of LabOR's, which need no pseudo-labels and no selector
RANDOM_POINTS: Tuple[str, ...] = (
    'self_training.query.strategy=random', 'self_training.label=None', 'self_training.selector=None',
    'self_training.stages.each_round=[query,annotate,active_student]', NO_REPORT)
# 4.2.3: what a network that is trained on the target makes of each domain
READINGS: Dict[str, Work] = dict(
    source_read=Reading('deeplabv3plus', dataset='source_train'),
    translations_read=Reading('deeplabv3plus', dataset='source_train', translations='translations'),
    target_read=Reading('deeplabv3plus', dataset='target_val'))
