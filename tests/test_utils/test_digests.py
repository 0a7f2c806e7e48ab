"""Digests of configs."""
import hashlib
import json

from udas_mmseg.utils.digests import config_digest


def test_digest_is_that_of_the_sorted_json() -> None:
    cfg = dict(b=(1, 2), a={3: 4, 10: [dict(c=None)]}, work_dir='differs', hang_limit=600)
    relevant = dict(b=(1, 2), a={3: 4, 10: [dict(c=None)]})
    assert config_digest(cfg) == hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()


def test_colours_of_a_label_map_count() -> None:
    one, other = ({'data': {'label_map': {color: 0}}} for color in ((0, 0, 255), (0, 0, 254)))
    assert config_digest(one) == config_digest(one) != config_digest(other)
