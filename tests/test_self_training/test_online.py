"""Rounds of self-training whose trainings are online, with pseudo-labels and without."""
import json
import shutil
from pathlib import Path
from typing import Any, Set

import pytest
import torch

from killed_runs import weights
from tiny_self_training import DATA, runner, stages, write_configs
from udas_mmseg.models import OnlineSelfTrainingSegmentor
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.self_training.dry_run import with_stand_ins

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


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An online teacher, and students that also train online: with pseudo-labels, and in the second round without."""
    config = write_configs(tmp_path_factory.mktemp('online'), iters=2, save_every=1)
    config.with_name('adapt.py').write_text(ONLINE)
    config.with_name('student.py').write_text(STUDENT)
    return config


def run_of(config: Path, work_dir: Path, **options: Any) -> SelfTrainingRunner:
    online = dict(config=str(config.with_name('adapt.py')))
    return runner(config, work_dir, **{'translate': None, 'label.per_round': [{}, None, {}],
                                       'student.per_round': [{}, online, {}], **options})


@pytest.fixture(scope='module')
def trained(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of two rounds."""
    work_dir = tmp_path_factory.mktemp('work')
    run_of(config, work_dir).train()
    return work_dir


def test_teacher_and_students_train_online(trained: Path) -> None:
    entries = stages(trained)
    assert list(entries) == ['00_adapt', '01_label_r1', '02_student_r1', '03_student_r2', 'export']
    assert all(entry['state'] == 'complete' for entry in entries.values())
    assert entries['03_student_r2']['links'] == {'teacher': '02_student_r1'} and not entries['03_student_r2']['inputs']
    adapt, _, first, second, export = (trained / name for name in entries)
    assert losses_of(first) == {'source', 'mixture', 'pseudo_labeled'}
    assert losses_of(adapt) == losses_of(second) == {'source', 'mixture'}
    # the moving average predicts, so that students begin with it
    for teacher, student in ((adapt, first), (first, second)):
        begun, given = weights(str(student / 'teacher.pth')), weights(str(teacher / 'iter_2.pth'))
        assert begun and all(torch.equal(value, given[f'teacher.{name}']) for name, value in begun.items())
    assert entries['export']['inputs']['student'] == entries['03_student_r2']['sha256']
    assert (export / 'ssl.pth').exists()


def test_labels_after_a_round_without_are_compared_with_the_last_ones(config: Path, trained: Path) -> None:
    """All earlier teachers label, too. That nothing but the third round is new ends it."""
    before = stages(trained)
    run_of(config, trained, rounds=3, **{'label.per_round': [{}, None, dict(earlier_teachers=True, min_change=1.1)],
                                         'stages.after': [], 'export': None}).train()
    entries = stages(trained)
    assert {name: entry for name, entry in entries.items() if name != '04_label_r3'} == before
    entry = entries['04_label_r3']
    assert 0 < entry['change'] <= 1 and entry['inputs']['teacher'] == before['03_student_r2']['sha256']
    report = json.loads(Path(entry['report']).with_name('report.json').read_text())
    assert [found['name'] for found in report['sets']] == ['01_label_r1', '04_label_r3']
    index = json.loads((trained / '04_label_r3/index.json').read_text())
    assert index['also'] == [before[name]['sha256'] for name in ('00_adapt', '02_student_r1')]


def test_interrupted_online_it_ends_with_the_same_weights(config: Path, trained: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    expected, manifest = weights(stages(trained)['03_student_r2']['checkpoint']), trained / 'manifest.json'
    content = json.loads(manifest.read_text())
    kept = {name: content['stages'][name] for name in ('00_adapt', '01_label_r1', '02_student_r1')}
    manifest.write_text(json.dumps({**content, 'stages': kept}))
    shutil.rmtree(trained / '03_student_r2')
    step, steps = OnlineSelfTrainingSegmentor.train_step, []

    def stop_in_the_second(self: Any, *args: Any, **options: Any) -> Any:
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return step(self, *args, **options)

    monkeypatch.setattr(OnlineSelfTrainingSegmentor, 'train_step', stop_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_of(config, trained).train()
    assert stages(trained)['03_student_r2']['state'] == 'running'
    run_of(config, trained).train()
    assert len(steps) == 3 and {name: stages(trained)[name] for name in kept} == kept
    found = weights(stages(trained)['03_student_r2']['checkpoint'])
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


def test_a_run_may_go_on_with_a_round_without_labels(config: Path, tmp_path: Path) -> None:
    one, two = (run_of(config, tmp_path, rounds=rounds) for rounds in (1, 2))
    assert [one.context.digest(stage) for stage in one.stages[:3]] == [
        two.context.digest(stage) for stage in two.stages[:3]]
    assert f'| 03_student_r2 | trains {two.stages[3].config} from teacher | 2 | 02_student_r1 |' in two.plan()
    stand_ins = [with_stand_ins(stage, two.configs[stage.name])[1] for stage in two.stages[2:4]]
    assert stand_ins == [['labels of class 0 for pseudo-labels'], []], 'of a trial before all stages'


def losses_of(folder: Path) -> Set[str]:
    """The branches that a training has losses of."""
    line = json.loads(next(folder.glob('*/vis_data/*.json')).read_text().splitlines()[0])
    return {name.split('.')[0] for name in line if '.' in name and 'loss' in name}
