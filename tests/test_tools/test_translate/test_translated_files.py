"""Translating a whole data set: the files, the report, several processes."""
import json
from pathlib import Path
from typing import Dict

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from pages import text_of
from translating import (
    IMAGES,
    TOOL,
    UNSEEN,
    build_model,
    error_of,
    expected_translations,
    files_of,
    times_of,
    translate,
)
from two_processes import launch_two
from udas_mmseg.translation import DomainCycleGAN


def test_files_are_what_the_model_makes_of_each_batch(whole: Dict[str, bytes]) -> None:
    assert sorted(whole) == sorted([*IMAGES, 'index.json'])
    for name, expected in zip(IMAGES, expected_translations()):
        found = cv2.imread(f'whole/{name}')
        assert np.array_equal(found, expected) and found.std() > 10, name
    index = json.loads(whole['index.json'])
    assert index['complete'] is True and index['num_images'] == 10
    assert index['translator']['config'] == 'mine.py' and index['translator']['checkpoint'] == 'trained.pth'
    assert len(index['translator']['sha256']) == 64


def test_report_compares_the_colors(whole: Dict[str, bytes]) -> None:
    assert sorted(files_of(Path('whole_report'))) == ['report.html', 'report.json']
    report = json.loads(Path('whole_report/report.json').read_text())
    assert report['facts'] == dict(config='mine.py', checkpoint='trained.pth')
    assert {name: part['images'] for name, part in report['sets'].items()} == dict(source=10, translated=10, target=3)
    assert report['color_distance']['before'] != report['color_distance']['after']
    assert report['feature_distance'] is None


def test_what_is_printed(whole: Dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    translate('--out', f'{tmp_path}/out', '--batch-size', '3', '--backbone', 'segmentor.py')
    printed, report = capsys.readouterr(), json.loads((tmp_path / 'out_report/report.json').read_text())
    assert 'translate_dataloader.dataset: LabelMappedDataset, 10 unlabelled images, 8 read' in printed.out
    assert f'{tmp_path}/out: 10 images, all of them checked' in printed.out
    for kind, text in (('color_distance', 'of colours, in Lab units'), ('feature_distance', 'of features')):
        assert 'distance {}: {before:.3g} before, {after:.3g} after\n'.format(text, **report[kind]) in printed.out
    assert f'{tmp_path}/out_report/report.html' in printed.out
    assert 'translating: out: 10/10 images, took 0:00:0' in printed.err and 'verifying: 10/10' in printed.err
    assert '\nfeatures |' in text_of(tmp_path / 'out_report/report.html')


def test_size_and_format_and_a_data_set_that_reads_them(whole: Dict[str, bytes], tmp_path: Path) -> None:
    options = ['--size', '40x20', '--format', 'jpg', '--quality', '98']
    translate('--out', f'{tmp_path}/out', *options)
    assert sorted(files_of(tmp_path / 'out')) == sorted([*(name[:-3] + 'jpg' for name in IMAGES), 'index.json'])
    source = Config.fromfile('mine.py').source
    dataset = DATASETS.build({**source, 'data_prefix': dict(img_path='images'), 'translated_root': f'{tmp_path}/out',
                              'pipeline': [dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]})
    for sample, name in zip(dataset, IMAGES):
        found = sample['inputs'].numpy().transpose(1, 2, 0)
        assert found.shape == (20, 40, 3) and sample['data_samples'].img_path == f'{tmp_path}/out/{name[:-3]}jpg'
        assert np.abs(found - cv2.resize(cv2.imread(f'whole/{name}'), (40, 20)).astype(int)).mean() < 25
    before = times_of(tmp_path / 'out')
    error = error_of('--out', f'{tmp_path}/out', *options[:-1], '97')
    assert 'another size or format' in error and '--overwrite' in error
    assert times_of(tmp_path / 'out') == before


def test_target_images_in_the_style_of_the_source(whole: Dict[str, bytes], tmp_path: Path) -> None:
    translate('--out', f'{tmp_path}/out', '--to', 'source')
    model = build_model()
    model.load_state_dict(torch.load('trained.pth')['state_dict'])
    names = sorted(str(path.relative_to('target/images')) for path in Path('target/images').rglob('*.png'))
    assert sorted(files_of(tmp_path / 'out')) == sorted([*names, 'index.json']) and len(names) == 3
    dataset = DATASETS.build(Config.fromfile('mine.py').target)
    for sample in dataset:
        path = Path(sample['data_samples'].img_path)
        expected = model.translate(sample['inputs'][None], to='source')[0].permute(1, 2, 0).numpy()
        height, width = cv2.imread(str(path)).shape[:2]
        expected = cv2.resize(expected, (width, height), interpolation=cv2.INTER_CUBIC)
        found = cv2.imread(str(tmp_path / 'out' / path.relative_to('target/images')))
        assert np.abs(found - expected.astype(int)).max() <= 1
    assert json.loads((tmp_path / 'out_report/report.json').read_text())['sets']['target']['images'] == 10
    assert 'another' in error_of('--out', f'{tmp_path}/out')


def test_without_a_target_there_is_no_report(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = tmp_path / 'no_target.py'
    config.write_text(f"_base_ = '{data}/mine.py'\ntrain_dataloader = None\n")
    translate('--out', f'{tmp_path}/out', config=str(config))
    assert 'no report: the config has no train_dataloader.dataset.target' in capsys.readouterr().out
    assert len(files_of(tmp_path / 'out')) == 11 and not (tmp_path / 'out_report').exists()


RECORDS = '''
import os, runpy, sys
replace = os.replace
def record(part, path):
    with open(sys.argv[-1] + '.written' + os.environ['RANK'], 'a') as file:
        file.write(f'{path}\\n')
    replace(part, path)
os.replace = record
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name='__main__')
'''


def test_two_processes_share_the_work_and_make_the_same_files(processes: str, whole: Dict[str, bytes],
                                                              tmp_path: Path) -> None:
    (tmp_path / 'records.py').write_text(RECORDS)
    code, output = launch_two(str(tmp_path / 'records.py'), TOOL, 'mine.py', 'trained.pth', '--launcher',
                              'pytorch', '--out', f'{tmp_path}/out')
    assert code == 0, output[-3000:]
    written = [(tmp_path / f'out.written{rank}').read_text().splitlines() for rank in (0, 1)]
    shares = [[path for path in paths if path.startswith(f'{tmp_path}/out/') and 'index' not in path]
              for paths in written]
    assert all(len(share) >= 4 for share in shares) and sorted(shares[0] + shares[1]) == [
        f'{tmp_path}/out/{name}' for name in IMAGES]
    assert output.count('all of them checked') == output.count('out_report/report.html') == 1
    assert files_of(tmp_path / 'out') == whole
    assert files_of(tmp_path / 'out_report') == files_of(Path('whole_report'))


def test_what_each_of_two_processes_cannot_read_is_named_once(whole: Dict[str, bytes], mine: Path) -> None:
    broken = [mine / 'source/images' / IMAGES[number] for number in UNSEEN]  # in batches of different processes
    for path in broken:
        path.write_bytes(path.read_bytes()[:-30])
    code, output = launch_two(TOOL, 'mine.py', 'trained.pth', '--launcher', 'pytorch', '--out', 'out')
    assert code == 1 and output.count('2 of 10 source images cannot be read') == 1, output[-3000:]
    assert all(output.count(f'source/images/{IMAGES[number]} is truncated') == 1 for number in UNSEEN)
    assert len(times_of(mine / 'out')) == 8


def test_batch_size_is_that_of_the_config_or_of_the_command(data: Path, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    original, counts = DomainCycleGAN.translate, []

    def count(self: DomainCycleGAN, images: torch.Tensor) -> torch.Tensor:
        counts.append(len(images))
        return original(self, images)

    monkeypatch.setattr(DomainCycleGAN, 'translate', count)
    largest = {}
    for size in ('1', '4', '10'):
        counts.clear()
        translate('--out', f'{tmp_path}/{size}', *([] if size == '4' else ['--batch-size', size]))
        largest[size] = max(counts)
    assert 1 == largest['1'] < largest['4'] < largest['10']  # images of one size only are translated together


def test_loader_workers_make_the_same_files(whole: Dict[str, bytes], tmp_path: Path) -> None:
    translate('--out', f'{tmp_path}/out', '--workers', '2')
    assert files_of(tmp_path / 'out') == whole
