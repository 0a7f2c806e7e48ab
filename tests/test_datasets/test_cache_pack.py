"""Records of samples in a file."""
import numpy as np
import pytest

from udas_mmseg.datasets.cache.pack import decode, encode


def test_records_keep_types_and_values() -> None:
    values = dict(a=np.arange(6, dtype=np.int64).reshape(2, 3), empty=np.zeros((0, 4), np.float32),
                  b=(1, 2.5, 'x', None, True, [{3: (4, )}]), gray=np.zeros((3, 5), np.uint8)[:, ::2])
    found = decode(encode(values))
    assert found['b'] == values['b'] and type(found['b'][4]) is bool and list(found) == list(values)
    for name in ('a', 'empty', 'gray'):
        assert found[name].dtype == values[name].dtype and np.array_equal(found[name], values[name])


def test_samples_of_one_size_share_nothing_that_can_be_changed() -> None:
    record = encode(dict(fields=['label'], image=np.zeros(3, np.uint8)))
    first = decode(record)
    first['fields'].append('more')
    first['image'][:] = 1
    assert decode(record)['fields'] == ['label'] and not decode(record)['image'].any()


@pytest.mark.parametrize('value', [{1}, float('nan'), np.float32(1), np.array([None])])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match='`a` is '):
        encode(dict(a=value))
