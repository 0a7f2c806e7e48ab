"""Signs of bad pseudo-labels."""
from typing import Any, Dict, Optional

import pytest

from udas_mmseg.pseudo_labels.warning_signs import has_other_share, warning_signs


def entry(share: float, source: Optional[float], accuracy: Optional[float], coverage: float) -> Dict[str, Any]:
    truth = None if accuracy is None else dict(accuracy_kept=accuracy)
    return dict(classes=dict(sky=dict(share=share, source_share=source)), truth=truth, coverage=coverage)


@pytest.mark.parametrize('share, source, expected', [
    (0.57, 0.23, True), (0.23, 0.57, True), (0.4, 0.23, False), (0.01, 0.001, False), (0.0, 0.03, True),
    (0.5, None, False)
])
def test_a_class_whose_share_is_far_from_the_source(share: float, source: Optional[float], expected: bool) -> None:
    assert has_other_share(share, source) == expected
    assert bool(warning_signs(entry(share, source, None, 1.0))) == expected


@pytest.mark.parametrize('accuracy, coverage, expected', [
    (0.52, 0.99, True), (0.9, 0.99, False), (0.52, 0.5, False), (None, 0.99, False)
])
def test_low_accuracy_although_almost_all_is_kept(accuracy: Optional[float], coverage: float, expected: bool) -> None:
    found = warning_signs(entry(0.2, 0.2, accuracy, coverage))
    assert len(found) == expected
    if expected:
        assert found[0].startswith('52.0 % of the kept pixels are right, although 99.0 % of all pixels are kept')
