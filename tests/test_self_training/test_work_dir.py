"""The lock and the manifest of a work directory."""
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from forked_python import start_python
from udas_mmseg.self_training import WorkDirError
from udas_mmseg.self_training.lock import WorkDirLock
from udas_mmseg.self_training.manifest import Manifest, ladder, result_files, trained_segmentors

HOLD = '''
import os, sys, time
from udas_mmseg.self_training.lock import WorkDirLock
lock = WorkDirLock(sys.argv[1])
lock.acquire()
if os.fork() == 0:  # as a data loader's worker
    time.sleep(60)
print(os.getpid(), flush=True)
time.sleep(60)
'''


def test_only_one_process_may_work_and_a_dead_one_does_not_hold_on(tmp_path: Path) -> None:
    (tmp_path / 'hold.py').write_text(HOLD)
    holder = start_python(tmp_path / 'hold.py', tmp_path, stdout=subprocess.PIPE)
    try:
        pid = holder.stdout.readline().strip()
        with pytest.raises(WorkDirError, match=rf'in use by another run \(process {pid} on '):
            WorkDirLock(str(tmp_path)).acquire()
        os.kill(holder.pid, signal.SIGKILL)  # its worker lives on
        holder.wait()
        with WorkDirLock(str(tmp_path)):
            assert json.loads((tmp_path / 'lock').read_text())['process'] == os.getpid()
    finally:
        os.killpg(holder.pid, signal.SIGKILL)


def test_lock_is_given_back(tmp_path: Path) -> None:
    with WorkDirLock(str(tmp_path / 'new')):
        pass
    child = os.fork()  # for this process itself a POSIX lock is always free
    if child == 0:
        try:
            WorkDirLock(str(tmp_path / 'new')).acquire()
        except WorkDirError:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_manifest_remembers_what_is_complete(tmp_path: Path) -> None:
    first = Manifest(str(tmp_path), dict(seed=0))
    first.begin('00_adapt', 'abc', kind='adapt', round=0, links={}, command='python tools/train.py x')
    assert Manifest(str(tmp_path), {}).result('00_adapt', 'abc') is None
    first.begin('00_adapt', 'abc', kind='adapt', round=0, links={}, command='python tools/train.py x')
    first.complete('00_adapt', 61.04, checkpoint='x.pth', metrics=dict(mIoU=70.04))
    again = Manifest(str(tmp_path), dict(seed=0))
    assert again.result('00_adapt', 'other') is None
    entry = again.result('00_adapt', 'abc')
    assert entry is not None
    assert (entry['attempts'], entry['seconds'], entry['checkpoint']) == (2, 61.0, 'x.pth')
    assert '| 00_adapt | complete | 1.0 | mIoU 70.0 |' in ladder(again.entries)


def test_another_config_is_refused_and_more_rounds_are_not(tmp_path: Path) -> None:
    manifest = Manifest(str(tmp_path), {})
    for name, number in (('00_adapt', 0), ('01_label_r1', 1), ('02_label_r2', 2), ('export', 0)):
        manifest.begin(name, 'abc', kind=name.split('_')[-1 if number == 0 else 1], round=number)
    manifest.check({'00_adapt': 'abc', '01_label_r1': 'abc', '02_label_r2': 'abc', '03_label_r3': 'new'}, 3, ['export'])
    manifest.check({'00_adapt': 'abc', '01_label_r1': 'abc'}, 1, ['export'])
    with pytest.raises(WorkDirError, match=r'has another run: 00_adapt was started with another'):
        manifest.check({'00_adapt': 'other', '01_label_r1': 'abc'}, 1, ['export'])
    with pytest.raises(WorkDirError, match=r'has another run: 00_adapt, export was'):
        manifest.check({'00_translator': 'abc', '01_label_r1': 'abc'}, 1)


@pytest.mark.parametrize(('content', 'found'), [({}, 1), ({'format': 3}, 3)])
def test_work_directory_of_another_version_is_refused(content: dict, found: int, tmp_path: Path) -> None:
    (tmp_path / 'manifest.json').write_text(json.dumps({**content, 'stages': {'00_adapt': {'state': 'complete'}}}))
    message = rf'{tmp_path} was started by another version .* has format {found}, .* reads format 2.*another --work-dir'
    for read in (lambda: Manifest(str(tmp_path), {}), lambda: trained_segmentors(str(tmp_path))):
        with pytest.raises(WorkDirError, match=message):
            read()


@pytest.mark.parametrize('content', ['', '{"stages": 3}', '[]'])
def test_damaged_manifest_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / 'manifest.json').write_text(content)
    with pytest.raises(ValueError, match=r'manifest\.json cannot be read'):
        Manifest(str(tmp_path), {})


def test_segmentors_so_far_are_those_of_complete_trainings(tmp_path: Path) -> None:
    assert trained_segmentors(str(tmp_path)) == {}
    manifest = Manifest(str(tmp_path), {})
    for name, seconds, segmentor in (('00_adapt', 60, 'adapted'), ('01_label_r1', 5, ''),
                                     ('02_student_r1', 70, 'round 1'), ('03_label_r2', 4, '')):
        manifest.begin(name, 'digest', kind='any', links=dict(labels='01_label_r1') if segmentor == 'round 1' else {})
        made = dict(metrics={'mIoU': seconds / 2}, checkpoint=f'{name}.pth', segmentor=segmentor)
        manifest.complete(name, seconds, **(made if segmentor else {}))
    manifest.begin('04_student_r2', 'digest', kind='any')
    found = trained_segmentors(str(tmp_path))
    assert list(found) == ['adapted', 'round 1']
    assert found['adapted']['seconds'] == 60 and found['round 1']['seconds'] == 75
    assert found['round 1'] == dict(metrics={'mIoU': 35}, seconds=75, checkpoint='02_student_r1.pth',
                                    config=str(tmp_path / '02_student_r1/config.py'))


def test_a_finished_run_says_how_to_predict_images() -> None:
    files = result_files(dict(export=dict(exported_config='runs/export/mine.py', checkpoint='runs/export/mine.pth')))
    assert files['runs/export'].endswith('predict.py runs/export/mine.py runs/export/mine.pth IMAGES --out FOLDER')
