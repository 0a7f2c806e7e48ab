"""Rounds of self-training in which teacher and students train online, from the translator to the exported model."""
import json
from pathlib import Path
from typing import Set

import pytest
import torch

from tiny_self_training import DATA, runner, stages, write_configs

ONLINE = f'''_base_ = './base.py'
{DATA}
model = dict(
    type='OnlineSelfTrainingSegmentor', segmentor=segmentor, predict_with='teacher',
    ema_teacher=dict(momentum=0.9, labeling=dict(type='SureShareLabeling', threshold=0.1)))
custom_hooks = [dict(type='CheckFiniteLossHook'), dict(type='EMATeacherHook')]
train_dataloader = dict(loader, dataset=dict(type='DomainPairDataset', source=source_train, target=target_train))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
'''
STUDENT = '''_base_ = './adapt.py'
train_dataloader = dict(dataset=dict(pseudo_labeled=_base_.pseudo_labeled_train))
'''


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = write_configs(tmp_path, iters=2)
    (tmp_path / 'adapt.py').write_text(ONLINE)
    (tmp_path / 'student.py').write_text(STUDENT)
    return config


def test_teacher_and_student_train_online(config: Path, tmp_path: Path) -> None:
    run = runner(config, tmp_path / 'work', translate=None, rounds=1)
    run.train()
    entries = stages(tmp_path / 'work')
    assert [entry['state'] for entry in entries.values()] == ['complete'] * 4
    adapt, _, student, export = (tmp_path / f'work/{name}' for name in entries)
    assert losses_of(adapt) == {'source', 'mixture'} and losses_of(student) == {'source', 'mixture', 'pseudo_labeled'}
    # the moving average made the labels, so the student begins with it
    first = torch.load(adapt / 'iter_2.pth', weights_only=False)['state_dict']
    begin = torch.load(student / 'teacher.pth', weights_only=True)['state_dict']
    assert all(torch.equal(value, first[f'teacher.{name}']) for name, value in begin.items()) and begin
    assert (export / 'ssl.pth').exists()


def losses_of(folder: Path) -> Set[str]:
    """The branches that a training has losses of."""
    line = json.loads(next(folder.glob('*/vis_data/*.json')).read_text().splitlines()[0])
    return {name.split('.')[0] for name in line if '.' in name and 'loss' in name}
