"""A teacher that is its student's moving average: exactly that, and nothing else."""
from typing import Any, Dict, List

import numpy as np
import pytest
import torch
from mmengine.optim import DefaultOptimWrapperConstructor, build_optim_wrapper
from mmseg.registry import TRANSFORMS
from torch import Tensor

from adversarial_models import RESNET, stock
from student_models import build_student, images, preprocessed, sgd, student_batch
from udas_mmseg.models.teachers.labeling import teacher_logits


def follow(model: Any, steps: int) -> List[Dict[str, Tensor]]:
    """Train and update the teacher; the student's state after each step."""
    states = []
    wrapper = sgd(model)
    for seed in range(steps):
        model.train_step(student_batch('source', 'target', seed=seed), wrapper)
        model.teacher.update(model.segmentor)
        states.append({key: value.clone() for key, value in model.segmentor.state_dict().items()})
    return states


@pytest.mark.parametrize('momentum', [0.0, 0.6, 0.999])
def test_teacher_is_the_exact_average_buffers_included(momentum: float) -> None:
    model = build_student(ema_teacher=dict(momentum=momentum)).double()
    model.data_preprocessor.float()
    model.data_preprocessor.forward = _doubled(model.data_preprocessor.forward)
    states = follow(model, 4)
    for key, value in model.teacher.network.state_dict().items():
        expected = states[0][key].clone()
        for step in range(1, 4):
            rate = min(1 - 1 / (step + 1), momentum)
            expected = rate * expected + (1 - rate) * states[step][key] if value.is_floating_point() else states[
                step][key]
        assert torch.allclose(value, expected, rtol=1e-12, atol=1e-14), key
    averaged = model.teacher.network.state_dict()['backbone.bn1.running_mean']
    assert torch.equal(averaged, states[-1]['backbone.bn1.running_mean']) == (momentum == 0)
    assert int(model.teacher.steps) == 4


def _doubled(forward: Any) -> Any:
    def run(*args: Any, **kwargs: Any) -> dict:  # called for the batch, and by it for each branch
        result = forward(*args, **kwargs)
        return dict(result, inputs=result['inputs'].double()) if 'inputs' in result else result
    return run


def test_teacher_stays_in_eval_and_out_of_every_reach() -> None:
    model = build_student(ema_teacher=dict(threshold=0.))
    network = model.teacher.network
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for mode in (True, False, True):
        model.train(mode)
        assert not any(module.training for module in network.modules())
    model.train_step(student_batch('source', 'target'), sgd(model))
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())  # its buffers, too
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())
    theirs = {id(parameter) for parameter in network.parameters()}
    assert not theirs & {id(parameter) for parameter in model.parameters()}
    for paramwise in (None, dict(custom_keys={'head': dict(lr_mult=10)})):
        cfg = dict(constructor=DefaultOptimWrapperConstructor, optimizer=dict(type='SGD', lr=0.1, weight_decay=0.1),
                   paramwise_cfg=paramwise)
        groups = build_optim_wrapper(model, cfg).optimizer.param_groups
        assert not theirs & {id(parameter) for group in groups for parameter in group['params']}


def test_teacher_begins_with_the_initial_weights_and_moves_with_the_model() -> None:
    model = build_student(ema_teacher=dict())
    model.init_weights()
    state = model.segmentor.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.teacher.network.state_dict().items())
    assert next(model.half().teacher.network.parameters()).dtype == torch.float16
    assert next(model.to('meta').teacher.network.parameters()).device.type == 'meta'
    assert model.teacher.steps.device.type == 'cpu'  # so that no update waits for the device


def test_teacher_labels_what_it_is_sure_of() -> None:
    model = build_student(ema_teacher=dict())
    data = preprocessed(model, 'target')['target']['inputs']
    label, kept, _ = model.labeling(teacher_logits(model.teacher.network, data))
    probs = model.teacher.network.encode_decode(data, [dict(img_shape=data.shape[2:])] * 2).softmax(1)
    confidence, expected = probs.max(1)
    middle = float(confidence.median())
    model.labeling.threshold = middle
    label, kept, _ = model.labeling(teacher_logits(model.teacher.network, data))
    assert torch.equal(label[kept], expected[kept]) and bool((label[~kept] == 255).all())
    assert torch.equal(kept, confidence >= middle) and 0.4 < float(kept.float().mean()) < 0.6
    model.labeling.threshold = 1.
    assert bool((model.labeling(teacher_logits(model.teacher.network, data)).label == 255).all())


def test_student_learns_the_teachers_labels() -> None:
    model = build_student(ema_teacher=dict(threshold=0., weight=0.5))
    target = preprocessed(model, 'target')['target']['inputs']
    logits = model.teacher.network.encode_decode(target, [dict(img_shape=target.shape[2:])] * 2)
    model.labeling.threshold = float(logits.softmax(1).amax(1).quantile(0.3))
    label, kept, _ = model.labeling(teacher_logits(model.teacher.network, target))
    losses = model(**preprocessed(model, 'target'), mode='loss')
    assert float(losses['target.kept']) == pytest.approx(0.7, abs=0.01)
    assert float(losses['target.kept']) == pytest.approx(float(kept.float().mean()))
    other = build_student()
    data = preprocessed(other, 'pseudo_labeled')
    data['pseudo_labeled']['inputs'] = preprocessed(other, 'target')['target']['inputs']
    for sample, own in zip(data['pseudo_labeled']['data_samples'], label):
        sample.gt_sem_seg.data = own[None]
    expected = other(**data, mode='loss')
    for level in ('decode', 'aux'):
        assert float(losses[f'target.{level}.loss_ce'].detach()) == pytest.approx(
            0.5 * float(expected[f'pseudo_labeled.{level}.loss_ce'].detach()), rel=1e-5)


def test_nothing_kept_is_no_loss() -> None:
    model = build_student(ema_teacher=dict(threshold=1.))
    logs = model.train_step(student_batch('source', 'target'), sgd(model))
    assert float(logs['target.kept']) == float(logs['target.decode.loss_ce']) == 0
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])


def packed(*colours: dict) -> dict:
    """A sample of the target as a pipeline makes it, twice, in a batch."""
    step = TRANSFORMS.build
    results = dict(img=np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8), img_shape=(48, 64))
    for cfg in (dict(type='KeepTeacherView'), *colours,
                dict(type='PackSegInputs', meta_keys=('img_shape', 'teacher_img'))):
        results = step(cfg)(results)
    return dict(target=dict(inputs=[results['inputs']] * 2, data_samples=[results['data_samples']] * 2))


def test_teacher_sees_the_clean_view_and_the_student_the_other() -> None:
    model = build_student(ema_teacher=dict())
    seen: Dict[str, Tensor] = {}
    for name, network in (('teacher', model.teacher.network), ('student', model.segmentor)):
        network.backbone.register_forward_pre_hook(lambda _, args, name=name: seen.update({name: args[0]}))
    data = packed(dict(type='SegAutoAugment', policy=[[('Invert', 1.0, 0)]], geometric=False))
    model(**model.data_preprocessor(data, True), mode='loss')
    mean, std = 100., 50.
    assert torch.allclose(seen['teacher'] * std + mean, 255 - (seen['student'] * std + mean), atol=1e-3)
    clean = packed()['target']['inputs'][0].float()
    assert torch.allclose(seen['teacher'][0] * std + mean, clean, atol=1e-3)


def test_a_view_of_another_size_is_refused() -> None:
    model = build_student(ema_teacher=dict())
    data = packed(dict(type='Resize', scale=(32, 24), keep_ratio=False))
    with pytest.raises(ValueError, match='may change colours only'):
        model(**model.data_preprocessor(data, True), mode='loss')


def test_padding_is_not_labelled() -> None:
    model = build_student(ema_teacher=dict(threshold=0.))
    data = student_batch('target')
    data['target']['inputs'][0] = data['target']['inputs'][0][:, :24, :32]
    context, _ = model.begin_step(model.data_preprocessor(data, True))
    seen = context.branches['target']['data_samples']
    label = seen[0].gt_sem_seg.data[0]
    assert bool((label[24:] == 255).all()) and bool((label[:, 32:] == 255).all()) and bool((label[:24, :32] < 3).all())
    assert bool((seen[1].gt_sem_seg.data < 3).all())
    assert 'gt_sem_seg' not in data['target']['data_samples'][0]


def test_validation_uses_the_student_unless_told_otherwise() -> None:
    predictions = {}
    for who in ('student', 'teacher'):
        model = build_student(ema_teacher=dict(), predict_with=who).eval()
        for parameter in model.teacher.network.decode_head.parameters():
            parameter.zero_()
        predictions[who] = model.val_step(images())[0].seg_logits.data
    assert bool((predictions['teacher'] == 0).all()) and not bool((predictions['student'] == 0).all())


def test_synchronised_batch_norm_is_the_students_alone() -> None:
    norm = dict(type='SyncBN')
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=8)
    segmentor = stock(dict(RESNET, norm_cfg=norm), head, None)
    segmentor['decode_head']['norm_cfg'] = norm
    model = build_student(segmentor, ema_teacher=dict())
    kinds = {type(module).__name__ for module in model.teacher.network.modules()}
    assert 'SyncBatchNorm' not in kinds
    assert model.teacher.network.state_dict().keys() == model.segmentor.state_dict().keys()
    teacher_logits(model.teacher.network, torch.zeros(1, 3, 48, 64))


def test_one_channel_has_no_confidence() -> None:
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=8, out_channels=1, threshold=0.5,
                loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    segmentor = stock(RESNET, head, None)
    segmentor['decode_head'].update(num_classes=2)
    with pytest.raises(ValueError, match='one output channel'):
        build_student(segmentor, ema_teacher=dict())
