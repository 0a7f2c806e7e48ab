"""The folders of earlier stages in the configs of trainings."""
from pathlib import Path

import pytest

from tiny_self_training import runner
from udas_mmseg.self_training.stage_config import to_label_statically


def test_labels_or_translations_that_nobody_reads_are_a_mistake(config: Path, tmp_path: Path) -> None:
    translate = dict(_delete_=True, config=str(config.with_name('cyclegan.py')))
    others = dict(translate, options={'translate_dataloader.dataset.data_prefix.img_path': 'other'})
    with pytest.raises(ValueError, match=r'no data set in train_dataloader of .*adapt\.py has `translated_root` or '
                                         'reads the images that are translated'):
        runner(config, tmp_path, translate=others)
    with pytest.raises(ValueError, match=r'02_student_r1 should read .* no data set in train_dataloader of .*adapt\.py '
                                         r'has `pseudo_label_root`.*: None for its round in label\.per_round'):
        runner(config, tmp_path, student=dict(config=str(config.with_name('adapt.py'))))


def test_a_round_without_labels_has_no_student_that_needs_some(config: Path, tmp_path: Path) -> None:
    without = {'rounds': 2, 'label.per_round': [dict(), None]}
    with pytest.raises(ValueError, match=r'03_student_r2: round 2 has no label stage before it, but train_dataloader\.'
                                         r'dataset\.pseudo_labeled of .*student\.py reads pseudo-labels\. Set '
                                         r'self_training\.student\.per_round\[1\]\.config to a config of online'):
        runner(config, tmp_path, **without)
    online = dict(config=str(config.with_name('adapt.py')), portion=0.5)
    with pytest.raises(ValueError, match=r'portion=0\.5 is a share of pseudo-labels, but round 2 has none\. Set '
                                         r'self_training\.student\.per_round\[1\]\.portion=0\.'):
        runner(config, tmp_path, **without, **{'student.per_round': [dict(), online]})


def test_folders_of_earlier_stages_are_filled_in(config: Path, tmp_path: Path) -> None:
    """The configs do not have them: every data set with the images that are translated reads the translations."""
    translate = dict(_delete_=True, config=str(config.with_name('cyclegan.py')))
    configs = runner(config, tmp_path, translate=translate).configs
    for name in ('02_adapt', '04_student_r1'):
        source = configs[name].train_dataloader.dataset.source
        assert (source.translated_root, source.missing_translation) == (str(tmp_path / '01_translate'), 'error')
    labeled = configs['04_student_r1'].train_dataloader.dataset.pseudo_labeled
    assert labeled.pseudo_label_root == str(tmp_path / '03_label_r1') and 'translated_root' not in labeled
    assert 'translated_root' not in configs['02_adapt'].train_dataloader.dataset.target


def test_a_data_set_with_the_entry_is_the_only_one_that_reads_translations(config: Path, tmp_path: Path) -> None:
    translate = dict(_delete_=True, config=str(config.with_name('cyclegan.py')))
    mixed = {'train_dataloader.dataset.labeled_target': dict(type='GTA5Dataset', translated_root='any')}
    configs = runner(config, tmp_path, translate=translate, options=mixed).configs
    dataset = configs['02_adapt'].train_dataloader.dataset
    assert dataset.labeled_target.translated_root == str(tmp_path / '01_translate')
    assert 'translated_root' not in dataset.source


def test_shares_grow_from_round_to_round(config: Path, tmp_path: Path) -> None:
    rounds = [dict(portion=0.2, real_share=0.5, image_share=0.25), dict(portion=0.25, real_share=0.75), dict()]
    configs = runner(config, tmp_path, rounds=3, student=dict(per_round=rounds)).configs
    students = [configs[f'0{number}_student_r{round_}'] for round_, number in enumerate((2, 4, 6), 1)]
    loads = [student.train_dataloader.dataset.pseudo_labeled.pipeline[1] for student in students]
    assert [load.type for load in loads] == ['LoadPseudoLabel'] * 3
    assert [load.get('class_balanced') for load in loads] == [dict(portion=0.2), dict(portion=0.25), None]
    assert [student.model.get('branch_weights') for student in students] == [
        dict(source=1.0, pseudo_labeled=1.0), dict(source=0.5, pseudo_labeled=1.5), None]
    images = [student.train_dataloader.dataset.pseudo_labeled for student in students]
    assert [dataset.get('image_share') for dataset in images] == [0.25, None, None]
    assert to_label_statically(students[0]) == to_label_statically(students[2]), 'the same images are labelled'


@pytest.mark.parametrize('settings, message', [
    (dict(portion=1.5), r'student\.portion=1\.5: allowed are shares from 0'),
    (dict(image_share=-1), r'student\.image_share=-1: allowed are shares from 0'),
    (dict(real_share=[0.5, 0.7]), r'student\.real_share=\[0\.5, 0\.7\]: .*give per_round a dict for each round'),
])  # yapf: disable
def test_shares_that_are_not_allowed(config: Path, tmp_path: Path, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runner(config, tmp_path, student=settings)


def test_a_share_that_a_student_cannot_have_is_refused(config: Path, tmp_path: Path) -> None:
    plain = {'model': dict(_delete_=True, type='EncoderDecoder')}
    with pytest.raises(ValueError, match=r'real_share=0\.5 needs a model that is derived from BranchSegmentor'):
        runner(config, tmp_path, student=dict(real_share=0.5, options=plain))
    with pytest.raises(ValueError, match=r'portion=0\.2, but .*student\.py reads its labels without LoadPseudoLabel'):
        pipeline = {'train_dataloader.dataset.pseudo_labeled.pipeline': [dict(type='LoadVerifiedImage')]}
        runner(config, tmp_path, student=dict(portion=0.2, options=pipeline))
    run = runner(config, tmp_path, student=dict(image_share=0.5))
    student = next(stage for stage in run.context.stages if stage.kind == 'student')
    with pytest.raises(ValueError, match=r'02_student_r1 uses the share image_share=0\.5 .* they get no scores'):
        student.check(run.context)
