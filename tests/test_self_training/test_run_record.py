"""Reading the record of a self-training run for a report."""
import json
from pathlib import Path

import pytest

from udas_mmseg.self_training.run_record import read_self_training


@pytest.mark.parametrize('folder, name, expected', [
    ('my_pair/self_training', 'self_training', 'my_pair/self_training'), ('demo/ssl', 'ssl', 'ssl'),
    ('self_training_1', 'self_training', 'self_training')])
def test_runs_of_two_pairs_have_different_names(tmp_path: Path, folder: str, name: str, expected: str) -> None:
    path = tmp_path / folder / 'manifest.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(dict(format=2, stages={}, name=name, seed=0, versions={})))
    assert read_self_training(str(path.parent)).name == expected
