"""Short runs give the results recorded in tests/golden.json."""
import json
from pathlib import Path
from typing import Iterator

import pytest
import torch

import golden


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The number of threads affects how floating-point sums are rounded."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_results_are_those_recorded(one_thread: None, tmp_path: Path) -> None:
    hashes = golden.run_all(tmp_path)
    assert hashes['weights: labels_in_training'] == hashes['weights: source_only'], 'labelling changed a training'
    assert hashes['weights: adaptsegnet'] != hashes['weights: advent']

    record, here = json.loads(golden.RECORD.read_text()), golden.machine()
    assert hashes.keys() == record['hashes'].keys()
    others = [f'{key}: {here.get(key)} instead of {value}' for key, value in record['machine'].items()
              if here.get(key) != value]
    if others:
        pytest.skip(f'everything ran, but {golden.RECORD.name} is of another machine ({"; ".join(others)})')
    assert not golden.differences(record['hashes'], hashes)
