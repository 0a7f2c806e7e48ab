"""Data for `tools/pseudo_label.py`."""
from pathlib import Path

import pytest


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, labels that cannot be read, a config and the checkpoint of a model of random weights."""
    from labeling import save_checkpoint, write_work
    write_work(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    return tmp_path
