"""A new method in one file and one config: a term that the package does not know, trained by a Runner."""
import sys
from pathlib import Path
from typing import Callable, Dict

import pytest
import torch
from mmengine.config import Config
from torch import Tensor

from tiny_runs import train

METHOD = '''
"""Target images should give logits of small variance."""
from mmseg.registry import MODELS

from udas_mmseg.models.terms import Term


@MODELS.register_module(force=True)
class LogitVarianceTerm(Term):
    name = 'loss_variance'

    def losses(self, context):
        return dict(loss_variance=context.resized(self.branch)[0].var())
'''
CONFIG = '''
custom_imports = dict(imports=['udas_mmseg', 'toy_method'], allow_failed_imports=False)
default_scope = 'mmseg'
work_dir = {work_dir!r}
head = dict(type='DeepLabV2Head', num_classes=3, dilations=(1, 2), align_corners=True)
model = dict(
    type='BranchSegmentor',
    segmentor=dict(
        type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1, std=[50.] * 3,
                                                      mean=[100.] * 3),
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                      dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN')),
        decode_head=dict(head, in_channels=32, in_index=3), auxiliary_head=dict(head, in_channels=16, in_index=2),
        train_cfg=dict(), test_cfg=dict(mode='whole')),
    terms=[dict(type='LogitVarianceTerm', weight={weight}, begin=1)])
train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='PositionSampler'),
                        dataset=dict(type='DomainPairDataset', source={source!r}, target={target!r}))
train_cfg = dict(type='PositionTrainLoop', max_iters=2)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05))
default_hooks = dict(logger=dict(type='LoggerHook', interval=1),
                     checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
randomness = dict(seed=3)
'''


@pytest.fixture
def trained(labeled_config: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Train the toy method with a weight of its term: the log of every iteration, and the weights."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Config, 'pretty_text', '')  # formatting takes longer than the run
    (tmp_path / 'toy_method.py').write_text(METHOD)
    target = labeled_config('target', 4, pipeline=[
        dict(type='LoadVerifiedImage'), dict(type='RandomCrop', crop_size=(8, 16)), dict(type='PackSegInputs')])
    target.pop('label_map')
    target['data_prefix'] = dict(img_path='images')
    source = labeled_config()

    def run(weight: float) -> tuple:
        name = f'toy_{str(weight).replace(".", "_")}'
        (tmp_path / f'{name}.py').write_text(
            CONFIG.format(work_dir=str(tmp_path / name), weight=weight, source=source, target=target))
        cfg = Config.fromfile(str(tmp_path / f'{name}.py'))
        cfg.experiment_name = f'{tmp_path.name}_{name}'  # MMEngine hands out what has the same name again
        runner = train(cfg)
        logged = {key: values.data[0] for key, values in runner.message_hub.log_scalars.items()}
        return logged, runner.model.state_dict()

    yield run
    sys.modules.pop('toy_method', None)


def test_a_term_in_one_file_is_trained_and_logged(trained: Callable) -> None:
    results: Dict[float, Dict[str, Tensor]] = {}
    for weight in (0., 2.):
        logged, results[weight] = trained(weight)
        assert {'train/source.decode.loss_ce', 'train/source.aux.loss_ce', 'train/target.loss_variance'} <= set(logged)
        first, second = logged['train/target.loss_variance']
        assert first == 0 and (second > 0) == (weight > 0)  # it begins in the second iteration
    moved = [key for key, value in results[0.].items() if not torch.equal(value, results[2.][key])]
    assert 'segmentor.decode_head.convs.0.weight' in moved and 'segmentor.backbone.conv1.weight' in moved
