"""Every config under configs/ parses, fits its data, builds and backpropagates."""
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import MODELS

from small_data import write_carla_and_camvid, write_demo_data
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts)


@pytest.fixture(scope='module')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_carla_and_camvid(write_demo_data(tmp_path_factory.mktemp('data'), 3, 2))


@pytest.fixture(autouse=True)
def roots(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('UDAS_DATA_ROOT', str(data_root))
    monkeypatch.setenv('UDAS_DEMO_ROOT', str(data_root))
    monkeypatch.setenv('UDAS_WEIGHTS_ROOT', str(data_root))
    (data_root / 'mobilenet_v2_imagenet.pth').touch()  # never loaded: nothing is initialised here


def shrink(cfg: Any) -> None:
    """Images of 128x64, in place, everywhere in a config."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key in ('scale', 'crop_size') and isinstance(value, tuple):
                cfg[key] = (128, 64) if key == 'scale' else (64, 128)
            elif key == 'size' and cfg.get('type', '').endswith('PreProcessor'):
                cfg[key] = (64, 128)
            else:
                shrink(value)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            shrink(item)


@pytest.fixture(params=CONFIGS, ids=lambda path: str(path.relative_to(ROOT / 'configs')))
def cfg(request: pytest.FixtureRequest) -> Config:
    cfg = load_config(str(request.param))
    shrink(cfg.train_dataloader)
    shrink(cfg.val_dataloader)
    shrink(cfg.model)
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.val_dataloader.update(batch_size=1, num_workers=0, persistent_workers=False)
    return cfg


def test_data_fit_and_every_parameter_learns(cfg: Config) -> None:
    assert check_config(cfg)
    model = MODELS.build(cfg.model)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {name: value.clone() for name, value in model.named_parameters() if value.requires_grad}
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    logs = model.train_step(batch, optim_wrapper)
    assert all(bool(torch.isfinite(value)) for value in logs.values())
    after = dict(model.named_parameters())
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert not still, f'not moved by a training step: {still}'


def test_published_schedule_trains_the_heads_ten_times_faster() -> None:
    cfg = load_config(str(ROOT / 'configs/udas/gta2cs_source_only.py'))
    model = MODELS.build(cfg.model)
    rates = {}
    for group in build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups:
        for parameter in group['params']:
            rates[parameter] = group['lr']
    assert rates
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:  # batch norm's scale and shift stay ImageNet's
            continue
        factor = 10 if name.startswith(('decode_head', 'auxiliary_head')) else 1
        assert rates[parameter] == pytest.approx(2.5e-4 * factor), name


def test_validation_runs(cfg: Config) -> None:
    model = MODELS.build(cfg.model).eval()
    sample = model.val_step(next(iter(Runner.build_dataloader(cfg.val_dataloader, seed=0))))[0]
    prediction, label = sample.pred_sem_seg.data, sample.gt_sem_seg.data
    assert prediction.shape == label.shape
    assert int(prediction.max()) < model.num_classes


def test_every_config_opens_with_the_command_that_runs_it() -> None:
    for path in CONFIGS:
        command = f'python tools/train.py {path.relative_to(ROOT)}'
        assert command in path.read_text().split('"""')[1], f'{path} does not say: {command}'


def test_configs_use_no_inheritance_from_packages() -> None:
    for path in (ROOT / 'configs').rglob('*.py'):
        assert '::' not in path.read_text(), f'{path}: `mmseg::` needs pkg_resources'


def test_missing_data_are_named_before_anything_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UDAS_DATA_ROOT', str(tmp_path))
    with pytest.raises(ValueError) as error:
        check_config(load_config(str(ROOT / 'configs/udas/gta2cs_source_only.py')))
    assert 'gta5/images' in str(error.value) and 'cityscapes/leftImg8bit/val' in str(error.value)
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')  # the same from a copy outside the checkout
    assert load_config(str(tmp_path / 'configs/udas/gta2cs_source_only.py')).model.backbone.depth == 101
