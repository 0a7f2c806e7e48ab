"""A kind of stage that is one file and one config, without a change to the package."""
import os
from pathlib import Path

import pytest

from tiny_self_training import run, stages, write_configs

KIND = '''
"""Counts the pixels that a student will keep."""
from pathlib import Path

import cv2
from mmengine.dist import is_main_process
from udas_mmseg.self_training import STAGE_KINDS, Stage


@STAGE_KINDS.register_module(name='count')
class Count(Stage):
    defaults = dict(threshold=0.5, verbose=False)
    no_effect = ('verbose',)
    takes = ('labels',)

    @property
    def what(self):
        return f'counts the pixels from {self.settings["threshold"]} on'

    def check(self, context):
        if not 0 <= self.settings['threshold'] <= 1:
            raise ValueError(f'self_training.count.threshold={self.settings["threshold"]}: allowed are 0 to 1.')
        return []

    def run(self, context):
        if not is_main_process():
            return {}
        files = Path(context.folder_of(self, 'labels')).rglob('*_confidence.png')
        kept = sum(int((cv2.imread(str(file), 0) >= 255 * self.settings['threshold']).sum()) for file in files)
        folder = Path(context.folder(self.name))
        folder.mkdir(exist_ok=True)
        (folder / 'count.txt').write_text(str(kept))
        return dict(kept=kept, summary=f'{kept} pixels')
'''


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Adaptation and a round with the new kind, without translation."""
    write_configs(tmp_path, iters=2, train=2)
    (tmp_path / 'code').mkdir()
    (tmp_path / 'code/count_stage.py').write_text(KIND)
    counted = tmp_path / 'counted.py'
    counted.write_text("_base_ = './ssl.py'\n"
                       "custom_imports = dict(imports=['udas_mmseg', 'count_stage'])\n"
                       "self_training = dict(rounds=1, translate=None, count=dict(threshold=0.06),\n"
                       "                     stages=dict(each_round=('label', 'count', 'student')))\n")
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(tmp_path / 'code'), os.environ.get('PYTHONPATH', '')]))
    return counted


def test_it_is_planned_run_skipped_and_held_to_its_settings(config: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / 'run'
    done = run(config, work_dir)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert '| 02_count_r1 | counts the pixels from 0.06 on | - | 01_label_r1 |' in done.stdout
    assert 'Stage 3 of 5: 02_count_r1, counts the pixels' in done.stdout
    found = stages(work_dir)
    assert list(found) == ['00_adapt', '01_label_r1', '02_count_r1', '03_student_r1', 'export']
    entry = found['02_count_r1']
    assert (entry['kind'], entry['round'], entry['links']) == ('count', 1, {'labels': '01_label_r1'})
    assert entry['state'] == 'complete' and int((work_dir / '02_count_r1/count.txt').read_text()) == entry['kept'] > 0
    assert f'| {entry["kept"]} pixels |' in done.stdout
    assert found['03_student_r1']['links']['labels'] == '01_label_r1'

    again = run(config, work_dir, '--cfg-options', 'self_training.count.verbose=True')
    assert again.returncode == 0 and 'Stage' not in again.stdout, 'everything is there'
    other = run(config, work_dir, '--cfg-options', 'self_training.count.threshold=0.9')
    assert other.returncode == 1 and 'Traceback' not in other.stderr
    assert f'WorkDirError: {work_dir} has another run: 02_count_r1 was started with another config' in other.stderr
    wrong = run(config, work_dir, '--cfg-options', 'self_training.count.threshold=2')
    assert wrong.returncode == 1 and 'self_training.count.threshold=2: allowed are 0 to 1' in wrong.stderr
