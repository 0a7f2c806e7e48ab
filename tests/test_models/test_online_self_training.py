"""Online self-training around its step: any segmentor, branches, memory, statistics, checkpoints and mistakes."""
import copy
from pathlib import Path
from typing import Dict, Iterator, List

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

import cpu_amp  # noqa: F401  (registers CpuAmpOptimWrapper)
from adversarial_models import SEGMENTORS, build, deeplabv2, weights
from online_models import MASKED, build_online, pretrained, step
from student_models import accumulated_steps, build_student, images, preprocessed, sgd, student_batch
from udas_mmseg.models.terms.masked_consistency import block_masks

SURE = dict(momentum=0.9, threshold=0.)
ALL = ('source', 'labeled_target', 'pseudo_labeled', 'target')


def backbone_inputs(model: nn.Module) -> List[torch.Tensor]:
    """Return a list to which each later input of the student's backbone is added."""
    seen: List[torch.Tensor] = []
    model.segmentor.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    return seen


@pytest.mark.parametrize('name', SEGMENTORS)
@pytest.mark.parametrize('joint', [False, True])
def test_any_segmentor_learns_online(name: str, joint: bool) -> None:
    model = build_online(SEGMENTORS[name], joint_forward=joint, terms=[MASKED], ema_teacher=SURE)
    before = weights(model)
    for seed in (0, 1):
        logs = step(model, *ALL, seed=seed)
    assert {'source.decode.loss_ce', 'labeled_target.aux.loss_ce', 'mixture.decode.loss_ce', 'mixture.aux.loss_ce',
            'target.decode.loss_masked', 'target.kept', 'loss'} <= set(logs) and 'target.decode.loss_ce' not in logs
    assert float(logs['loss']) == pytest.approx(sum(float(v) for k, v in logs.items() if 'loss' in k and k != 'loss'))
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not still, f'not moved by two steps: {still}'
    assert model.eval().test_step(images())[0].pred_sem_seg.data.shape == (1, 48, 64)


@pytest.mark.parametrize('joint', [False, True])
def test_gradients_by_branch_are_those_of_the_sum(joint: bool) -> None:
    """`forward(mode='loss')` is what ordinary data parallelism calls."""
    models = [build_online(terms=[MASKED], joint_forward=joint, augment=False).double() for _ in range(2)]
    data = doubled(models[0])
    for model in models:
        model.data_preprocessor = Passing()
    np.random.seed(0)
    loss, _ = models[0].parse_losses(models[0](**data, mode='loss'))
    loss.backward()
    np.random.seed(0)
    before = weights(models[1])
    logs = models[1].train_step(data, sgd(models[1], lr=1.))
    assert float(logs['loss']) == pytest.approx(float(loss.detach()), rel=1e-12)
    for (name, value), other in zip(models[0].named_parameters(), models[1].parameters()):
        assert torch.allclose(before[name] - other, value.grad, rtol=1e-9, atol=1e-12), name


class Passing(nn.Module):
    """A preprocessor of what is preprocessed."""

    def forward(self, data: dict, training: bool) -> dict:
        return data


def doubled(model: nn.Module) -> Dict[str, dict]:
    data = preprocessed(model, 'source', 'target')
    return {name: dict(branch, inputs=branch['inputs'].double()) for name, branch in data.items()}


@pytest.fixture
def process_group() -> Iterator[None]:
    """A group of this process alone."""
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('wrapper', ['none', 'BranchDistributedDataParallel', 'MMDistributedDataParallel'])
def test_the_graph_of_a_branch_is_freed_before_the_next_one(wrapper: str, process_group: None) -> None:
    model, order = build_online(terms=[MASKED], forward_target=True), []
    alone = copy.deepcopy(model)
    model.segmentor.backbone.register_forward_pre_hook(lambda *_: order.append('forward'))
    model.segmentor.backbone.conv1.register_full_backward_hook(lambda *_: order.append('backward'))
    step(model if wrapper == 'none' else MODEL_WRAPPERS.build(dict(type=wrapper, module=model)))
    by_branch = ['forward', 'backward', 'forward', 'backward', 'forward', 'forward', 'backward']
    assert order == (['forward'] * 4 + ['backward'] * 3 if wrapper == 'MMDistributedDataParallel' else by_branch)
    step(alone)
    for (name, value), other in zip(alone.named_parameters(), model.parameters()):
        assert torch.allclose(value, other, rtol=1e-4, atol=1e-5), name


def test_source_and_mixture_pass_and_the_mixture_has_pixels_of_both() -> None:
    model = build_online(augment=False)
    seen, data = backbone_inputs(model), preprocessed(model, 'source', 'target')
    context, _ = model.begin_step(data)
    model(**data, mode='loss')
    assert len(seen) == 2 and torch.equal(seen[0], data['source']['inputs'])
    mixture, weight = context.branches['mixture'], context.pixel_weights['mixture']
    label = torch.stack([sample.gt_sem_seg.data[0] for sample in mixture['data_samples']])
    of_source, of_target = ((mixture['inputs'] == data[name]['inputs']).all(dim=1) for name in ('source', 'target'))
    assert bool((of_source ^ of_target).all()) and bool(of_source.any()) and bool(of_target.any())
    assert torch.equal(label[of_source], context.label('source')[of_source])
    assert torch.equal(label[of_target], context.label('target')[of_target])
    assert bool((weight[of_source] == 1).all()) and weight[of_target].unique().numel() == 1
    assert not bool(of_source[context.label('source') == 255].any())  # 255 is no class that can be pasted
    for image, pasted in zip(context.label('source'), of_source):
        present, chosen = set(image.unique().tolist()) - {255}, set(image[pasted].tolist())
        assert len(chosen) == (len(present) + 1) // 2 and bool(pasted[torch.isin(image, torch.tensor([*chosen]))].all())


def test_without_mixing_the_target_alone_is_augmented_and_boxes_are_of_the_source() -> None:
    model = build_online(augment=False, mixing=None)
    data = preprocessed(model, 'source', 'target')
    assert torch.equal(model.begin_step(data)[0].images('mixture'), data['target']['inputs'])
    model = build_online(augment=True, mixing=None)
    assert not torch.equal(model.begin_step(data)[0].images('mixture'), data['target']['inputs'])
    np.random.seed(3)
    mixture = build_online(augment=False, mixing='cut_mix').begin_step(data)[0].images('mixture')
    for number, image in enumerate(mixture):
        rows, columns = torch.where((image == data['source']['inputs'][number]).all(dim=0))
        assert len(rows) == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)


def test_draws_depend_on_the_seed_of_the_iteration() -> None:
    model = build_online(terms=[MASKED])
    data, seen = preprocessed(model, 'source', 'target'), backbone_inputs(model)
    for seed in (0, 0, 1):
        np.random.seed(seed)
        model(**data, mode='loss')
    (_, mixture, masked), again, other = seen[:3], seen[3:6], seen[6:]
    assert torch.equal(mixture, again[1]) and torch.equal(masked, again[2])
    assert not torch.equal(mixture, other[1]) and not torch.equal(masked, other[2])


def test_the_loss_of_the_mixture_may_begin_later(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {}
    for iteration in (0, 15, 40):
        monkeypatch.setattr('mmengine.logging.MessageHub.get_info', lambda *_, now=iteration: now)
        model = build_online(ema_teacher=dict(SURE, weight=dict(weight=1., begin=10, ramp=10)),
                             terms=[dict(MASKED, begin=10, ramp=10)])
        values[iteration] = step(model)
    for key in ('mixture.decode.loss_ce', 'target.aux.loss_masked'):
        early, middle, late = (float(logs[key]) for logs in values.values())
        assert early == 0 and middle == pytest.approx(late / 2, rel=1e-5) and late > 0, key


# Who normalises with what


def with_dropout() -> dict:
    segmentor = copy.deepcopy(SEGMENTORS['SegFormer'])
    segmentor['backbone'].update(drop_path_rate=0.5, drop_rate=0.5, attn_drop_rate=0.5)
    segmentor['decode_head']['dropout_ratio'] = 0.5
    return segmentor


@pytest.mark.parametrize('norm', ['batch', 'eval'])
@pytest.mark.parametrize('segmentor', [deeplabv2(), with_dropout()], ids=['DeepLabv2', 'SegFormer'])
def test_the_teacher_draws_nothing_and_keeps_its_running_statistics(segmentor: dict, norm: str) -> None:
    model = build_online(segmentor, teacher_norm=norm)
    inputs = preprocessed(model, 'target')['target']['inputs']
    before = copy.deepcopy(model.teacher.state_dict())
    first, second = (model.teacher_logits(model.teacher, inputs) for _ in range(2))
    assert torch.equal(first, second) and not first.requires_grad
    assert all(torch.equal(value, before[key]) for key, value in model.teacher.state_dict().items())
    for module in model.teacher.network.modules():
        if isinstance(module, nn.BatchNorm2d):  # other running statistics matter in eval mode only
            module.running_mean += 1
    assert torch.equal(model.teacher_logits(model.teacher, inputs), first) == (norm == 'batch')
    assert not any('forward' in vars(module) for module in model.teacher.network.modules())


def test_the_batch_of_the_teacher_is_that_of_the_student_in_training() -> None:
    model = build_online()
    inputs = preprocessed(model, 'target')['target']['inputs']
    logits = model.forward_images(inputs).logits[0]
    student = F.interpolate(logits, inputs.shape[2:], mode='bilinear', align_corners=True)
    assert torch.allclose(model.teacher_logits(model.teacher, inputs), student.detach(), atol=1e-4)


@pytest.mark.parametrize('forward_target', [False, True])
def test_running_statistics_are_those_of_what_passes(forward_target: bool) -> None:
    """Of source and mixture; of the target only if it is asked for, and then as the last, with the largest weight."""
    model = build_online(forward_target=forward_target)
    seen, data, norm = backbone_inputs(model), preprocessed(model, 'source', 'target'), model.segmentor.backbone.bn1
    model(**data, mode='loss')
    assert len(seen) == 2 + forward_target
    assert not forward_target or torch.equal(seen[2], data['target']['inputs'])
    mean = torch.zeros_like(norm.running_mean)
    for passed in seen:
        mean = 0.9 * mean + 0.1 * model.segmentor.backbone.conv1(passed).mean(dim=(0, 2, 3))
    assert torch.allclose(norm.running_mean, mean, atol=1e-5)


# Terms


def test_blocks_are_masked_with_the_given_probability() -> None:
    masks = block_masks(200, (40, 50), 16, 0.7, np.random.default_rng(0))
    assert masks.shape == (200, 40, 50) and float(masks.float().mean()) == pytest.approx(0.7, abs=0.02)
    for top, left in ((0, 0), (16, 32), (32, 48)):  # the last one is at the border
        block = masks[:, top:top + 16, left:left + 16].flatten(1)
        assert bool((block.all(dim=1) | ~block.any(dim=1)).all())
    assert not torch.equal(masks[0], masks[1])


def test_masked_images_have_the_mean_colour_and_the_labels_of_the_whole_image() -> None:
    model = build_online(terms=[dict(MASKED, ratio=1.)], augment=False)
    seen = backbone_inputs(model)
    step(model)
    assert len(seen) == 3 and not bool(seen[2].any())
    masked = build_student(ema_teacher=SURE, terms=[MASKED])  # also with a mean teacher
    assert {'target.decode.loss_ce', 'target.decode.loss_masked'} <= set(step(masked))


def test_features_are_compared_with_the_pretrained_ones_and_not_with_those_of_a_checkpoint(tmp_path: Path) -> None:
    segmentor = pretrained(tmp_path)
    model = build_online(segmentor, terms=[dict(type='FeatureDistanceTerm', classes=[0, 1, 2])])
    model.init_weights()
    frozen, = model.terms[0]._frozen
    stored = torch.load(tmp_path / 'backbone.pth')
    state = build_online(segmentor, seed=7).state_dict()
    load_state_dict(model, state, strict=True)  # it is not in checkpoints
    step(model.train())
    assert all(torch.equal(value, stored[key]) for key, value in frozen.state_dict().items())
    assert not any(module.training for module in frozen.modules())
    assert len(list(model.parameters())) == len(list(build_online(segmentor).parameters()))


def test_without_a_cell_of_the_classes_there_is_no_distance(tmp_path: Path) -> None:
    model = build_online(pretrained(tmp_path), terms=[dict(type='FeatureDistanceTerm', classes=[0], weight=1.)])
    data = student_batch('source', 'target')  # of noise: no class fills a cell
    logs = model.train_step(data, sgd(model))
    assert float(logs['source.loss_feature_distance']) == 0
    assert all(bool(torch.isfinite(value).all()) for value in model.parameters())


# Optimizers and checkpoints


def test_accumulation_averages_and_amp_is_near() -> None:
    moved = accumulated_steps(lambda: build_online(terms=[MASKED], ema_teacher=SURE))
    assert float(F.cosine_similarity(moved['bfloat16'], moved['float32'], dim=0)) > 0.9


def test_it_begins_from_an_adapted_model_and_saves_its_teacher() -> None:
    adversarial = build(seed=3)
    model = build_online(seed=9)
    load_state_dict(model, adversarial.state_dict(), strict=True)
    for key, value in model.teacher.network.state_dict().items():
        assert torch.equal(value, adversarial.segmentor.state_dict()[key]), key
    step(model)
    model.teacher.update(model.segmentor)
    again = build_online(seed=8)
    load_state_dict(again, model.state_dict(), strict=True)
    assert int(again.teacher.steps) == 1
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
