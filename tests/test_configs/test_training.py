"""Every config under configs/ reads images of the size that it declares, trains and is validated."""
import copy
from fnmatch import fnmatch
from pathlib import Path
from typing import Dict, Tuple

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from torch import nn

from config_data import TRAINED, fit_to_small_data, name_of, shrink
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config

# Width and height of a training image: the first pattern that fits; where there are two, of the source and the target
SIZES: Dict[str, Tuple[Tuple[int, int], ...]] = {
    'translation/*': ((256, 256), ),
    'demo/*cyclegan.py': ((128, 64), ),
    'demo/self_training/*': ((160, 80), ),
    'demo/*': ((256, 128), ),
    'benchmarks/carla2camvid/*': ((160, 80), ),
    'udas/*': ((640, 360), ),
    '*-640x360.py': ((640, 360), ),
    '*-512x256.py': ((512, 256), ),
    '*-512x512.py': ((512, 512), ),
    '*-800x800.py': ((800, 800), ),
    '*-1024x512.py': ((1024, 512), ),
    '*-1024x1024.py': ((1024, 1024), ),
    '*-1280x720.py': ((1280, 720), (1024, 512)),
    '*-1280x760.py': ((1280, 760), (1024, 512)),
}
Trained = Tuple[Config, nn.Module]


@pytest.fixture(scope='module', params=TRAINED, ids=name_of)
def path(request: pytest.FixtureRequest, data_root: Path) -> Path:
    return request.param


@pytest.fixture(scope='module')
def loaded(path: Path, data_root: Path) -> Config:
    return fit_to_small_data(load_config(str(path)), data_root)


@pytest.fixture(scope='module')
def built(loaded: Config, data_root: Path) -> Trained:
    """The config of a small model on small images, and that model."""
    init_default_scope('mmseg')
    cfg = shrink(copy.deepcopy(loaded), data_root)
    return cfg, MODELS.build(cfg.model)


def test_images_have_the_declared_size(path: Path, loaded: Config) -> None:
    cfg = copy.deepcopy(loaded)
    cfg.train_dataloader.update(batch_size=1, num_workers=0, persistent_workers=False)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    model = cfg.model.get('segmentor', cfg.model)
    if 'data_preprocessor' in model:  # which pads to the size of a crop
        batch = MODELS.build(model.data_preprocessor)(batch, True)
    source, target = next((sizes[0], sizes[-1]) for pattern, sizes in SIZES.items() if fnmatch(name_of(path), pattern))
    if 'inputs' in batch:  # of a single branch
        batch = {cfg.train_dataloader.dataset.get('branch', 'source'): batch}
    assert batch
    for branch, content in batch.items():
        width, height = source if branch == 'source' else target
        assert content['inputs'][0].shape == (3, height, width), branch


def test_data_fit_and_every_parameter_learns(built: Trained) -> None:
    cfg, model = built
    assert check_config(cfg, num_scanned=1)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {name: value.clone() for name, value in model.named_parameters() if value.requires_grad}
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    MessageHub.get_current_instance().update_info('iter', 0)
    logs = model.train_step(batch, optim_wrapper)
    assert all(bool(torch.isfinite(value)) for value in logs.values())
    after = dict(model.named_parameters())
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert not still, f'not moved by a training step: {still}'


def test_validation_or_translation_runs(built: Trained) -> None:
    cfg, model = built
    model.eval()
    if cfg.val_dataloader is None:
        image = DATASETS.build(cfg.translate_dataloader.dataset)[0]['inputs']
        assert model.translate(image[None]).shape[1:] == image.shape
        return
    sample = model.val_step(next(iter(Runner.build_dataloader(cfg.val_dataloader, seed=0))))[0]
    prediction, label = sample.pred_sem_seg.data, sample.gt_sem_seg.data
    assert prediction.shape == label.shape
    assert int(prediction.max()) < getattr(model, 'segmentor', model).num_classes
