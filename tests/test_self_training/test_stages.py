"""Planning the stages of self-training."""
from typing import Any

import pytest

from udas_mmseg.self_training import plan_stages

ADAPT, STUDENT = dict(config='uda.py'), dict(config='student.py')


def plan(**settings: Any) -> list:
    return plan_stages({**dict(adapt=ADAPT, student=STUDENT), **settings})


def test_each_student_teaches_the_next_round() -> None:
    stages = plan(rounds=3)
    assert [stage.name for stage in stages] == ['00_adapt', '01_label_r1', '02_student_r1', '03_label_r2',
                                                '04_student_r2', '05_label_r3', '06_student_r3', 'export']
    assert [stage.teacher for stage in stages] == ['', '00_adapt', '00_adapt', '02_student_r1', '02_student_r1',
                                                   '04_student_r2', '04_student_r2', '06_student_r3']
    assert [stage.labels for stage in stages if stage.kind == 'student'] == ['01_label_r1', '03_label_r2',
                                                                             '05_label_r3']
    assert [stage.round for stage in stages] == [0, 1, 1, 2, 2, 3, 3, 3]


def test_translation_comes_first_and_is_read_by_every_training() -> None:
    stages = plan(rounds=1, translate=dict(config='cyclegan.py'))
    assert [stage.name for stage in stages] == ['00_translator', '01_translate', '02_adapt', '03_label_r1',
                                                '04_student_r1', 'export']
    assert stages[1].teacher == '00_translator'
    assert [stage.translations for stage in stages] == ['', '', '01_translate', '', '01_translate', '']
    assert [stage.name for stage in stages if stage.trains] == ['00_translator', '02_adapt', '04_student_r1']


def test_given_checkpoints_save_the_trainings() -> None:
    stages = plan(rounds=1, translate=dict(config='cyclegan.py', checkpoint='gan.pth'),
                  adapt=dict(config='uda.py', checkpoint='uda.pth'))
    assert [stage.name for stage in stages] == ['00_translate', '01_label_r1', '02_student_r1', 'export']
    assert stages[0].teacher == 'gan.pth'
    assert stages[1].teacher == stages[2].teacher == 'uda.pth'


def test_defaults_are_those_of_udas() -> None:
    stages = plan()
    assert len([stage for stage in stages if stage.kind == 'student']) == 2
    assert stages[1].settings['views'] == 3
    assert stages[2].settings['init'] == 'imagenet'


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(rounds=0), r'rounds=0: allowed are whole numbers from 1'),
    (dict(rounds=True), r'rounds=True'),
    (dict(adapt=None), r'self_training\.adapt is missing'),
    (dict(student=dict()), r'self_training\.student\.config is missing'),
    (dict(student=dict(config='s.py', init='resnet')), r"init='resnet': allowed are imagenet, scratch, teacher"),
    (dict(label=dict(view=3)), r'self_training\.label\.view does not exist. Allowed are views'),
    (dict(stages=3), r'self_training\.stages does not exist'),
    (dict(translate='cyclegan.py'), r"self_training\.translate='cyclegan.py': it must be a dict"),
])
def test_mistakes_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(**settings)
