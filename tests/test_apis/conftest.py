"""A trained model, and images of several sizes."""
from pathlib import Path

import pytest


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """See `write_work`."""
    from predicting_images import write_work
    monkeypatch.chdir(tmp_path)
    return write_work(tmp_path)
