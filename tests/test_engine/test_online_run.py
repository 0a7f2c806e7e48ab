"""Whole runs of online self-training: resumed exactly, in two processes, and stopped when the teacher collapses."""
from pathlib import Path
from typing import Any, Callable

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from adversarial_models import RESNET
from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from udas_mmseg.engine.hooks import TeacherCollapseHook
from udas_mmseg.export.plain_config import export_state_dict


@pytest.fixture
def online_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable, tmp_path: Path
                  ) -> Callable[..., Config]:
    """The tiny run of `run_config` with all terms, where the segmentor has dropout."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config()
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'))
        terms = [dict(type='FeatureDistanceTerm', classes=(0, 1, 2), weight=0.1),
                 dict(type='MaskedConsistencyTerm', block_size=4)]
        cfg.model = dict(type='OnlineSelfTrainingSegmentor', segmentor=cfg.model, terms=terms,
                         ema_teacher=dict(momentum=0.9, labeling=dict(type='SureShareLabeling', threshold=0.3)))
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMATeacherHook'), dict(type='TeacherCollapseHook')]
        cfg.merge_from_dict(changes)
        return cfg

    torch.manual_seed(0)
    torch.save(MODELS.build(RESNET).state_dict(), tmp_path / 'backbone.pth')
    return make


def test_resumed_run_has_the_same_student_teacher_and_optimizer(online_config: Callable) -> None:
    whole = train(online_config('whole'))
    cfg = online_config('cut', workers=2)
    interrupt(cfg, 5)  # one iteration after a checkpoint
    again = resumed(cfg)
    assert same_weights(again, whole) and int(again.model.teacher.steps) == 6
    ours, expected = (runner.optim_wrapper.state_dict()['state'] for runner in (again, whole))
    assert expected and all(torch.equal(ours[key]['momentum_buffer'], expected[key]['momentum_buffer'])
                            for key in expected)
    names = whole.message_hub.log_scalars
    assert {'train/mixture.decode.loss_ce', 'train/source.loss_feature_distance', 'train/target.aux.loss_masked',
            'train/target.kept', 'train/loss'} <= set(names)
    by_teacher = online_config('exported', **{'model.predict_with': 'teacher'})
    exported = export_state_dict(whole.model.state_dict(), by_teacher)
    stem = whole.model.teacher.network.backbone.conv1.weight
    assert torch.equal(exported['backbone.conv1.weight'], stem)
    assert not torch.equal(whole.model.segmentor.backbone.conv1.weight, stem)
    frozen, = whole.model.terms[0]._frozen
    kept = torch.load(Path(whole.work_dir).parent / 'backbone.pth')
    assert all(torch.equal(value, kept[key]) for key, value in frozen.state_dict().items())


def test_resumed_run_of_hrda_draws_the_same_crops(online_config: Callable) -> None:
    """The segmentor has stride 8, so that the detail is one of two halves of each image."""
    hrda = {'model.segmentor.type': 'HRDAEncoderDecoder', 'model.segmentor.detail_size': 16,
            'model.segmentor.divisor': 16, 'train_cfg.max_iters': 3, 'default_hooks.checkpoint.interval': 1}

    def make(name: str) -> Config:
        cfg = online_config(name, **hrda)
        for branch in cfg.train_dataloader.dataset.values():
            for transform in branch['pipeline'] if isinstance(branch, dict) else ():
                if transform['type'] == 'RandomCrop':
                    transform['crop_size'] = (16, 32)
        return cfg

    whole, cfg = train(make('whole')), make('cut')
    interrupt(cfg, 2)
    assert same_weights(resumed(cfg), whole)
    assert 'train/mixture.decode.detail.loss_ce' in whole.message_hub.log_scalars


def test_two_processes_agree(online_config: Callable, tmp_path: Path) -> None:
    """Without mixing, each image has the same label and loss in any process, and the sum of both is that of one."""
    still = {'model.segmentor.backbone.norm_eval': True, 'model.segmentor.auxiliary_head.norm_cfg': None,
             'model.segmentor.auxiliary_head.dropout_ratio': 0, 'model.mixing': None, 'model.augment': False,
             'model.teacher_norm': 'eval',
             'model.ema_teacher.labeling': dict(type='PixelWeightLabeling', threshold=0.3)}
    terms = [dict(type='MaskedConsistencyTerm', block_size=4, ratio=0.)]
    cfg = online_config('distributed', **still)
    cfg.model.terms = terms
    cfg.model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert int(first['teacher.steps']) == 6
    cfg = online_config('alone', **still, **{'train_dataloader.batch_size': 4})
    cfg.model.terms = terms
    alone = train(cfg).model.state_dict()
    for name, value in first.items():
        assert torch.allclose(alone[name].float(), value.float(), atol=1e-5), name


class OneClass(TeacherCollapseHook):
    """As if the teacher had given everything to class 1."""

    def before_train(self, runner: Any) -> None:
        super().before_train(runner)
        runner.model.take_label_counts = lambda: torch.tensor([3, 197, 0])


def test_a_teacher_with_one_class_is_noticed(online_config: Callable, caplog: pytest.LogCaptureFixture) -> None:
    runs = dict(patience=4, interval=2)
    for hook, expected in ((OneClass(**runs), 1), (OneClass(max_share=0.99, **runs), 0)):
        cfg = online_config('run')
        cfg.custom_hooks = cfg.custom_hooks[:-1]
        runner = build(cfg, hook)
        warnings = []
        runner.logger.warning = warnings.append
        runner.train()
        assert len(warnings) == expected
        assert not expected or ('at least 98 % of the pixels to one class: sidewalk 98.5 %, road 1.5 %' in warnings[0])
    with pytest.raises(RuntimeError, match='Stopped at iteration 4: for 4 iterations, the teacher has given'):
        build(cfg, OneClass(action='stop', **runs)).train()


def build(cfg: Config, hook: TeacherCollapseHook) -> Any:
    from mmengine.runner import Runner
    cfg = cfg.copy()
    cfg.experiment_name += str(id(hook))
    runner = Runner.from_cfg(cfg)
    runner.register_hook(hook)
    return runner


def test_labels_are_counted_and_the_hook_checks_its_arguments(online_config: Callable) -> None:
    runner = train(online_config('run', **{'train_cfg.max_iters': 2}))
    counts = runner.model.take_label_counts()
    assert counts.shape == (3, ) and int(counts.sum()) == 2 * 2 * 8 * 16 and runner.model.take_label_counts() is None
    for options, message in ((dict(max_share=0), 'max_share=0'), (dict(interval=600), 'interval=600 and patience=500'),
                             (dict(action='halt'), "action='halt'; allowed are")):
        with pytest.raises(ValueError, match=message):
            TeacherCollapseHook(**options)
    cfg = online_config('other')
    cfg.model = cfg.model.segmentor
    cfg.train_dataloader.dataset = dict(type='StreamDataset', dataset=cfg.train_dataloader.dataset.source)
    cfg.custom_hooks = [dict(type='TeacherCollapseHook')]
    with pytest.raises(ValueError, match='a MultiLevelEncoderDecoder does not count the labels of a teacher'):
        train(cfg)
