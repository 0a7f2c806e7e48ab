"""Whole steps of `OnlineSelfTrainingSegmentor` against those of the papers, in float64."""
import copy
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from double_models import DECAY, LR, MEAN, MOMENTUM, STD, TOLERANCE, batches, branches, build, distance
from online_step import OnlineStep
from udas_mmseg.models.augment import StrongAugment


def online(folder: Path, **options: Any) -> nn.Module:
    return build(folder, 'OnlineSelfTrainingSegmentor', **options)


def deviations(model: nn.Module, **options: Any) -> Dict[str, float]:
    """Train both alike: how far every loss, weight and buffer of student and teacher is from the reference's."""
    student = copy.deepcopy(model.segmentor)
    optimizer = torch.optim.SGD(student.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    reference = OnlineStep(student, optimizer, MEAN.double(), STD.double(), augmentation=StrongAugment(hue=0),
                           pretrained=copy.deepcopy(student.backbone), **options)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY))
    before = copy.deepcopy(model.state_dict())
    result = {}
    for step, batch in enumerate(batches()):
        np.random.seed(step)
        expected = reference(*batch)
        np.random.seed(step)
        logs = model.train_step(branches(*batch), wrapper)
        model.teacher.update(model.segmentor)
        assert {key for key in logs if 'loss' in key} == set(expected)
        result[f'step {step}: kept'] = 0 if 0 < float(logs['target.kept']) < 1 else float('nan')
        result.update({f'step {step}: {key}': distance(logs[key], expected[key]) for key in expected})
    for prefix, network in (('segmentor', reference.student), ('teacher', reference.teacher)):
        for key, value in network.state_dict().items():
            name = f'{prefix}.{key}'
            now = model.state_dict()[name]
            assert not torch.equal(now, before[name]), f'{name} did not change'
            result[name] = distance(now - before[name], value - before[name])
    return result


SURE = dict(type='SureShareLabeling', threshold=0.4)
# what is given to the model, and to the reference; torchvision computes the hue in float32: see test_augment.py
DACS = (dict(augment=dict(hue=0), ema_teacher=dict(momentum=0.4, labeling=SURE)),
        dict(momentum=0.4, threshold=0.4, by_labeled=False))
DAFORMER = (dict(DACS[0], by_labeled=True, margins=dict(top=3, bottom=5),
                 terms=[dict(type='FeatureDistanceTerm', weight=0.05, classes=(1, 3))]),
            dict(DACS[1], by_labeled=True, margins=(3, 5), lambda_fd=0.05, classes=(1, 3)))
MIC = (dict(DACS[0], terms=[dict(type='MaskedConsistencyTerm', block_size=10, ratio=0.7, weight=0.8)]),
       dict(DACS[1], lambda_mic=0.8, block=10, ratio=0.7))
BOTH = (dict(DAFORMER[0], terms=[*DAFORMER[0]['terms'], *MIC[0]['terms']]), {**MIC[1], **DAFORMER[1]})
METHODS = dict(DACS=DACS, DAFormer=DAFORMER, MIC=MIC, both=BOTH)
EVAL = dict(DACS[0], teacher_norm='eval'), dict(DACS[1], running_statistics=True)


@pytest.mark.parametrize('name', METHODS)
def test_two_steps_are_those_of_the_paper(name: str, tmp_path: Path) -> None:
    ours, reference = METHODS[name]
    far = {key: value for key, value in deviations(online(tmp_path, **ours), **reference).items()
           if not value < TOLERANCE}
    assert not far


def test_a_teacher_in_eval_mode_labels_by_running_statistics(tmp_path: Path) -> None:
    found = deviations(online(tmp_path, **EVAL[0]), **EVAL[1])
    assert max(value for key, value in found.items() if not key.endswith('kept')) < TOLERANCE


@pytest.mark.parametrize(('ours', 'log'), [
    (dict(teacher_norm='eval'), 'mixture.decode.loss_ce'),
    (dict(mixing='cut_mix'), 'mixture.decode.loss_ce'),
    (dict(augment=False), 'mixture.decode.loss_ce'),
    (dict(augment=dict(jitter=0.21, hue=0)), 'mixture.decode.loss_ce'),
    (dict(margins=dict(top=3, bottom=4)), 'mixture.aux.loss_ce'),
    (dict(terms=[dict(type='FeatureDistanceTerm', weight=0.05, classes=(1, )), BOTH[0]['terms'][1]]),
     'source.loss_feature_distance'),
    (dict(terms=[BOTH[0]['terms'][0], dict(BOTH[0]['terms'][1], block_size=11)]), 'target.decode.loss_masked'),
])  # yapf: disable
def test_another_setting_is_noticed(ours: dict, log: str, tmp_path: Path) -> None:
    """The comparison above can fail: in the losses of the first step, and in the weights of both networks."""
    found = deviations(online(tmp_path, **{**BOTH[0], **ours}), **BOTH[1])
    assert found[f'step 0: {log}'] > 100 * TOLERANCE
    assert found['segmentor.backbone.conv1.weight'] > 100 * TOLERANCE
    assert found['teacher.backbone.conv1.weight'] > 100 * TOLERANCE


def test_the_next_labels_are_those_of_the_moving_average(tmp_path: Path) -> None:
    found = deviations(online(tmp_path, **DACS[0]), **dict(DACS[1], momentum=0.3))
    assert found['teacher.backbone.conv1.weight'] > 100 * TOLERANCE
    assert found['segmentor.backbone.conv1.weight'] < TOLERANCE  # the first update copies the student
