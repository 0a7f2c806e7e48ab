"""Pictures during training: there at the right time, with the right content, and unnoticed by the training."""
import random
import sys
from pathlib import Path
from typing import Callable, Dict

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.visualization import Visualizer
from mmseg.registry import HOOKS, MODELS, VISBACKENDS
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from small_data import CLASSES
from tiny_runs import same_weights, train
from udas_mmseg.models.max_confidence import confidence
from udas_mmseg.utils.predicting import predicting
from udas_mmseg.visualization import color_ramp

RUNTIME = Path(__file__).parents[2] / 'configs/_base_/default_runtime.py'
BRIGHT = dict(CLASSES, palette=[[250, 0, 0], [0, 250, 0], [0, 0, 250]])
WIDTH, HEIGHT = 40, 20  # the images are 32x16


@pytest.fixture(autouse=True)
def no_formatting(monkeypatch: pytest.MonkeyPatch) -> None:
    """MMEngine formats the config five times a run, which takes longer than the run."""
    monkeypatch.setattr(Config, 'pretty_text', '')


def pictures(cfg: Config, name: str = 'domain_panel') -> Dict[int, np.ndarray]:
    found = Path(cfg.work_dir).glob(f'*/vis_data/vis_image/{name}_*.png')
    return {int(path.stem.rsplit('_', 1)[1]): cv2.imread(str(path)) for path in found}


def cell(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = 22 + 6 + (HEIGHT + 18 + 6) * row, 6 + (WIDTH + 6) * column
    return picture[top:top + HEIGHT, left:left + WIDTH]


def with_panels(cfg: Config, **changes: object) -> Config:
    panels = dict(type='DomainPanelHook', interval=2, width=WIDTH, **changes)
    cfg.default_hooks = dict(panels=panels, checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=100))
    cfg.val_dataloader.dataset.metainfo = BRIGHT
    return cfg


class Watcher(nn.Module):
    """Part of a model that draws random numbers in eval mode, and is in eval mode while the rest trains."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        random.random(), np.random.rand(), torch.rand(1)
        return x


def test_pictures_of_fixed_images_while_training_goes_on(run_config: Callable) -> None:
    cfg = with_panels(run_config(max_iters=5), num_images=3)
    runner = train(cfg)
    shown = pictures(cfg)
    assert sorted(shown) == [2, 4, 5]  # every second, and the end
    assert all(image.shape[1] == 6 + 4 * (WIDTH + 6) for image in shown.values())
    dataset = runner.val_dataloader.dataset
    for row, index in enumerate((0, 1, 3)):  # spread over five images
        sample = dataset[index]
        truth = np.asarray(BRIGHT['palette'])[sample['data_samples'].gt_sem_seg.data[0].numpy()]
        truth = cv2.resize(truth[..., ::-1].astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        image = cv2.resize(sample['inputs'].numpy().transpose(1, 2, 0), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        for picture in shown.values():
            assert np.array_equal(cell(picture, row, 0), image)
            assert np.array_equal(cell(picture, row, 3), truth)
        assert not np.array_equal(cell(shown[2], row, 2), cell(shown[4], row, 2))  # the confidence changes


def test_prediction_is_the_main_heads(run_config: Callable) -> None:
    cfg = with_panels(run_config(max_iters=2), num_images=1)
    runner = train(cfg)
    sample = runner.val_dataloader.dataset[0]
    with torch.no_grad():
        batch = runner.model.data_preprocessor(dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]))
        logits = runner.model.eval()(batch['inputs'], mode='tensor')[0]
        probabilities = nn.functional.interpolate(logits, (16, 32), mode='bilinear').softmax(dim=1)[0]
    picture, size = pictures(cfg)[2], (WIDTH, HEIGHT)
    predicted = cv2.resize(probabilities.argmax(dim=0).to(torch.uint8).numpy(), size, interpolation=cv2.INTER_NEAREST)
    assert np.array_equal(cell(picture, 0, 1), np.asarray(BRIGHT['palette'])[predicted][..., ::-1])
    sure = cv2.resize(probabilities.amax(dim=0).numpy(), size, interpolation=cv2.INTER_AREA)
    assert np.abs(cell(picture, 0, 2).astype(int) - color_ramp(sure)).max() <= 6  # one step of the ramp


@pytest.mark.parametrize('loop', ['PositionTrainLoop', 'IterBasedTrainLoop'])
def test_training_does_not_notice(run_config: Callable, monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    real = MODELS.get('MultiLevelEncoderDecoder').predict

    def predict(self, *args: object) -> list:
        Watcher()(torch.empty(0))
        return real(self, *args)

    monkeypatch.setattr(MODELS.get('MultiLevelEncoderDecoder'), 'predict', predict)
    runners = []
    for name, draw in (('drawn', True), ('plain', False)):
        cfg = with_panels(run_config(name, max_iters=5), draw=draw)
        if loop == 'IterBasedTrainLoop':  # does not seed each iteration: what the hook draws would be missing later
            stream = cfg.train_dataloader.dataset
            cfg.train_dataloader = dict(batch_size=2, num_workers=0, dataset=stream.dataset,
                                        sampler=dict(type='InfiniteSampler', shuffle=True))
            cfg.train_cfg = dict(type=loop, max_iters=5, val_interval=100)
        runners.append(train(cfg))
        assert sorted(pictures(cfg)) == ([2, 4, 5] if draw else [])
    assert same_weights(*runners)


def test_modes_and_generators_are_put_back(run_config: Callable) -> None:
    model = MODELS.build(run_config().model).train()
    model.backbone.layer1.eval()
    model.decode_head.teacher = Watcher().eval()
    before = {name: module.training for name, module in model.named_modules()}
    random_state, state = random.getstate(), torch.get_rng_state()
    with pytest.raises(KeyError), predicting(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        torch.rand(1)
        raise KeyError('also after an error')
    assert {name: module.training for name, module in model.named_modules()} == before
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state) and random.getstate() == random_state


def test_a_distributed_child_stays_in_step_with_the_other_processes(tmp_path: Path) -> None:
    torch.distributed.init_process_group('gloo', f'file://{tmp_path}/store', rank=0, world_size=1)
    try:
        child = DistributedDataParallel(nn.BatchNorm1d(2), broadcast_buffers=True)
        model = nn.Sequential(child)
        assert child.will_sync_module_buffers()
        with predicting(model):
            assert not child.will_sync_module_buffers()  # would wait for processes that are not predicting
            model(torch.zeros(3, 2))
        assert child.will_sync_module_buffers()  # else this process alone would leave the next one out
    finally:
        torch.distributed.destroy_process_group()


def test_domains_and_images_without_labels(run_config: Callable, labeled_config: Callable) -> None:
    cfg = run_config(max_iters=1)
    source = dict(cfg.val_dataloader.dataset)
    pipeline = [dict(type='LoadVerifiedImage'), dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]
    target = dict(labeled_config('target', 2, pipeline=pipeline), data_prefix=dict(img_path='images'))
    cfg = with_panels(cfg, num_images=4, dataset=dict(source=source, target=target))
    train(cfg)
    picture = pictures(cfg)[1]
    assert cell(picture, 5, 1).std() > 0 or cell(picture, 5, 2).std() > 0  # 4 of the source, 2 of the target
    assert (cell(picture, 3, 3) != 255).any() and (cell(picture, 4, 3) == 255).all()  # no truth there
    alone = with_panels(run_config('alone', max_iters=1), num_images=1, dataset=target, name='target')
    train(alone)
    shown = pictures(alone, 'target')[1]
    assert shown.shape[1] == 6 + 3 * (WIDTH + 6)  # no column for the truth
    assert np.array_equal(cell(shown, 0, 0), cell(picture, 4, 0))  # flipped in both or in neither


def test_tensorboard_holds_the_pictures(run_config: Callable) -> None:
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator',
                                      reason='tensorboard is not installed')
    runtime = Config.fromfile(str(RUNTIME)).to_dict()
    for name in ('first', 'second'):  # in one process: each writes into its own folder
        cfg = with_panels(run_config(name, max_iters=4))
        panels = dict(runtime['default_hooks']['panels'], interval=2, num_images=1, width=WIDTH)
        cfg.merge_from_dict(dict(visualizer=runtime['visualizer'], default_hooks=dict(panels=panels)))
        train(cfg)
    shown = pictures(cfg)
    [events] = Path(cfg.work_dir).glob('*/vis_data/events.*')
    reader = accumulator.EventAccumulator(str(events), size_guidance=dict(images=0)).Reload()
    images = reader.Images('domain_panel')
    assert [image.step for image in images] == sorted(shown) == [2, 4]  # the end is not drawn twice
    for image in images:
        decoded = cv2.imdecode(np.frombuffer(image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(decoded, shown[image.step])


@pytest.mark.parametrize('error', [ImportError('no tensorboard'), TypeError('Descriptors cannot be created directly')])
def test_without_tensorboard_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:

    class Broken:

        def find_spec(self, name: str, *args: object) -> None:
            if name.startswith('torch.utils.tensorboard'):
                raise error

    for name in [name for name in sys.modules if name.startswith('torch.utils.tensorboard')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    said = []
    monkeypatch.setattr(MMLogger, 'warning', lambda self, text: said.append(text))
    backend = VISBACKENDS.build(dict(type='OptionalTensorboardVisBackend', save_dir=str(tmp_path)))
    visualizer = Visualizer('no tensorboard', vis_backends=[backend], save_dir=str(tmp_path))
    visualizer.add_config(Config(dict(a=1)))
    visualizer.add_image('a', np.zeros((2, 2, 3), np.uint8))
    visualizer.add_scalars(dict(a=1.0))
    visualizer.close()
    assert len(said) == 1 and 'pip install tensorboard' in said[0]
    assert not list(tmp_path.rglob('events.*'))


def test_confidence_and_its_colors() -> None:
    logits = torch.tensor([[[0., 100., 1e4]], [[0., 0., 0.]]])
    assert confidence(logits.half()).tolist() == [[0.5, 1, 1]]
    assert torch.allclose(confidence(torch.tensor([[[0.25, 0.9]]])), torch.tensor([[0.75, 0.9]]))  # a probability
    ramp = color_ramp(np.array([[0, 1, -1, 2, np.nan]], np.float32))[0]
    assert (ramp[0] == ramp[2]).all() and (ramp[0] == ramp[4]).all() and (ramp[1] == ramp[3]).all()
    assert ramp[0].sum() < ramp[1].sum()


@pytest.mark.parametrize('wrong', [dict(interval=0), dict(num_images=0), dict(width=-1)])
def test_numbers_that_make_no_sense_are_named(wrong: dict) -> None:
    [(key, value)] = wrong.items()
    with pytest.raises(ValueError, match=f'{key}={value}: it must be 1 or more.*draw=False'):
        HOOKS.build(dict(type='DomainPanelHook', **wrong))


def test_nothing_to_draw_is_said_before_training(run_config: Callable) -> None:
    nothing = dict(val_dataloader=None, val_evaluator=None, val_cfg=None)
    cfg = run_config(max_iters=1, default_hooks=dict(panels=dict(type='DomainPanelHook')), **nothing)
    with pytest.raises(ValueError, match=r'no val_dataloader\. Set default_hooks\.panels\.dataset.*draw=False'):
        train(cfg)
    cfg.default_hooks.panels.draw = False
    train(cfg)
    assert not pictures(cfg)
    empty = dict(type='BaseSegDataset', metainfo=CLASSES, data_root=cfg.work_dir, serialize_data=False, pipeline=[])
    with pytest.raises(ValueError, match=r"data set 'target' is empty\. Check .*img_suffix"):
        train(with_panels(run_config('empty', max_iters=1), dataset=empty))
