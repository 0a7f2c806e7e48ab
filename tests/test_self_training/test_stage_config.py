"""The folders of earlier stages in the configs of trainings."""
from pathlib import Path

import pytest

from tiny_self_training import runner


def test_labels_or_translations_that_nobody_reads_are_a_mistake(config: Path, tmp_path: Path) -> None:
    translate = dict(_delete_=True, config=str(config.with_name('cyclegan.py')))
    others = dict(translate, options={'translate_dataloader.dataset.data_prefix.img_path': 'other'})
    with pytest.raises(ValueError, match=r'no data set in train_dataloader of .*adapt\.py has `translated_root` or '
                                         'reads the images that are translated'):
        runner(config, tmp_path, translate=others)
    with pytest.raises(ValueError, match=r'no data set in train_dataloader of .*adapt\.py has `pseudo_label_root`'):
        runner(config, tmp_path, student=dict(config=str(config.with_name('adapt.py'))))


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
