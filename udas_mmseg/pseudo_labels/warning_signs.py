"""Signs of bad pseudo-labels in the figures of a report."""
from typing import Any, List, Mapping, Optional

SHARE_FACTOR = 2.0  # the share of a class is marked if it differs from that in the source by this factor ...
SHARE_DIFFERENCE = 0.02  # ... and by at least this share of all pixels
LOW_ACCURACY, HIGH_COVERAGE = 0.75, 0.9  # marked together


def has_other_share(share: float, source_share: Optional[float]) -> bool:
    """Whether the share of a class is far from that in the source; both are in [0, 1]."""
    if source_share is None or abs(share - source_share) < SHARE_DIFFERENCE:
        return False
    return max(share, source_share) > SHARE_FACTOR * min(share, source_share)


def warning_signs(entry: Mapping[str, Any]) -> List[str]:
    """Describe the figures of a set that are signs of bad labels; see docs/pseudo_labels.md.

    Args:
        entry (Mapping): A set in `report.json`.
    """
    found = [f'{name} has {100 * figures["share"]:.1f} % of the pixels, and {100 * figures["source_share"]:.1f} % in '
             'the source.' for name, figures in entry['classes'].items()
             if has_other_share(figures['share'], figures['source_share'])]
    truth = entry['truth'] or {}
    accuracy = truth.get('accuracy_kept')
    if accuracy is not None and accuracy < LOW_ACCURACY and entry['coverage'] > HIGH_COVERAGE:
        found.append(f'{100 * accuracy:.1f} % of the kept pixels are right, although {100 * entry["coverage"]:.1f} % '
                     'of all pixels are kept: the confidences are too high. Raise the threshold.')
    return found
