"""The benchmark of loading, on tiny images."""
import data_stream
import pytest


def test_stream_with_and_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_stream, 'FILES', 2)
    monkeypatch.setattr(data_stream, 'ROUNDS', 1)
    cached, plain = data_stream.with_cache((64, 32), (32, 16))
    assert cached['name'] == 'cached stream, 64x32 -> 32x16, samples/s' and cached['goal'] == 'ratio >= 3'
    assert plain['goal'] == '' and all(row['value'] > 0 and row['ratio'] > 0 for row in (cached, plain))


def test_parts() -> None:
    assert list(data_stream.parts())[:2] == ['stream', 'cache']
    row, = data_stream.overhead(3)
    assert row['goal'] == '< 0.3 ms' and row['repeats'] == 5
