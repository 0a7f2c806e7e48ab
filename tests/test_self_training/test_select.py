"""Self-training that keeps the better one of student and teacher."""
import json
from pathlib import Path
from typing import Any, Dict, NamedTuple

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from tiny_self_training import runner, stages, write_configs
from udas_mmseg.self_training import STAGE_KINDS, RunContext, SelfTrainingRunner, Stage
from udas_mmseg.self_training.manifest import ladder, trained_segmentors

CAR = 13


class Spoil(Stage):
    """Labels half of the images with a single class, with full confidence."""
    takes = ('labels',)
    what = 'spoils half of the labels'

    def run(self, context: RunContext) -> Dict[str, Any]:
        for path in sorted(Path(context.folder_of(self, 'labels')).rglob('*_confidence.png'))[::2]:
            shape = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape
            cv2.imwrite(str(path), np.full(shape, 255, np.uint8))
            cv2.imwrite(str(path).replace('_confidence', ''), np.full(shape, CAR, np.uint8))
        return {}


class Trained(NamedTuple):
    """The config of runs without translation, and a teacher that has learned something."""
    config: Path
    teacher: str


def without_translation(config: Path) -> Path:
    text = config.read_text().replace("translate=dict(config='{{fileDirname}}/cyclegan.py')", 'translate=None')
    config.write_text(text)
    for name in ('adapt', 'student'):
        file = config.with_name(f'{name}.py')
        file.write_text(file.read_text().replace(" translated_root='',", ''))
    return config


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp('select')
    config = without_translation(write_configs(folder, iters=60, train=10, save_every=60))
    adapt = runner(config, folder / 'adapt', **{'stages.each_round': [], 'stages.after': [], 'label': None,
                                                'student': None, 'export': None})
    adapt.train()
    return Trained(config, stages(folder / 'adapt')['00_adapt']['checkpoint'])


@pytest.fixture(autouse=True)
def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGE_KINDS.module_dict, 'spoil', Spoil)


def spoiled(trained: Trained, work_dir: Path, **options: Any) -> SelfTrainingRunner:
    """A run whose rounds spoil their students, which learn little else."""
    return runner(trained.config, work_dir, **{
        'adapt.checkpoint': trained.teacher, 'stages.each_round': ['label', 'spoil', 'student'], 'keep': 'best',
        'student.options': {'model.pseudo_weight': 10.0, 'train_cfg.max_iters': 20}, **options})


@pytest.mark.parametrize('by', ['label_free', 'validation'])
def test_a_spoiled_student_is_noticed_and_the_teacher_exported(by: str, trained: Trained, tmp_path: Path,
                                                               capsys: pytest.CaptureFixture) -> None:
    spoiled(trained, tmp_path, **{'select.by': by}).train()
    said, found = capsys.readouterr().out, stages(tmp_path)
    assert list(found) == ['00_label_r1', '01_spoil_r1', '02_student_r1', '03_select_r1', 'export'], 'no second round'
    entry = found['03_select_r1']
    assert (entry['kept'], entry['by'], entry['trained_by']) == ('teacher', by, trained.teacher)
    assert entry['checkpoint'] == trained.teacher and entry['sha256'] == entry['inputs']['teacher']
    assert Path(entry['config']).name == 'adapt.py'
    assert entry['scores']['student']['mIoU'] < entry['scores']['teacher']['mIoU']
    assert entry['reasons'] and all(f'- {reason}' in said for reason in entry['reasons'])
    assert f'03_select_r1: the student (02_student_r1) is WORSE than its teacher ({trained.teacher}), which is' in said
    assert f'| 03_select_r1 | complete | {entry["seconds"] / 60:.1f} | kept: teacher; mIoU ' in ladder(found)
    assert '04_label_r2 is left out: 03_select_r1 kept the teacher, and another round would repeat' in said
    assert found['export']['inputs']['student'] == entry['inputs']['teacher']
    assert [*trained_segmentors(str(tmp_path))] == ['round 1'], 'the student is still scored'
    held_out = 2 if by == 'label_free' else 0
    assert json.loads((tmp_path / '00_label_r1/index.json').read_text())['num_images'] == 10 - held_out
    before = stages(tmp_path)
    spoiled(trained, tmp_path, **{'select.by': by}).train()
    assert stages(tmp_path) == before
    if by == 'label_free':
        assert len(entry['scores']['teacher']['styles']) == 6 and 0 < entry['target']['agreement'] < 1
        assert any(line.startswith('the share of car in the predictions more than') for line in entry['warnings'])


def test_the_last_student_is_exported_if_it_is_asked_for(trained: Trained, tmp_path: Path) -> None:
    spoiled(trained, tmp_path, keep='last', rounds=1).train()
    found = stages(tmp_path)
    assert list(found) == ['00_label_r1', '01_spoil_r1', '02_student_r1', 'export']
    assert found['export']['inputs']['student'] == found['02_student_r1']['sha256']
    assert json.loads((tmp_path / '00_label_r1/index.json').read_text())['num_images'] == 10


def test_the_next_round_goes_on_from_the_kept_teacher(trained: Trained, tmp_path: Path) -> None:
    """It labels again, because the settings of the next round are others."""
    run = spoiled(trained, tmp_path, **{
        'stages.each_round': ['label', 'student'], 'student.per_round': [{}, dict(init='scratch')],
        'student.options': {'train_cfg.max_iters': 1}, 'select.by': 'validation', 'select.tolerance': 0})
    first = run.configs['01_student_r1']
    first.optim_wrapper.optimizer.lr = 100.0  # it is at its worst
    first.custom_hooks = []  # which would stop it
    run.train()
    found = stages(tmp_path)
    assert found['02_select_r1']['kept'] == 'teacher' and found['02_select_r1']['checkpoint'] == trained.teacher
    assert found['03_label_r2']['inputs']['teacher'] == found['02_select_r1']['sha256']
    assert found['05_select_r2']['inputs']['teacher'] == found['02_select_r1']['sha256']
    assert found['export']['inputs']['student'] == found['05_select_r2']['sha256']
    assert run.context.config_of(run.stages[3], 'teacher').model.type == 'AdversarialSegmentor'


def hold_outs(cfg: Config) -> Dict[str, Any]:
    branches = cfg.train_dataloader.dataset
    return {name: branches[name].get('hold_out') for name in ('source', 'target', 'pseudo_labeled') if name in branches}


def test_held_out_images_are_in_no_training_with_labels(trained: Trained, tmp_path: Path) -> None:
    run = runner(trained.config, tmp_path, keep='best', **{'select.by': 'label_free', 'select.target_images': 3})
    source, target = dict(images=64, blocks=4), dict(images=3, blocks=4)
    assert hold_outs(run.configs['00_adapt']) == dict(source=source, target=None)
    assert hold_outs(run.configs['02_student_r1']) == dict(source=source, pseudo_labeled=target)
    lines = '\n'.join(run.check())
    assert '03_select_r1: compares by 2 source and 2 target images, in blocks, that are held out' in lines
    assert '00_adapt: train_dataloader.dataset.source: GTA5Dataset, 8 labelled images' in lines
    given = '\n'.join(runner(trained.config, tmp_path, keep='best', **{
        'select.by': 'label_free', 'adapt.checkpoint': trained.teacher}).check())
    assert f'02_select_r1: {trained.teacher} may have been trained on the held-out source images' in given
    for options in (dict(keep='last'), {'keep': 'best'}, {'keep': 'best', 'select.by': 'validation'}):
        other = runner(trained.config, tmp_path, **options)
        assert not any(any(hold_outs(cfg).values()) for cfg in other.configs.values())


@pytest.mark.parametrize('labels', [[{}, None], [None]])
def test_students_without_labels_are_compared_by_the_same_images(labels: list, trained: Trained,
                                                                 tmp_path: Path) -> None:
    online, fixed = (str(trained.config.with_name(f'{name}.py')) for name in ('adapt', 'student'))
    run = runner(trained.config, tmp_path, keep='best', **{
        'select.by': 'label_free', 'select.target_images': 3, 'label.per_round': labels, 'student.per_round': [
            dict(config=online if entry is None else fixed) for entry in labels]})
    for stage in run.stages:
        if stage.kind == 'select':
            assert 'compares by 2 source and 2 target images' in stage.check(run.context)[0]
    student = run.configs[run.stages[-2].links['student']]
    assert 'pseudo_labeled' not in student.train_dataloader.dataset and hold_outs(student)['source']


@pytest.mark.parametrize(('options', 'message'), [
    ({'select.by': 'label_free', 'options': {'train_dataloader.dataset.source.ann_file': 'two.txt'}},
     r'2 images are too few to hold some out from training: at least 8 .*keep=.last'),
    ({'select.by': 'label_free', 'adapt.options': {'train_dataloader.dataset.source.ann_file': 'eight.txt'}},
     r'trains on 1 labelled source images that are held out'),
    ({'select.by': 'label_free', 'options': {'train_dataloader.dataset.source.type': 'CityscapesDataset'}},
     r'has no labelled source images in a LabelMappedDataset'),
    ({'select.by': 'validation', 'student.options': {'val_evaluator': None, 'val_dataloader': None, 'val_cfg': None}},
     r"select\.by='validation', but .*student\.py has no val_dataloader"),
    ({'select.by': 'label_free', 'select.per_round': [{}, dict(source_images=4)]}, r'per_round: every round'),
])
def test_what_cannot_be_compared_is_said_at_the_start(options: dict, message: str, trained: Trained,
                                                      tmp_path: Path) -> None:
    data = trained.config.parent / 'data/gta5'
    names = (data / 'train.txt').read_text().split()
    (data / 'two.txt').write_text('\n'.join(names[:2]))
    (data / 'eight.txt').write_text('\n'.join(names[:8]))
    with pytest.raises(ValueError, match=message):
        runner(trained.config, tmp_path, keep='best', **options).check()


def test_the_comparison_gives_the_same_again(trained: Trained, tmp_path: Path) -> None:
    run = spoiled(trained, tmp_path, rounds=1, **{'select.by': 'label_free', 'student.options': {
        'train_cfg.max_iters': 1}})
    run.train()
    select, = [stage for stage in run.stages if stage.kind == 'select']
    again = select.run(run.context)
    assert {key: stages(tmp_path)['03_select_r1'][key] for key in again} == json.loads(json.dumps(again))
