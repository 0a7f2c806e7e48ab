"""Self-training: stages in one process."""
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from mmengine.config import Config
from mmseg.apis import init_model
from mmseg.registry import MODELS

from killed_runs import weights
from tiny_self_training import runner, stages
from udas_mmseg.engine.launch import load_config
from udas_mmseg.pseudo_labels.quality import CollapsedPseudoLabels
from udas_mmseg.run_report.evidence import collect_evidence
from udas_mmseg.self_training import STAGE_KINDS, RunContext, SelfTrainingRunner, Stage, WorkDirError
from udas_mmseg.self_training.manifest import ladder
from udas_mmseg.self_training.run_record import read_self_training


def test_each_stage_is_noted_with_what_it_took_and_gave(finished: Path) -> None:
    found = stages(finished)
    assert list(found) == ['00_adapt', '01_label_r1', '02_student_r1', 'export']
    assert all(entry['state'] == 'complete' and entry['attempts'] == 1 for entry in found.values())
    assert found['01_label_r1']['inputs']['teacher'] == found['00_adapt']['sha256']
    assert found['02_student_r1']['inputs']['labels'] == found['01_label_r1']['index_sha256']
    assert found['export']['inputs']['student'] == found['02_student_r1']['sha256']
    assert [(entry['kind'], entry['round']) for entry in found.values()] == [('adapt', 0), ('label', 1), ('student', 1),
                                                                             ('export', 0)]
    assert [entry['links'] for entry in found.values()] == [
        {}, {'teacher': '00_adapt'}, {'teacher': '00_adapt', 'labels': '01_label_r1'}, {'student': '02_student_r1'}]
    assert 0 <= found['02_student_r1']['metrics']['mIoU'] <= 100
    student = found['02_student_r1']
    assert 'test' not in found['00_adapt'], 'it is tested on its validation images'
    assert {name: student['test'][name] for name in student['metrics']} == pytest.approx(student['metrics'])
    assert student['test']['mIoU/mean'] >= student['test']['mIoU/worst']
    assert 'test images: mIoU' in ladder(found) and 'worst group' in ladder(found)
    labels = found['01_label_r1']
    assert 'pixels kept, mIoU' in labels['summary']
    assert 0 <= labels['quality']['mIoU_kept'] <= 1 and labels['coverage'] > 0
    assert Path(labels['report']).read_text().startswith('<!DOCTYPE html>')
    assert len(labels['quality']['groups']) > 1, 'the cities of the scenes'
    report = json.loads(Path(labels['report']).with_name('report.json').read_text())
    assert sum(figures['source_share'] for figures in report['sets'][0]['classes'].values()) == pytest.approx(1)
    index = json.loads((finished / '01_label_r1/index.json').read_text())
    assert (index['num_images'], index['views']) == (4, 2)
    assert index['teacher']['sha256'] == found['00_adapt']['sha256']


def test_the_student_is_exported_with_a_picture(finished: Path) -> None:
    entry = stages(finished)['export']
    model = init_model(entry['exported_config'], entry['checkpoint'], device='cpu')
    assert type(model).__name__ == 'EncoderDecoder'
    assert (finished / 'export/predictions.png').stat().st_size > 1000


def test_a_finished_run_does_nothing_and_more_rounds_go_on(config: Path, tmp_path: Path,
                                                           capsys: pytest.CaptureFixture) -> None:
    runner(config, tmp_path).train()
    before = stages(tmp_path)
    assert 'All stages were complete' not in capsys.readouterr().out
    runner(config, tmp_path).train()
    assert stages(tmp_path) == before
    said = capsys.readouterr().out
    assert '| 02_student_r1 | complete |' in said and 'All stages were complete already, so none was run.' in said
    runner(config, tmp_path, rounds=2, **{'label.min_change': 1.1, 'label.batch_size': 1}).train()
    after = stages(tmp_path)
    assert after['02_student_r1'] == before['02_student_r1']
    # all that the second round changed is less than 1.1 of the pixels: no second student
    assert 0 < after['03_label_r2']['change'] <= 1
    assert after['03_label_r2']['inputs']['teacher'] == after['02_student_r1']['sha256']
    assert '04_student_r2' not in after
    assert after['export']['inputs']['student'] == after['02_student_r1']['sha256']
    # without that limit there is one, and it is exported
    runner(config, tmp_path, rounds=2).train()
    assert stages(tmp_path)['export']['inputs']['student'] == stages(tmp_path)['04_student_r2']['sha256']


class Archive(Stage):
    """A stage after the rounds whose files are kept."""
    takes = ('student',)
    what = 'keeps the path of the student'

    def run(self, context: RunContext) -> Dict[str, Any]:
        return dict(student=context.checkpoint_of(self, 'student'))


def test_a_stage_after_the_rounds_is_not_made_of_other_rounds(config: Path, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGE_KINDS.module_dict, 'archive', Archive)
    options = {'rounds': 2, 'stages.after': ['archive'], 'export': None}
    runner(config, tmp_path, **options, **{'label.min_change': 1.1}).train()
    before = stages(tmp_path)
    assert before['archive']['links'] == {'student': '04_student_r2'}
    assert before['archive']['student'] == before['02_student_r1']['checkpoint'], 'the rounds ended early'
    runner(config, tmp_path, **options, **{'label.min_change': 1.1}).train()
    assert stages(tmp_path) == before
    with pytest.raises(WorkDirError, match=r'archive was started with other models .* Delete its entry'):
        runner(config, tmp_path, **options).train()


def test_the_directory_may_be_named_in_another_way(config: Path, finished: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    before = stages(finished)
    monkeypatch.chdir(finished.parent)
    runner(config, Path(finished.name)).train()
    after = stages(finished)
    assert all(after[name] == before[name] for name in ('00_adapt', '01_label_r1', '02_student_r1'))


def test_another_config_is_refused(config: Path, finished: Path) -> None:
    other = runner(config, finished, **{'adapt.options': {'optim_wrapper.segmentor.optimizer.lr': 1.0}})
    with pytest.raises(WorkDirError, match=r'00_adapt was started with another config'):
        other.train()
    with pytest.raises(WorkDirError, match=r'01_label_r1 was started with another config'):
        runner(config, finished, **{'label.views': 3}).train()


def test_initial_weights_that_do_not_fit_stop_the_run_at_the_start(config: Path, tmp_path: Path) -> None:
    torch.save(dict(state_dict=dict(a=torch.zeros(1))), tmp_path / 'other.pth')
    options = {'adapt.options': {'load_from': str(tmp_path / 'other.pth')}}
    with pytest.raises(ValueError, match=r'load_from=.*other.pth.*Nothing of it would be loaded'):
        runner(config, tmp_path / 'run', **options).prepare()
    with pytest.raises(ValueError, match=r"checkpoint='.*other.pth': the checkpoint does not match the config"):
        runner(config, tmp_path / 'run', **{'adapt.checkpoint': str(tmp_path / 'other.pth')}).prepare()
    allowed = runner(config, tmp_path / 'run', **options)
    allowed.context.allow_partial = True
    assert any('other.pth' in line and 'missing' in line for line in allowed.prepare())


def test_collapsed_labels_stop_the_run_and_can_be_allowed(config: Path, finished: Path, tmp_path: Path) -> None:
    given = {'adapt.checkpoint': stages(finished)['00_adapt']['checkpoint']}
    with pytest.raises(CollapsedPseudoLabels) as error:
        runner(config, tmp_path, **given, **{'label.min_coverage': 1.1}).train()
    assert '| class | of all pixels |' in str(error.value)
    assert f'The last good model is kept: {given["adapt.checkpoint"]}' in str(error.value)
    assert stages(tmp_path)['00_label_r1']['state'] == 'running'
    runner(config, tmp_path, **given).train()
    # from a checkpoint, the labels and the student are those of the run that trained it
    first, second = (weights(entry['checkpoint']) for entry in (stages(tmp_path)['01_student_r1'],
                                                                stages(finished)['02_student_r1']))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_student_may_begin_with_the_teachers_weights(config: Path, finished: Path, tmp_path: Path) -> None:
    teacher = stages(finished)['00_adapt']['checkpoint']
    options = {'adapt.checkpoint': teacher, 'student.init': 'teacher', 'student.options': {
        'optim_wrapper.optimizer.lr': 0.0, 'train_cfg.max_iters': 1}}
    runner(config, tmp_path, **options).train()
    first, second = weights(teacher), weights(stages(tmp_path)['01_student_r1']['checkpoint'])
    names = [name for name in second if name.endswith('weight')]
    assert names
    assert all(torch.equal(first[name], second[name]) for name in names)


def test_configs_of_the_stages(config: Path, tmp_path: Path) -> None:
    options = {'options': {'train_cfg.max_iters': 7}, 'student.options': {'train_cfg.max_iters': 9},
               'student.init': 'scratch'}
    configs = runner(config, tmp_path, **options).configs
    assert configs['00_adapt'].train_cfg.max_iters == 7
    student = configs['02_student_r1']
    assert student.train_cfg.max_iters == 9
    assert student.train_dataloader.dataset.pseudo_labeled.pseudo_label_root == str(tmp_path / '01_label_r1')
    assert (configs['00_adapt'].randomness.seed, student.randomness.seed) == (0, 1000)


def test_settings_of_a_round_do_not_touch_the_others(config: Path, finished: Path, tmp_path: Path) -> None:
    one = runner(config, finished)
    more = runner(config, finished, **{
        'rounds': 3, 'label.per_round': [{}, dict(views=3)], 'student.per_round': [
            dict(init='teacher'), dict(init='scratch', options={'train_cfg.max_iters': 9}), {}]})
    before, after = ([context.digest(stage) for stage in context.stages] for context in (one.context, more.context))
    assert after[:3] == before[:3], 'the first round is the one that was run, and the number of rounds may be increased'
    students = [more.configs[stage.name] for stage in more.stages if stage.kind == 'student']
    assert [student.train_cfg.max_iters for student in students] == [2, 9, 2]
    with pytest.raises(WorkDirError, match=r'another run: 01_label_r1 was started'):
        runner(config, finished, **{'label.per_round': [dict(views=3)]}).train()


def test_labels_that_no_training_takes_are_a_mistake(config: Path, tmp_path: Path) -> None:
    alone = runner(config, tmp_path, **{'student': None, 'export': None, 'stages.each_round': ['label'],
                                         'stages.after': []})
    with pytest.raises(ValueError, match=r'no training takes the labels of 01_label_r1.*self_training\.stages'):
        alone.check()


def test_scratch_drops_pretrained_weights(config: Path, tmp_path: Path) -> None:
    pretrained = {'student.options': {'model.segmentor.backbone.init_cfg': dict(type='Pretrained', checkpoint='x.pth')}}
    for init, expected in (('imagenet', 'x.pth'), ('scratch', None)):
        backbone = runner(config, tmp_path, **pretrained, **{'student.init': init}).configs['02_student_r1'].model
        found = (backbone.segmentor.backbone.get('init_cfg') or {}).get('checkpoint')
        assert found == expected


def test_missing_data_are_named_before_anything_runs(config: Path, tmp_path: Path) -> None:
    moved = {'options': {'train_dataloader.dataset.source.data_root': str(tmp_path / 'nowhere')}}
    with pytest.raises(ValueError, match=r'do not fit the data:\n.*nowhere/images'):
        runner(config, tmp_path / 'run', **moved).check()
    with pytest.raises(ValueError, match=r"label\.truth='nobody' is not an entry of .*student\.py"):
        runner(config, tmp_path / 'run', **{'label.truth': 'nobody'}).check()
    with pytest.raises(ValueError, match=r"checkpoint='gone\.pth' does not exist"):
        runner(config, tmp_path / 'run', **{'adapt.checkpoint': 'gone.pth'}).check()
    with pytest.raises(ValueError, match=r'views=0'):
        runner(config, tmp_path / 'run', **{'label.views': 0}).check()
    assert not (tmp_path / 'run').exists()


def test_a_teacher_that_was_replaced_or_deleted_is_noticed(config: Path, tmp_path: Path) -> None:
    first = runner(config, tmp_path, **{'label.min_coverage': 1.1})
    with pytest.raises(CollapsedPseudoLabels):
        first.train()
    checkpoint = Path(stages(tmp_path)['00_adapt']['checkpoint'])
    checkpoint.write_bytes(checkpoint.read_bytes() + b'more')
    with pytest.raises(ValueError, match=r"the teacher's checkpoint .*iter_2\.pth has been changed since 00_adapt"):
        first.train()
    checkpoint.unlink()
    with pytest.raises(FileNotFoundError, match=r'delete the entries of 00_adapt and of all later stages'):
        first.train()


def test_settings_without_effect_may_change(config: Path, finished: Path) -> None:
    before = stages(finished)
    more = {'options': {'train_dataloader.num_workers': 2, 'default_hooks.logger.interval': 5}}
    runner(config, finished, **more).train()
    assert stages(finished)['02_student_r1'] == before['02_student_r1']


def test_labels_of_other_images_or_another_teacher_are_another_run(config: Path, finished: Path) -> None:
    first = runner(config, finished)
    label = first.stages[1]
    student = {'student.options': {'train_dataloader.dataset.pseudo_labeled.data_prefix.img_path': 'leftImg8bit/val'}}
    assert runner(config, finished, **student).context.digest(label) != first.context.digest(label)
    digests = set()
    for stage in ('00_adapt', '02_student_r1'):
        given = runner(config, finished, **{'adapt.checkpoint': stages(finished)[stage]['checkpoint']})
        digests.add(given.context.digest(given.stages[0]))
    other = runner(config, finished, **{'adapt.checkpoint': stages(finished)['00_adapt']['checkpoint'],
                                        'adapt.options': {'model.segmentor.test_cfg.mode': 'slide'}})
    assert len({*digests, other.context.digest(other.stages[0])}) == 3


def test_options_of_the_translator_hold_for_translating(config: Path, tmp_path: Path) -> None:
    cyclegan = dict(_delete_=True, config=str(config.with_name('cyclegan.py')),
                    options={'model.generator.base_channels': 8})
    configs = runner(config, tmp_path, translate=cyclegan).configs
    assert configs['00_translator'].model == configs['01_translate'].model
    assert configs['01_translate'].model.generator.base_channels == 8


def test_settings_of_a_training_are_no_settings_of_the_run(config: Path, tmp_path: Path) -> None:
    cfg = load_config(str(config), str(tmp_path), {'train_cfg.max_iters': 3})
    with pytest.raises(ValueError, match=r'train_cfg would have no effect .* self_training\.options'):
        SelfTrainingRunner.from_cfg(cfg)


def test_config_without_stages_is_a_mistake() -> None:
    alone = dict(adapt=dict(config='a.py', checkpoint='a.pth'), stages=dict(each_round=(), after=()))
    with pytest.raises(ValueError, match='self_training has no stage to run'):
        SelfTrainingRunner('work_dir', alone)
    with pytest.raises(ValueError, match=r'no `self_training`'):
        SelfTrainingRunner.from_cfg(Config(dict(runner_type='SelfTrainingRunner', work_dir='x')))


def test_teacher_of_other_classes(config: Path, finished: Path, tmp_path: Path) -> None:
    student = config.with_name('other_classes.py')
    text = config.with_name('student.py').read_text()
    student.write_text(text.replace("metainfo='CityscapesDataset'", "metainfo=dict(classes=('a', 'b'))"))
    options = {'adapt.checkpoint': stages(finished)['00_adapt']['checkpoint'], 'student.config': str(student)}
    with pytest.raises(ValueError, match=r'num_classes=19'):
        runner(config, tmp_path, **options).train()


def test_model_of_a_stage_can_be_built_from_its_config_file(finished: Path) -> None:
    cfg = Config.fromfile(str(finished / '02_student_r1/config.py'))
    assert type(MODELS.build(cfg.model)).__name__ == 'StudentTeacherSegmentor'


def test_the_report_has_the_predictions_of_each_model(config: Path, finished: Path) -> None:
    before = stages(finished)
    runner(config, finished, **{'stages.after': ['export', 'report'], 'report.images': 2, 'report.shown': 1}).train()
    entry = stages(finished)['report']
    assert {name: found for name, found in stages(finished).items() if name != 'report'} == before
    page = Path(entry['page']).read_text()
    assert entry['links'] == dict(teacher='02_student_r1', student='02_student_r1') and 'class="images"' in page
    found = json.loads(Path(entry['page']).with_name('report.json').read_text())
    assert [row['name'] for row in found['ladder']] == ['adapted', 'round 1'] and 'report' not in found['runs'][0]
    counts = found['confusion']['models']['round 1']
    assert (found['confusion']['images'], len(counts)) == (2, 19) and sum(map(sum, counts)) > 1000
    shown = json.loads(page.split('<script type="application/json">')[1].split('</script>')[0])
    assert shown['models'] == ['adapted', 'round 1'] and len(shown['images']) == 1
    assert all({*image['predictions']} == {'adapted', 'round 1'} and image['truth'] for image in shown['images'])
    adapted, _ = read_self_training(str(finished)).models
    evidence = collect_evidence({'gone': replace(adapted, checkpoint='gone.pth')}, 1, 1)
    assert evidence.problems == ['gone predicts no images: checkpoint gone.pth does not exist.']
