"""The tool that judges pseudo-labels."""
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from pseudo_labels import random_label, write_images, write_set
from small_data import write_image

ROOT = Path(__file__).parents[2]
CONFIG = '''
custom_imports = dict(imports=['udas_mmseg'])
metainfo = dict(classes=('road', 'sidewalk', 'other'))
target_train = dict(type='LabelMappedDataset', metainfo=metainfo, data_root='data',
                    data_prefix=dict(img_path='images'), pipeline=[dict(type='LoadVerifiedImage')])
labeled_target_train = dict(type='LabelMappedDataset', metainfo=metainfo, data_root='data',
                            data_prefix=dict(img_path='images', seg_map_path='labels'),
                            pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')])
'''
NAMES = ['0.png', '1.png']


@pytest.fixture
def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location('report', ROOT / 'tools/report.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').write_text(CONFIG)
    write_images(tmp_path / 'data/images', NAMES)
    for seed, name in enumerate(NAMES):
        write_image(tmp_path / 'data/labels' / name, random_label(seed)[0])
    for stage in ('02_label_r1', '04_label_r2'):
        write_set(tmp_path / 'run' / stage / 'labels', {name: random_label(seed) for seed, name in enumerate(NAMES)})
    return tmp_path


def test_a_report_on_two_rounds(report: ModuleType, work: Path, capsys: pytest.CaptureFixture) -> None:
    report.main(['run/02_label_r1/labels', 'run/04_label_r2/labels/', '--config', 'mine.py', '--out', 'out',
                 '--truth', 'labeled_target_train', '--source', 'labeled_target_train', '--threshold', '0.7',
                 '--groups', '/(images)/'])
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].startswith('| pseudo-labels | images | skipped | kept | mIoU kept |')
    assert '| 04_label_r2/labels | 2 | 0 |' in printed.out and printed.out.endswith('out/report.html\n')
    assert 'comparing run/02_label_r1/labels with the truth: 2/2 images, took 0:00:0' in printed.err
    written = json.loads((work / 'out/report.json').read_text())
    assert written['facts'] == dict(config='mine.py', dataset='target_train', truth='labeled_target_train',
                                    source='labeled_target_train', groups='/(images)/')
    assert written['threshold'] == 0.7 and written['sets'][1]['change'] == 0
    assert written['sets'][0]['truth']['mIoU_all'] == 1
    assert [*written['sets'][0]['truth']['groups']] == ['images']


def test_truth_is_opened_only_on_request(report: ModuleType, work: Path, capsys: pytest.CaptureFixture) -> None:
    for name in NAMES:
        (work / 'data/labels' / name).write_bytes(b'must not be opened')
    report.main(['run/02_label_r1/labels', '--config', 'mine.py', '--out', 'out', '--samples', '1'])
    assert '| labels | 2 | 0 |' in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r'SampleError: data/labels/.*\.png cannot be decoded'):
        report.main(['run/02_label_r1/labels', '--config', 'mine.py', '--out', 'out', '--truth',
                     'labeled_target_train'])


@pytest.mark.parametrize('arguments, message', [
    (['nowhere'], "FileNotFoundError: nowhere='nowhere' is not a folder"),
    (['run/02_label_r1/labels'] * 2, 'ValueError: a folder is given twice'),
    (['run/02_label_r1/labels', '--truth', 'target_train'], 'LabelMappedDataset has no labels to read'),
    (['run/02_label_r1/labels', '--source', 'source_train'],
     "--source source_train: the config has no such data set; its data sets are "
     "['labeled_target_train', 'target_train']"),
    (['run/02_label_r1/labels', '--threshold', '60'], 'threshold=60'),
    (['run/02_label_r1/labels', '--config', 'nowhere.py'], 'config nowhere.py does not exist'),
])  # yapf: disable
def test_mistakes_are_one_clear_line(report: ModuleType, work: Path, arguments: list, message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        report.main(['--config', 'mine.py', '--out', 'out', *arguments])
    assert message in str(caught.value) and '\n' not in str(caught.value)
    assert not (work / 'out').exists()
