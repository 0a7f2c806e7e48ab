"""The labels that a student learns from, with and without a teacher."""
import copy
from typing import Any, Dict

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmseg.registry import MODELS
from torch import Tensor

import cpu_amp  # noqa: F401  (registers CpuAmpOptimWrapper)
from adversarial_models import FCN_AUX, RESNET, SEGMENTORS, SMALL, build, deeplabv2, stock, weights
from student_models import accumulated_steps, build_student, images, labels, preprocessed, sgd, student_batch

FCN = dict(type='FCNHead', in_channels=32, in_index=3, channels=8)
ANY_HEADS = {**SEGMENTORS, 'no auxiliary head': stock(RESNET, FCN, None),
             'two auxiliary heads': stock(RESNET, FCN, [FCN_AUX, dict(FCN_AUX, in_channels=8, in_index=1)])}


@pytest.mark.parametrize('name', ANY_HEADS)
@pytest.mark.parametrize('joint', [False, True])
def test_any_segmentor_is_a_student(name: str, joint: bool) -> None:
    model = build_student(ANY_HEADS[name], joint_forward=joint)
    before = weights(model)
    wrapper = sgd(model)
    for seed in (0, 1):
        logs = model.train_step(student_batch('source', 'pseudo_labeled', seed=seed), wrapper)
    assert {'source.decode.loss_ce', 'pseudo_labeled.decode.loss_ce', 'loss'} <= set(logs)
    assert ('pseudo_labeled.aux_1.loss_ce' in logs) == (name == 'two auxiliary heads')
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not still, f'not moved by two steps: {still}'
    prediction = model.eval().test_step(images())[0]
    assert prediction.pred_sem_seg.data.shape == (1, 48, 64)


def reference_loss(segmentor: torch.nn.Module, branches: Dict[str, dict], pseudo_weight: float) -> Tensor:
    """Plain torch: mean cross-entropy of both heads over all pixels, one branch after the other."""
    total = torch.zeros(())
    for name, branch in branches.items():
        features = segmentor.backbone(branch['inputs'])
        for head, factor in ((segmentor.decode_head, 1.0), (segmentor.auxiliary_head, 1.0)):
            logits = F.interpolate(sum(conv(features[head.in_index]) for conv in head.convs), (48, 64), mode='bilinear',
                                   align_corners=True)
            ce = F.cross_entropy(logits, labels(branch), ignore_index=255, reduction='sum') / labels(branch).numel()
            total = total + factor * ce * (pseudo_weight if name == 'pseudo_labeled' else 1)
    return total


@pytest.mark.parametrize('pseudo_weight', [1.0, 0.3])
def test_loss_and_gradient_are_those_of_plain_torch(pseudo_weight: float) -> None:
    model = build_student(pseudo_weight=pseudo_weight).double()
    other = copy.deepcopy(model.segmentor)
    data = preprocessed(model, 'source', 'pseudo_labeled')
    data = {name: dict(branch, inputs=branch['inputs'].double()) for name, branch in data.items()}
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    expected = reference_loss(other, data, pseudo_weight)
    assert float(loss) == pytest.approx(float(expected), rel=1e-9)
    loss.backward()
    expected.backward()
    for (key, value), reference in zip(model.segmentor.named_parameters(), other.parameters()):
        assert torch.allclose(value.grad, reference.grad, rtol=1e-6, atol=1e-12), key


@pytest.mark.parametrize('avg_non_ignore', [False, True])
@pytest.mark.parametrize('joint', [False, True])
def test_pseudo_labels_without_a_pixel_are_no_loss(avg_non_ignore: bool, joint: bool) -> None:
    segmentor = deeplabv2()
    for head in ('decode_head', 'auxiliary_head'):
        segmentor[head] = dict(segmentor[head], loss_decode=dict(type='CrossEntropyLoss',
                                                                 avg_non_ignore=avg_non_ignore))
    model = build_student(segmentor, joint_forward=joint)
    data = student_batch('source', 'pseudo_labeled')
    for sample in data['pseudo_labeled']['data_samples']:
        sample.gt_sem_seg.data.fill_(255)
    logs = model.train_step(data, sgd(model))
    assert float(logs['pseudo_labeled.decode.loss_ce']) == float(logs['pseudo_labeled.aux.loss_ce']) == 0
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])
    assert float(logs['loss']) > 0


def test_branches_are_normalised_apart_and_the_target_last() -> None:
    model = build_student(ema_teacher=dict(threshold=0.))
    seen = []
    model.segmentor.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    data = preprocessed(model, 'target', 'pseudo_labeled', 'labeled_target', 'source')
    model(**data, mode='loss')
    order = ('source', 'labeled_target', 'pseudo_labeled', 'target')
    assert len(seen) == 4 and all(torch.equal(images, data[name]['inputs']) for name, images in zip(order, seen))
    seen.clear()
    model.joint_forward = True
    model(**data, mode='loss')
    assert len(seen) == 1 and torch.equal(seen[0], torch.cat([data[name]['inputs'] for name in order]))


def test_an_ordinary_batch_has_the_segmentors_losses() -> None:
    model = build_student()
    data = preprocessed(model, 'source')['source']
    assert set(model(**data, mode='loss')) == set(model.segmentor(**data, mode='loss'))


def test_memory_layout_does_not_change_the_arithmetic() -> None:
    losses = [model.parse_losses(model(**preprocessed(model, 'source', 'pseudo_labeled'), mode='loss'))[0]
              for model in (build_student(channels_last=value) for value in (False, True))]
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-5)


@pytest.mark.parametrize('joint', [False, True])
def test_accumulation_averages_and_amp_is_near(joint: bool) -> None:
    moved = accumulated_steps(lambda: build_student(joint_forward=joint, consistency=dict(num_views=2),
                                                    ema_teacher=dict(threshold=0.)))
    assert float(F.cosine_similarity(moved['bfloat16'], moved['float32'], dim=0)) > 0.95


# Checkpoints


def test_weights_of_a_segmentor_alone_and_of_an_adversarial_one_are_taken() -> None:
    plain = MODELS.build(deeplabv2())
    adversarial = build(seed=3)
    assert SMALL and any(key.startswith('discriminators.') for key in adversarial.state_dict())
    for state, prefix in ((plain.state_dict(), ''), (adversarial.state_dict(), 'segmentor.')):
        for options in ({}, dict(ema_teacher=dict())):
            model = build_student(seed=9, **options)
            load_state_dict(model, state, strict=True)
            for key, value in model.segmentor.state_dict().items():
                assert torch.equal(value, state[prefix + key]), key
                assert model.teacher is None or torch.equal(model.teacher.network.state_dict()[key], value), key


def test_a_checkpoint_has_the_teacher_and_its_steps() -> None:
    model = build_student(ema_teacher=dict(momentum=0.9))
    for _ in range(3):
        model.train_step(student_batch('source', 'target'), sgd(model))
        model.teacher.update(model.segmentor)
    for state in (model.state_dict(), get_state_dict(model)):  # torch's and MMEngine's
        assert set(state) == {f'{child}.{key}' for key in model.segmentor.state_dict()
                              for child in ('segmentor', 'teacher')} | {'teacher.steps'}
        again = build_student(seed=9, ema_teacher=dict(momentum=0.9))
        load_state_dict(again, state, strict=True)
        assert int(again.teacher.steps) == 3
        assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
        without = build_student(seed=9)
        load_state_dict(without, state, strict=True)
        student = without.segmentor.state_dict()
        assert all(torch.equal(value, state[f'segmentor.{key}']) for key, value in student.items())


def test_a_damaged_checkpoint_is_noticed() -> None:
    model = build_student(ema_teacher=dict())
    state = model.state_dict()
    del state['teacher.decode_head.convs.0.weight'], state['segmentor.decode_head.convs.0.weight']
    with pytest.raises(RuntimeError, match='(?s)teacher.decode_head.convs.0.weight.*segmentor.decode_head.convs.0.w'):
        build_student(ema_teacher=dict()).load_state_dict(state)


# Mistakes


@pytest.mark.parametrize(('options', 'message'), [
    (dict(pseudo_weight=-1), 'pseudo_weight=-1'),
    (dict(predict_with='both'), "predict_with='both'; allowed are"),
    (dict(predict_with='teacher'), 'there is no teacher'),
    (dict(ema_teacher=dict(momentum=1.0)), r'momentum=1.0: it must be in \[0, 1\)'),
    (dict(ema_teacher=dict(threshold=1.5)), r'threshold=1.5: it must be in \[0, 1\]'),
    (dict(ema_teacher=dict(weight=-1)), 'weight=-1'),
    (dict(ema_teacher=dict(momentun=0.9)), r"ema_teacher has \['momentun'\]"),
    (dict(ema_teacher=dict(labeling=dict(type='EntropyTerm', weight=1))), 'EntropyTerm and not a labelling policy'),
])
def test_impossible_options_are_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_student(**options)


def test_batches_that_do_not_fit_are_refused() -> None:
    model = build_student()
    with pytest.raises(ValueError, match='no teacher to label it. Set ema_teacher'):
        model.train_step(student_batch('source', 'target'), sgd(model))
    data = student_batch('source', 'target')
    with pytest.raises(ValueError, match=r'branches \[.sauce.\]; known are'):
        model.train_step(dict(sauce=data['source']), sgd(model))
    with pytest.raises(ValueError, match='pseudo_labeled has no labels.*LoadPseudoLabel'):
        model.train_step(dict(source=data['source'], pseudo_labeled=data['target']), sgd(model))
    model = build_student(ema_teacher=dict())
    with pytest.raises(ValueError, match='target branch has `gt_sem_seg`'):
        model.train_step(dict(target=data['source']), sgd(model))


@MODEL_WRAPPERS.register_module(name='ChildWrapper', force=True)
class ChildWrapper(torch.nn.Module):
    """Holds a child as `MMSeparateDistributedDataParallel` does."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module


def test_children_in_data_parallel_of_their_own_are_refused() -> None:
    model = build_student(ema_teacher=dict())
    wrapper = sgd(model)
    model.segmentor = ChildWrapper(model.segmentor)
    model.init_weights()  # the Runner does so first
    with pytest.raises(ValueError, match='trains with ordinary data parallelism.*MMSeparateDistributedDataParallel'):
        model.train_step(student_batch('source', 'target'), wrapper)
