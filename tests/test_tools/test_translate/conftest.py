"""Data for `tools/translate.py`, and what it makes of them."""
import shutil
from pathlib import Path
from typing import Dict, Iterator

import cv2
import numpy as np
import pytest


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with images of two domains, configs and checkpoints of random weights; the current one meanwhile."""
    import torch
    from mmengine.config import Config
    from mmseg.registry import MODELS

    from small_data import write_image
    from translating import CONFIG, IMAGES, SEGMENTOR, SIZES, save_checkpoint
    from udas_mmseg.engine.launch import load_config

    folder, rng = tmp_path_factory.mktemp('translate'), np.random.default_rng(0)
    for number, name in enumerate(IMAGES):
        width, height = SIZES[number % 2]
        noise = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        write_image(folder / 'source/images' / name, cv2.resize(noise, (width, height)))
    for number in range(3):
        write_image(folder / f'target/images/{number}.png', rng.integers(0, 90, (16, 32, 3), dtype=np.uint8))
    (folder / 'mine.py').write_text(CONFIG)
    (folder / 'segmentor.py').write_text(SEGMENTOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        load_config('mine.py')
        save_checkpoint('trained.pth', 1)
        backbone = MODELS.build({**Config.fromfile('segmentor.py').model.backbone, 'init_cfg': None})
        torch.save(backbone.state_dict(), 'backbone.pth')
        yield folder


@pytest.fixture(scope='module')
def whole(data: Path) -> Dict[str, bytes]:
    """What an undisturbed run leaves."""
    from translating import files_of, translate
    translate('--out', 'whole')
    return files_of(Path('whole'))


@pytest.fixture
def mine(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data, to change."""
    folder = tmp_path / 'mine'
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns('whole*'))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def feels_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels that depend on how many images are translated at once, as rounding does on some devices."""
    from udas_mmseg.translation import DomainCycleGAN
    original = DomainCycleGAN.translate
    monkeypatch.setattr(DomainCycleGAN, 'translate', lambda self, images: original(self, images) // 2 + len(images))
