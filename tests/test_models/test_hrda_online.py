"""HRDA as the segmentor of online self-training: whole steps in float64, and what is around them."""
import copy
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from adversarial_models import weights
from hrda_reference import HRDA, HRDAStep
from online_models import MASKED, build_online, pretrained, step
from student_models import accumulated_steps, images, preprocessed
from udas_mmseg.engine.hooks.target_norm_statistics_hook import replace_norm_statistics
from udas_mmseg.models import BranchDistributedDataParallel

SIZE, LR = (32, 64), 0.01
TOLERANCE = 1e-9
SMALL = dict(HRDA['DeepLabv2'], detail_size=(16, 32))
SURE = dict(momentum=0.4, labeling=dict(type='SureShareLabeling', threshold=0.5))
TERMS = [dict(type='FeatureDistanceTerm', weight=0.05, classes=(0, 2)),
         dict(type='MaskedConsistencyTerm', block_size=10, ratio=0.6)]


@MODELS.register_module(force=True)
class PassingPreProcessor(BaseDataPreprocessor):
    """For images that are normalised already, in float64."""


def build(folder: Path, **options: Any) -> nn.Module:
    torch.manual_seed(3)
    segmentor = dict(SMALL, backbone=pretrained(folder)['backbone'], data_preprocessor=None)
    model = build_online(segmentor, augment=False, ema_teacher=SURE, terms=TERMS, **options,
                         data_preprocessor=dict(type='PassingPreProcessor')).double()
    model.init_weights()
    for head in (model.segmentor.decode_head, model.segmentor.scale_attention):
        for parameter in head.parameters():
            parameter.data *= 30  # so that the teacher is sure of some pixels
    model.teacher.copy_from(model.segmentor)
    return model


def batches(steps: int) -> List[Tuple[Tensor, Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    result = []
    for _ in range(steps):
        source, target = (torch.randn(2, 3, *SIZE, dtype=torch.float64, generator=generator) for _ in range(2))
        boxes = torch.tensor([0, 1, 2, 255])[torch.randint(0, 4, (2, 2, 4), generator=generator)]
        result.append((source, boxes.repeat_interleave(16, dim=1).repeat_interleave(16, dim=2), target))
    return result


def branches(source: Tensor, labels: Tensor, target: Tensor) -> Dict[str, dict]:
    labeled = [SegDataSample(metainfo=dict(img_shape=SIZE), gt_sem_seg=PixelData(data=label[None])) for label in labels]
    return dict(source=dict(inputs=source, data_samples=labeled),
                target=dict(inputs=target, data_samples=[SegDataSample(metainfo=dict(img_shape=SIZE)) for _ in target]))


def distance(got: Tensor, expected: Tensor) -> float:
    scale = float(expected.detach().abs().max())
    return float((got - expected).detach().abs().max()) / (scale or 1)


def deviations(model: nn.Module, steps: int = 2, **changes: Any) -> Dict[str, float]:
    """Train both alike: how far losses, and the changes of weights and buffers, are from the reference's."""
    student = copy.deepcopy(model.segmentor)
    options = dict(lr=LR, momentum=0.4, threshold=0.5, lambda_fd=0.05, classes=(0, 2), block=10, ratio=0.6)
    reference = HRDAStep(student, pretrained=copy.deepcopy(student.backbone), **{**options, **changes})
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=LR))
    before, result = copy.deepcopy(model.state_dict()), {}
    for number, batch in enumerate(batches(steps)):
        np.random.seed(number)
        expected = reference(*batch)
        np.random.seed(number)
        logs = model.train_step(branches(*batch), wrapper)
        model.teacher.update(model.segmentor)
        assert {key for key in logs if 'loss' in key and key != 'loss'} == set(expected)
        assert 0 < float(logs['target.kept']) < 1
        result.update({f'{number}: {key}': distance(logs[key], value) for key, value in expected.items()})
    for prefix, network in (('segmentor', reference.student), ('teacher', reference.teacher)):
        for key, value in network.state_dict().items():
            name = f'{prefix}.{key}'
            result[name] = distance(model.state_dict()[name] - before[name], value - before[name])
    return result


def test_two_steps_are_those_of_the_papers(tmp_path: Path) -> None:
    """DACS with HRDA in student and teacher, the feature distance of the context, and masked images."""
    found = deviations(build(tmp_path))
    assert not {key: value for key, value in found.items() if not value < TOLERANCE}


@pytest.mark.parametrize('change', [dict(block=9), dict(lambda_fd=0.051), dict(threshold=0.45)])
def test_another_setting_is_noticed(change: Dict[str, float], tmp_path: Path) -> None:
    found = deviations(build(tmp_path), steps=1, **change)
    assert max(found.values()) > 100 * TOLERANCE


@pytest.mark.parametrize(('name', 'joint', 'who'), [
    ('DeepLabv2', True, 'student'), ('DeepLabv2', False, 'teacher'), ('DAFormer', False, 'student')])
def test_every_parameter_learns_and_both_networks_predict(name: str, joint: bool, who: str) -> None:
    model = build_online(dict(HRDA[name], detail_size=(16, 32)), terms=[MASKED], joint_forward=joint, predict_with=who,
                         ema_teacher=dict(momentum=0.9, threshold=0.), margins=dict(top=2, bottom=9))
    before = weights(model)
    for seed in (0, 1):
        logs = step(model, seed=seed)
        model.teacher.update(model.segmentor)
    assert {'source.decode.detail.loss_ce', 'mixture.decode.detail.loss_ce', 'mixture.aux.loss_ce',
            'target.decode.loss_masked'} <= set(logs)
    total = sum(float(value) for key, value in logs.items() if 'loss' in key and key != 'loss')
    assert float(logs['loss']) == pytest.approx(total)
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    # batch norm, after a linear map alone, removes a bias
    assert all('scale_attention.embed_layers' in key and 'bias' in key for key in still), still
    assert model.eval().test_step(images())[0].pred_sem_seg.data.shape == (1, 48, 64)


def test_crops_depend_on_the_seed_of_the_iteration() -> None:
    """`PositionTrainLoop` seeds each iteration, so that a resumed run draws the same."""
    drawn: List[List[Tuple[int, int]]] = []
    for seed in (0, 0, 1):
        model = build_online(SMALL, terms=[MASKED], ema_teacher=SURE)
        forward = model.segmentor.training_outputs

        def noted(inputs: Tensor, forward: Any = forward, seen: list = drawn) -> Any:
            outputs = forward(inputs)
            seen.append(outputs.detail.corners)
            return outputs

        model.segmentor.training_outputs = noted
        step(model, seed=seed)
    first, again, other = drawn[:3], drawn[3:6], drawn[6:]
    assert first == again != other and len({str(corners) for corners in first}) > 1  # each branch has its own


def test_accumulation_averages_and_amp_is_near() -> None:
    moved = accumulated_steps(lambda: build_online(SMALL, terms=[MASKED], ema_teacher=dict(threshold=0.)))
    assert float(F.cosine_similarity(moved['bfloat16'], moved['float32'], dim=0)) > 0.9


def test_data_parallel_trains_branch_by_branch_as_alone() -> None:
    models = [build_online(SMALL, terms=[MASKED], ema_teacher=SURE) for _ in range(2)]
    step(models[0])
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        step(BranchDistributedDataParallel(models[1], broadcast_buffers=False))
    finally:
        torch.distributed.destroy_process_group()
    for (name, value), other in zip(models[0].named_parameters(), models[1].parameters()):
        assert torch.allclose(value, other, rtol=1e-4, atol=1e-5), name


def test_branches_of_a_joint_batch_keep_their_crops() -> None:
    model = build_online(SMALL, joint_forward=True, augment=False, mixing=None)
    data = preprocessed(model, 'source', 'target')
    context, _ = model.begin_step(data)
    model.forward_group(['source', 'mixture'], context)
    for name in ('source', 'mixture'):
        outputs = context.outputs[name]
        assert len(outputs.detail.corners) == len(outputs.detail.logits) == len(outputs.inputs) == 2
        expected = F.avg_pool2d(context.images(name), 2)
        assert torch.allclose(context.feature_images(name), expected, atol=1e-5)


def test_statistics_of_the_target_are_those_of_both_resolutions() -> None:
    torch.manual_seed(0)
    network = MODELS.build(SMALL).train()
    inputs = torch.randn(2, 3, *SIZE)
    np.random.seed(0)
    outputs = network.training_outputs(inputs)
    crops = torch.stack(outputs.detail.crop(list(inputs)))
    stem = network.backbone.conv1
    expected = (stem(outputs.inputs).mean(dim=(0, 2, 3)) + stem(crops).mean(dim=(0, 2, 3))) / 2
    np.random.seed(0)
    replace_norm_statistics(network, iter([inputs]))
    assert torch.allclose(network.backbone.bn1.running_mean, expected, atol=1e-6)
    assert network.training
