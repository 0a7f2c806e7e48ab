"""Data for `tools/pseudo_label.py`."""
from pathlib import Path

import cv2
import numpy as np
import pytest

from labeling import CONFIG, NAMES, save_checkpoint
from small_data import write_image


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, labels that cannot be read, a config and the checkpoint of a model of random weights."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        noise = cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (60, 40), interpolation=cv2.INTER_CUBIC)
        write_image(tmp_path / 'data/leftImg8bit/train' / name, noise)
        label = tmp_path / 'data/gtFine/train' / name.replace('_leftImg8bit', '_gtFine_labelTrainIds')
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(b'must not be opened')
    (tmp_path / 'mine.py').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    return tmp_path
