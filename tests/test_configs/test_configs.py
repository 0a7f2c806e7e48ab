"""Every config under configs/ parses, fits its data, builds and backpropagates."""
import json
import re
import shutil
from pathlib import Path
from typing import Any, Iterator

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS

from adversarial_models import deeplabv2
from small_data import write_carla_and_camvid, write_demo_data, write_image
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config
from udas_mmseg.pseudo_labels.writer import confidence_path
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.self_training.stage_config import pseudo_label_threshold, pseudo_labeled_dataset, to_label
from udas_mmseg.utils.mirrored_folder import mirrored_path

ROOT = Path(__file__).parents[2]
EVERY = sorted(path for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts)
SELF_TRAINING = [path for path in EVERY if 'ssl' in path.stem]  # stages, each with a config of its own
CONFIGS = [path for path in EVERY if path not in SELF_TRAINING]
# Configs of larger label budgets, and the config of the smallest one that each inherits from
LARGER_BUDGETS = {
    path: path.with_name(re.sub(r'_(2|5|10|500|1000|2975)(?=[_.])', smallest, path.name))
    for smallest, pattern in (('_1', 'carla2camvid/labeled_*'), ('_100', 'udas/gta2cs_*_*[05].py'))
    for path in CONFIGS if path.match(pattern) and not re.search(rf'({smallest}|_0)[_.]', path.name)
}
WHOLE = 'udas/gta2cs_uda.py'  # with its ResNet-101; where others have one, they have a ResNet-18 here, for speed


@pytest.fixture(scope='module')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_carla_and_camvid(write_demo_data(tmp_path_factory.mktemp('data'), 3, 2))
    write_synthia(root / 'synthia')
    for images, translated in (('gta5/images', 'gta5_translated'), ('gta5/images', 'gta5_cycada'),
                               ('gta5/images', 'demo_translations'), ('carla/images', 'carla_cyclegan'),
                               ('synthia/RGB', 'synthia_translated')):
        shutil.copytree(root / images, root / translated)
    (root / 'weights.pth').touch()  # never loaded: nothing is initialised here
    return root


@pytest.fixture(autouse=True)
def roots(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('DATA', 'DEMO', 'WEIGHTS', 'TRANSLATED'):
        monkeypatch.setenv(f'UDAS_{name}_ROOT', str(data_root))
    monkeypatch.setenv('UDAS_PSEUDO_ROOT', str(data_root / 'pseudo_labels'))
    monkeypatch.setenv('UDAS_DEMO_TRANSLATIONS', str(data_root / 'demo_translations'))
    monkeypatch.setenv('UDAS_DEMO_LABELS', str(data_root / 'demo_labels'))


def write_synthia(root: Path) -> None:
    """Noise as SYNTHIA-RAND-CITYSCAPES has it: 16-bit labels with the id in the red channel."""
    rng = np.random.default_rng(0)
    for number in range(2):
        write_image(root / f'RGB/{number:07d}.png', rng.integers(0, 256, (64, 128, 3), dtype=np.uint8))
        label = np.zeros((64, 128, 3), np.uint16)
        label[:, :, 2] = rng.integers(0, 23, (64, 128))
        write_image(root / f'GT/LABELS/{number:07d}.png', label)


def write_pseudo_labels(dataset: dict, num_classes: int) -> None:
    """Random train ids and confidences for every image of a data set, as `tools/pseudo_label.py` writes them."""
    rng = np.random.default_rng(0)
    root = str(Path(dataset.get('data_root') or '', dataset['data_prefix']['img_path']))
    labels = Path(dataset['pseudo_label_root'])
    images = list(Path(root).rglob(f'*{dataset["img_suffix"]}'))
    assert images, root
    for image in images:
        name = mirrored_path(str(image), root)
        shape = cv2.imread(str(image)).shape[:2]
        write_image(labels / name, rng.integers(0, num_classes, shape, dtype=np.uint8))
        write_image(labels / confidence_path(name), rng.integers(0, 256, shape, dtype=np.uint8))
    metainfo = dataset['metainfo']
    classes = (DATASETS.get(metainfo).METAINFO if isinstance(metainfo, str) else metainfo)['classes']
    index = dict(teacher=dict(checkpoint='none'), classes=list(classes), num_images=len(images))
    (labels / 'index.json').write_text(json.dumps(index))


def find_datasets(cfg: Any, kind: str) -> Iterator[dict]:
    """Configs of data sets of a type, anywhere in a config."""
    if isinstance(cfg, dict):
        if cfg.get('type') == kind:
            yield cfg
        for value in cfg.values():
            yield from find_datasets(value, kind)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            yield from find_datasets(item, kind)


def make_pseudo_labels(cfg: Config) -> None:
    """Pseudo-labels where a config reads some."""
    if 'pseudo_labeled_train' in cfg:
        num_classes = cfg.model.get('segmentor', cfg.model).decode_head.num_classes
        for dataset in (cfg.pseudo_labeled_train, *find_datasets(cfg.train_dataloader, 'PseudoLabeledDataset')):
            write_pseudo_labels(dataset, num_classes)


def shrink(cfg: Any, width: int, height: int) -> None:
    """Images of that size, in place, everywhere in a config."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key in ('scale', 'crop_size') and isinstance(value, tuple):
                cfg[key] = (width, height) if key == 'scale' else (height, width)
            elif key == 'size' and cfg.get('type', '').endswith('PreProcessor'):
                cfg[key] = (height, width)
            elif key == 'size' and cfg.get('type') == 'Pad':
                cfg[key] = (width, height)
            else:
                shrink(value, width, height)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            shrink(item, width, height)


def make_budgets_small(cfg: Any, list_dir: Path) -> None:
    """One labelled image in place of each label budget, in place."""
    if isinstance(cfg, dict):
        if cfg.get('type') == 'LabelBudgetDataset':
            cfg.update(n=1, list_dir=str(list_dir))
        for value in cfg.values():
            make_budgets_small(value, list_dir)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            make_budgets_small(item, list_dir)


def make_shallow(cfg: Any) -> None:
    """ResNet-18 in place of ResNet-101, in place; its stages have a quarter of the channels."""
    if isinstance(cfg, dict):
        if cfg.get('depth') == 101:
            cfg['depth'] = 18
        if cfg.get('in_channels') in (1024, 2048):
            cfg['in_channels'] //= 4
        for value in cfg.values():
            make_shallow(value)


def find_weights(cfg: Any, present: Path) -> None:
    """Let local files of weights that a config needs be there, in place."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key == 'checkpoint' and '://' not in value and not Path(value).exists():
                cfg[key] = str(present)
            else:
                find_weights(value, present)


def make_translator_small(cfg: Config, root: Path) -> None:
    """Few channels and one block, and a small network in place of the segmentor of CyCADA."""
    cfg.model.generator.update(base_channels=4, num_blocks=1)
    cfg.model.discriminator.update(base_channels=4, num_conv=1)
    if 'semantic_consistency' in cfg.model:
        assert (ROOT / cfg.model.semantic_consistency.config).exists()
        segmentor = deeplabv2()
        segmentor['decode_head']['num_classes'] = segmentor['auxiliary_head']['num_classes'] = 19
        torch.save(MODELS.build(segmentor).state_dict(), root / 'segmentor.pth')
        cfg.model.semantic_consistency.update(config=dict(model=segmentor), checkpoint=str(root / 'segmentor.pth'))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT / 'configs'))


@pytest.fixture(params=[path for path in CONFIGS if path not in LARGER_BUDGETS], ids=name_of)
def cfg(request: pytest.FixtureRequest, data_root: Path) -> Config:
    cfg = load_config(str(request.param))
    # discriminators at several scales, or on the heads' small maps, need larger images
    large = 'MultiScaleDiscriminator' in str(cfg.model) or not cfg.model.get('upsample_maps', True)
    if cfg.model.type == 'DomainCycleGAN':
        make_translator_small(cfg, data_root)
    if cfg.model.type != 'DomainCycleGAN' or 'carla2camvid' not in str(request.param):  # whose images are small already
        for part in (cfg.train_dataloader, cfg.val_dataloader, cfg.get('translate_dataloader'), cfg.model):
            shrink(part, *((256, 128) if large else (128, 64)))
    find_weights(cfg.model, data_root / 'weights.pth')
    make_budgets_small(cfg.train_dataloader, data_root / 'splits')
    if request.param != ROOT / 'configs' / WHOLE:
        make_shallow(cfg.model)
    make_pseudo_labels(cfg)
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    evaluation = cfg.val_dataloader or cfg.translate_dataloader
    evaluation.update(batch_size=1, num_workers=0, persistent_workers=False)
    return cfg


def test_data_fit_and_every_parameter_learns(cfg: Config) -> None:
    assert check_config(cfg)
    model = MODELS.build(cfg.model)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {name: value.clone() for name, value in model.named_parameters() if value.requires_grad}
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    MessageHub.get_current_instance().update_info('iter', 0)
    logs = model.train_step(batch, optim_wrapper)
    assert all(bool(torch.isfinite(value)) for value in logs.values())
    after = dict(model.named_parameters())
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert not still, f'not moved by a training step: {still}'


@pytest.mark.parametrize('path', LARGER_BUDGETS, ids=name_of)
def test_a_larger_budget_changes_the_labelled_images_alone(path: Path, data_root: Path) -> None:
    larger, smallest = load_config(str(path)), load_config(str(LARGER_BUDGETS[path]))
    for key in ('model', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'val_dataloader'):
        assert larger[key] == smallest[key], key
    find_weights(larger.model, data_root / 'weights.pth')
    make_budgets_small(larger.train_dataloader, data_root / 'splits')
    make_pseudo_labels(larger)
    assert check_config(larger)
    number = re.search(r'_(\d+)[_.]', path.name)
    assert number is not None
    text = str(load_config(str(path)).train_dataloader)
    assert f"'n': {number[1]}," in text or f'labeled_{number[1]}.txt' in text
    assert "'n': 100," not in text and 'labeled_1.txt' not in text and 'without_1.txt' not in text


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


def test_validation_or_translation_runs(cfg: Config) -> None:
    model = MODELS.build(cfg.model).eval()
    if cfg.val_dataloader is None:
        dataset = DATASETS.build(cfg.translate_dataloader.dataset)
        image = dataset[0]['inputs']
        assert model.translate(image[None]).shape[1:] == image.shape
        return
    sample = model.val_step(next(iter(Runner.build_dataloader(cfg.val_dataloader, seed=0))))[0]
    prediction, label = sample.pred_sem_seg.data, sample.gt_sem_seg.data
    assert prediction.shape == label.shape
    assert int(prediction.max()) < getattr(model, 'segmentor', model).num_classes


@pytest.mark.parametrize('path', SELF_TRAINING, ids=name_of)
def test_stages_of_self_training_fit_the_data_and_each_other(path: Path, data_root: Path, tmp_path: Path) -> None:
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path)))
    kinds = [stage.kind for stage in runner.stages]
    assert kinds[-5:] == ['label', 'student', 'label', 'student', 'export']
    for cfg in runner.configs.values():
        find_weights(cfg.model, data_root / 'weights.pth')
        make_budgets_small(cfg.train_dataloader, data_root / 'splits')
    assert runner.check()
    label, student = runner.stages[kinds.index('label')], runner.configs[runner.stages[-2].name]
    assert pseudo_label_threshold(pseudo_labeled_dataset(student)) > 0
    assert DATASETS.build(to_label(pseudo_labeled_dataset(student))).get_data_info(0).get('seg_map_path') is None
    if path.parent.name == 'udas':  # as published
        assert (label.settings['views'], runner.stages[0].kind) == (3, 'translator')
        assert pseudo_label_threshold(pseudo_labeled_dataset(student)) == 0.6


@pytest.mark.parametrize('path', SELF_TRAINING, ids=name_of)
def test_plan_of_self_training_needs_no_data(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('DATA', 'DEMO', 'WEIGHTS', 'TRANSLATED', 'PSEUDO'):
        monkeypatch.setenv(f'UDAS_{name}_ROOT', str(tmp_path / 'nowhere'))
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path / 'run')))
    assert all(f'| {stage.name} |' in runner.plan() for stage in runner.stages)
    with pytest.raises(ValueError, match='nowhere'):
        runner.check()
    assert not list(tmp_path.iterdir())


def test_every_config_opens_with_the_command_that_runs_it() -> None:
    for path in EVERY:
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
