"""Rounds of active labelling as stages: select, label, train."""
import json
import shutil
from pathlib import Path
from typing import Any, Dict, Tuple

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from tiny_active import write_active
from tiny_self_training import runner, stages
from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.active.simulate import simulate
from udas_mmseg.pseudo_labels.ground_truth import GroundTruth
from udas_mmseg.self_training.kinds.annotate import MissingAnswersError
from udas_mmseg.self_training.manifest import trained_segmentors
from udas_mmseg.self_training.stage_config import without_products

STAGES = ['00_adapt', '01_label_r1', '02_selector_r1', '03_query_r1', '04_annotate_r1', '05_active_student_r1',
          'export']  # yapf: disable
PERSON = {'annotate.by': 'person'}


def weights(work_dir: Path) -> Dict[str, torch.Tensor]:
    return torch.load(stages(work_dir)[STAGES[5]]['checkpoint'], weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_active(tmp_path_factory.mktemp('active'))


@pytest.fixture(scope='module')
def waited(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, str]:
    """The work directory of a whole run, whose units a person has answered, and the message for this person."""
    work_dir = tmp_path_factory.mktemp('waited')
    with pytest.raises(MissingAnswersError) as error:
        runner(config, work_dir, **PERSON).train()
    store = AnswerStore(Selection.read(work_dir / 'active/round_1'))
    student = runner(config, work_dir).configs[STAGES[5]]
    truth = GroundTruth(DATASETS.build(student.labeled_target_train), store.selection.classes)
    simulate(store, lambda name: truth.read(f'{name}.png'))
    runner(config, work_dir, **PERSON).train()
    return work_dir, str(error.value)


def test_the_run_waits_for_the_person_and_goes_on(waited: Tuple[Path, str]) -> None:
    work_dir, message = waited
    assert '04_annotate_r1 waits for labels: 0 of ' in message
    assert 'active_label.py export ' in message and 'active/round_1' in message and 'min_answered=0' in message
    found = stages(work_dir)
    assert list(found) == STAGES and all(entry['state'] == 'complete' for entry in found.values())
    assert found['04_annotate_r1']['attempts'] == 2
    assert found['05_active_student_r1']['links'] == {
        'teacher': '00_adapt', 'answers': '04_annotate_r1', 'labels': '01_label_r1'}
    assert found['03_query_r1']['links'] == {'teacher': '00_adapt', 'selector': '02_selector_r1'}
    assert found['05_active_student_r1']['inputs']['answers'] == found['04_annotate_r1']['labels_sha256']
    selection = Selection.read(work_dir / 'active/round_1')
    units = sum(len(image.units) for image in selection.images)
    cost = found['04_annotate_r1']['cost']
    assert 0 < cost['pixels'] <= units == cost['units'] == cost['clicks'] <= 4 * 6
    assert cost['percent'] == pytest.approx(100 * cost['pixels'] / (4 * 128 * 64))
    metrics = trained_segmentors(str(work_dir))['round 1']['metrics']
    assert (metrics['cost/clicks'], metrics['cost/percent']) == (cost['clicks'], cost['percent'])
    report = (work_dir / 'active/round_1_report/report.html').read_text()
    assert 'most useful images' in report and selection.images[0].name in report


def test_labels_that_change_after_the_round_are_noticed(config: Path, waited: Tuple[Path, str]) -> None:
    work_dir = waited[0]
    before = (work_dir / 'manifest.json').read_text()
    forget(work_dir, STAGES[5], remove_folders=False)
    path = next((work_dir / 'active/round_1/labels').rglob('*.png'))
    content = path.read_bytes()
    cv2.imwrite(str(path), np.full((64, 128), 3, np.uint8))
    with pytest.raises(ValueError, match=r'active/round_1/labels have been changed since 04_annotate_r1'):
        runner(config, work_dir, **PERSON).train()
    path.write_bytes(content)
    (work_dir / 'manifest.json').write_text(before)


def test_truth_outside_of_the_selection_changes_no_weight(config: Path, waited: Tuple[Path, str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after an interruption in the middle of the answers."""
    work_dir, before = waited[0], weights(waited[0])
    labels = {path.name: path.read_bytes() for path in (work_dir / 'active/round_1/labels').rglob('*.png')}
    selection = Selection.read(work_dir / 'active/round_1')
    for image in selection.images:
        path = config.parent / 'data/cityscapes/gtFine/train' / image.name.replace('leftImg8bit', 'gtFine_labelIds.png')
        truth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), np.where(selection.unit_map(image.name) > 0, truth, (truth + 1) % 34))
    forget(work_dir, *STAGES[4:])
    for name in ('labels', 'answers.jsonl'):
        remove(work_dir / 'active/round_1' / name)
    add, calls = AnswerStore.add_all, []

    def killed(store: AnswerStore, *args: Any) -> Any:
        calls.append(args[0])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return add(store, *args)

    monkeypatch.setattr(AnswerStore, 'add_all', killed)
    for interrupted in (True, False):
        try:
            runner(config, work_dir).train()
            assert not interrupted
        except KeyboardInterrupt:
            assert interrupted
    assert len(calls) == 5, 'four images, one of them twice'
    assert {path.name: path.read_bytes() for path in (work_dir / 'active/round_1/labels').rglob('*.png')} == labels
    after = weights(work_dir)
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)


def test_more_rounds_are_planned_in_the_order_of_labor(config: Path, tmp_path: Path) -> None:
    planned = runner(config, tmp_path, rounds=2)
    names = [stage.name for stage in planned.stages]
    assert names[:6] == STAGES[:6] and names[6:11] == [
        '06_label_r2', '07_selector_r2', '08_query_r2', '09_annotate_r2', '10_active_student_r2']
    assert '| 03_query_r1 | selects points by ppl | - | 00_adapt, 02_selector_r1 |' in planned.plan()
    assert planned.context.folder('08_query_r2') == planned.context.folder('09_annotate_r2') == str(
        tmp_path / 'active/round_2')
    student = planned.configs['10_active_student_r2'].train_dataloader.dataset.labeled_target
    assert student.answers_root == str(tmp_path / 'active/round_2')
    unlabeled = without_products(planned.stages[5], planned.configs[STAGES[5]]).train_dataloader.dataset.labeled_target
    assert unlabeled.type == 'LabelMappedDataset' and 'answers_root' not in unlabeled, 'before there are labels'


@pytest.mark.parametrize('options', [
    {}, {'stages.each_round': ['query', 'annotate', 'active_student'], 'label': None, 'selector': None,
         'query.strategy': 'entropy'}], ids=['labor', 'entropy'])
def test_a_student_need_not_read_pseudo_labels(config: Path, tmp_path: Path, options: Dict[str, Any]) -> None:
    planned = runner(config, tmp_path, **options)
    student = planned.stages[-2]
    assert student.kind == 'active_student' and student.check(planned.context)


@pytest.mark.parametrize('options, message', [
    ({'stages.each_round': ['query', 'annotate', 'active_student'], 'label': None, 'selector': None},
     r"query\.strategy='ppl' compares two classifiers, but no stage .* Add selector before query"),
    ({'query.strategy': 'nothing'}, r"self_training\.query: strategy='nothing': allowed are"),
    ({'query.budget': dict(regions=3)}, r'self_training\.query: the budget is in regions, but .* points'),
    ({'query.dataset': 'nowhere'}, r"query\.dataset='nowhere' is not an entry of .*selector\.py"),
    ({'annotate.truth': 'nowhere'}, r"annotate\.truth='nowhere' is not an entry of .*active_student\.py"),
    ({'active_student.options': {'model.segmentor.decode_head.loss_decode.avg_non_ignore': False}},
     r'segmentor\.decode_head\.loss_decode is averaged over all pixels, .* Set avg_non_ignore=True'),
    ({'annotate.by': 'nobody'}, r"annotate\.by='nobody': allowed are person, truth"),
    ({'annotate.min_answered': 2}, r'annotate\.min_answered=2: allowed are shares'),
])
def test_mistakes_are_found_before_anything_runs(config: Path, tmp_path: Path, options: Dict[str, Any],
                                                 message: str) -> None:
    with pytest.raises(ValueError, match=message):
        planned = runner(config, tmp_path, **options)
        for stage in planned.stages:
            if stage.kind in ('query', 'annotate', 'active_student'):
                stage.check(planned.context)


def forget(work_dir: Path, *names: str, remove_folders: bool = True) -> None:
    """Delete stages from the manifest."""
    path = work_dir / 'manifest.json'
    content = json.loads(path.read_text())
    for name in names:
        content['stages'].pop(name, None)
        if remove_folders:
            remove(work_dir / name)
    path.write_text(json.dumps(content))


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
