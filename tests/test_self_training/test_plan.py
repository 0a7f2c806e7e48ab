"""Planning the stages of self-training."""
from typing import Any

import pytest

from udas_mmseg.self_training import plan_stages
from udas_mmseg.self_training.plan import plan_table

ADAPT, STUDENT = dict(config='uda.py'), dict(config='student.py')


def plan(**settings: Any) -> list:
    return plan_stages({**dict(adapt=ADAPT, student=STUDENT, keep='last'), **settings})


def linked(stages: list, role: str) -> list:
    return [stage.links.get(role, '') for stage in stages]


def test_each_student_teaches_the_next_round() -> None:
    stages = plan(rounds=3)
    assert [stage.name for stage in stages] == ['00_adapt', '01_label_r1', '02_student_r1', '03_label_r2',
                                                '04_student_r2', '05_label_r3', '06_student_r3', 'export', 'report']
    assert linked(stages, 'teacher') == ['', '00_adapt', '00_adapt', '02_student_r1', '02_student_r1',
                                         '04_student_r2', '04_student_r2', '', '06_student_r3']
    assert stages[-2].links == {'student': '06_student_r3'}
    assert linked(stages, 'labels') == ['', '', '01_label_r1', '', '03_label_r2', '', '05_label_r3', '', '']
    assert [stage.round for stage in stages] == [0, 1, 1, 2, 2, 3, 3, 0, 0]


def test_translation_comes_first_and_is_read_by_every_training() -> None:
    stages = plan(rounds=1, translate=dict(config='cyclegan.py'))
    assert [stage.name for stage in stages] == ['00_translator', '01_translate', '02_adapt', '03_label_r1',
                                                '04_student_r1', 'export', 'report']
    assert stages[1].links == {'translator': '00_translator'}
    assert linked(stages, 'translations') == ['', '', '01_translate', '', '01_translate', '', '']
    assert [stage.name for stage in stages if stage.trains] == ['00_translator', '02_adapt', '04_student_r1']


def test_the_table_names_what_each_stage_takes_or_reads() -> None:
    rows = plan_table(plan(rounds=1, translate=dict(config='cyclegan.py')), {'00_translator': 9}).splitlines()[2:]
    assert rows[0] == '| 00_translator | trains the translator of cyclegan.py | 9 | source and target images |'
    assert rows[1].endswith('| - | 00_translator |') and rows[2].endswith('| - | 01_translate |')
    assert plan_table(plan(), {}).splitlines()[2] == '| 00_adapt | trains uda.py | - | data of its config |'


def test_given_checkpoints_save_the_trainings() -> None:
    stages = plan(rounds=1, translate=dict(config='cyclegan.py', checkpoint='gan.pth'),
                  adapt=dict(config='uda.py', checkpoint='uda.pth'))
    assert [stage.name for stage in stages] == ['00_translate', '01_label_r1', '02_student_r1', 'export',
                                                'report']
    assert stages[0].links['translator'] == 'gan.pth'
    assert linked(stages, 'teacher') == ['', 'uda.pth', 'uda.pth', '', '02_student_r1']
    assert stages[1].given['teacher'].config == 'uda.py'


def test_adaptation_begins_with_the_warm_up() -> None:
    stages = plan(rounds=1, translate=dict(config='cyclegan.py'), warm_up=dict(config='translated.py'))
    assert [stage.name for stage in stages][1:5] == ['01_translate', '02_warm_up', '03_adapt', '04_label_r1']
    assert stages[2].links == {'translations': '01_translate'} and stages[2].segmentor == 'translated'
    assert linked(stages, 'initial_weights') == ['', '', '', '02_warm_up', '', '', '', '']
    given = plan(rounds=1, warm_up=dict(config='translated.py', checkpoint='translated.pth'))
    assert given[0].kind == 'adapt' and given[0].links == {'initial_weights': 'translated.pth'}


def test_the_source_alone_changes_nothing_else() -> None:
    without, found = plan(), plan(source_only=dict(config='source_only.py'))
    assert [stage.name for stage in found] == ['source_only', *(stage.name for stage in without)]
    assert [stage.links for stage in found[1:-1]] == [stage.links for stage in without[:-1]]
    assert found[-1].links == {**without[-1].links, 'baseline': 'source_only'} and not found[0].links


def test_defaults_are_those_of_udas() -> None:
    stages = plan()
    assert len([stage for stage in stages if stage.kind == 'student']) == 2
    assert stages[1].settings['views'] == 3
    assert stages[2].settings['init'] == 'imagenet'


def test_a_round_may_have_settings_that_are_laid_over_the_others() -> None:
    label = dict(views=2, per_round=[dict(min_coverage=0.1), dict(views=4, min_coverage=0.2)])
    student = dict(STUDENT, options={'train_cfg.max_iters': 5}, per_round=[
        dict(init='teacher'), dict(options={'optim_wrapper.optimizer.lr': 0.1})])
    stages = plan(rounds=3, label=label, student=student)
    labels, students = ([stage for stage in stages if stage.kind == kind] for kind in ('label', 'student'))
    assert [(stage.settings['views'], stage.settings['min_coverage']) for stage in labels] == [
        (2, 0.1), (4, 0.2), (4, 0.2)], 'later rounds use the last entry'
    assert [stage.settings['init'] for stage in students] == ['teacher', 'imagenet', 'imagenet']
    first = {'train_cfg.max_iters': 5}
    assert [stage.options for stage in students] == [(first,), *[(first, {'optim_wrapper.optimizer.lr': 0.1})] * 2]
    assert 'per_round' not in students[0].settings


def test_a_round_may_have_no_labels() -> None:
    stages = plan(rounds=3, keep='best', label=dict(per_round=[dict(views=2), None]))
    assert [stage.name for stage in stages] == ['00_adapt', '01_label_r1', '02_student_r1', '03_select_r1',
                                                '04_student_r2', '05_select_r2', '06_student_r3', '07_select_r3',
                                                'export', 'report'], 'later rounds use the last entry'
    assert linked(stages, 'labels') == ['', '', '01_label_r1', *[''] * 7]
    assert linked(stages, 'teacher')[4:7:2] == ['03_select_r1', '05_select_r2']
    stages = plan(rounds=2, label=dict(per_round=[None, dict()]))
    assert [stage.name for stage in stages][1:4] == ['01_student_r1', '02_label_r2', '03_student_r2']
    assert linked(stages, 'labels')[1:4] == ['', '', '02_label_r2'] and linked(stages, 'teacher')[2] == '01_student_r1'


def test_kinds_of_stages_may_be_left_out_and_ordered() -> None:
    stages = plan(rounds=1, stages=dict(before=('adapt',), after=()), translate=None)
    assert [stage.name for stage in stages] == ['00_adapt', '01_label_r1', '02_student_r1']


def test_none_brings_a_default_back() -> None:
    none = dict(label=dict(views=None, per_round=[dict(views=2), dict(views=None)]),
                student=dict(STUDENT, options=None))
    stages = plan(rounds=2, **none)
    assert [stage.settings['views'] for stage in stages if stage.kind == 'label'] == [2, 3]
    assert all(stage.options == () for stage in stages)


def test_each_round_ends_with_a_comparison_by_default() -> None:
    stages = plan(rounds=2, keep=None)
    assert [stage.name for stage in stages] == ['00_adapt', '01_label_r1', '02_student_r1', '03_select_r1',
                                                '04_label_r2', '05_student_r2', '06_select_r2', 'export', 'report']
    assert linked(stages, 'teacher') == ['', '00_adapt', '00_adapt', '', '03_select_r1', '03_select_r1', '', '',
                                         '06_select_r2']
    assert linked(stages, 'student') == ['', '', '', '02_student_r1', '', '', '05_student_r2', '06_select_r2',
                                         '06_select_r2']
    named = plan(rounds=1, keep='best', stages=dict(each_round=('label', 'student', 'select'), after=()))
    assert [stage.kind for stage in named] == ['adapt', 'label', 'student', 'select']
    alone = plan(keep='best', stages=dict(each_round=('label',), after=()), student=None)
    assert 'select' not in [stage.kind for stage in alone], 'there is no student to compare'
    assert [stage.name for stage in plan(select=dict(by='label_free'))] == [stage.name for stage in plan()]


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(keep='all'), r"self_training\.keep='all': allowed are best, last"),
    (dict(stages=dict(each_round=('label', 'student', 'select'))), r"names select.*but keep='last'"),
    (dict(keep='best', select=dict(by='val')), r"select\.by='val': allowed are auto, validation, label_free"),
    (dict(keep='best', select=dict(tolerance=-1)), r'select\.tolerance=-1: allowed are numbers from 0'),
    (dict(keep='best', select=dict(source_images=1)), r'select: images=1 of hold_out: allowed are whole numbers'),
    (dict(keep='best', select=dict(styles=('raw', 'foggy'))), r'select: styles=.*must be a list of raw, translated'),
    (dict(rounds=0), r'rounds=0: allowed are whole numbers from 1'),
    (dict(rounds=True), r'rounds=True'),
    (dict(adapt=None), r'self_training\.adapt is missing'),
    (dict(student=dict()), r'self_training\.student\.config is missing'),
    (dict(student=dict(config='s.py', init='resnet')), r"init='resnet': allowed are imagenet, scratch, teacher"),
    (dict(label=dict(view=3)), r'self_training\.label\.view does not exist. Allowed are views'),
    (dict(stages=3), r'self_training\.stages=3: it must be a dict. Its entries are before, each_round, after'),
    (dict(stages=dict(after='export')), r"stages\.after='export': it must be a list of names"),
    (dict(stages=dict(each_round=('lable',))), r"no kind of stage 'lable'. Allowed are active_student, adapt"),
    (dict(stages=dict(each_round=('label', 'json', 'student'))), r"no kind of stage 'json'"),  # a module's name
    (dict(stages=dict(after=None)), r'stages\.after=None: it must be a list of names'),
    (dict(stages=dict(after=('export', 'export'))), r'a kind may be named once'),
    (dict(stages=dict(before=()), adapt=None), r'label takes teacher, but no earlier stage gives it in round 1\. Add'),
    (dict(student=dict(STUDENT, per_round=[dict(), None])), r'student\.per_round\[1\]=None: it must be a dict'),
    (dict(stages=dict(before=('adapt',)), translate=dict(config='c.py')), r'self_training\.translate has no effect'),
    (dict(adapt=dict(ADAPT, per_round=[])), r'self_training\.adapt\.per_round does not exist'),
    (dict(label=dict(per_round=3)), r'self_training\.label\.per_round=3: it must be a list with a dict for each round'),
    (dict(label=dict(per_round=[dict(view=3)])), r'self_training\.label\.per_round\[0\]\.view does not exist'),
    (dict(student=dict(STUDENT, per_round=[dict(init='x')])), r"student\.init='x': allowed are imagenet"),
    (dict(translate='cyclegan.py'), r"self_training\.translate='cyclegan.py': it must be a dict"),
])
def test_mistakes_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(**settings)
