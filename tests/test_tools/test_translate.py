"""Translating a whole data set: the files, the report, interruptions, several processes and mistakes."""
import errno
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmseg.registry import DATASETS, MODELS

from small_data import write_image
from tiny_translator import DISCRIMINATOR, GENERATOR
from udas_mmseg.datasets.transforms import loading
from udas_mmseg.engine.launch import load_config
from udas_mmseg.translation import DomainCycleGAN

TOOL = str(Path(__file__).parents[2] / 'tools/translate.py')
CONFIG = f'''
custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])
default_scope = 'mmseg'
generator = {GENERATOR}
discriminator = {DISCRIMINATOR}
model = dict(
    type='DomainCycleGAN', generator=generator, discriminator=discriminator,
    data_preprocessor=dict(mean=[120., 110., 100.], std=[60., 50., 55.], output_channel_order='RGB'),
    # only training needs it, and here it cannot be built
    semantic_consistency=dict(config='nowhere.py', checkpoint='nowhere.pth'))
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
pipeline = [load, dict(type='Resize', scale=(24, 12), keep_ratio=True), pack]
# serialize_data: its garbage collection takes longer than all the rest
images = dict(type='LabelMappedDataset', pipeline=pipeline, serialize_data=False)
# there is no such folder of labels: they are not even listed
source = dict(images, data_root='source', data_prefix=dict(img_path='images', seg_map_path='nowhere'),
              translated_root='translated_before', pipeline=[load, dict(type='LoadLabelIds'), *pipeline[1:]])
target = dict(images, data_root='target', data_prefix=dict(img_path='images'))
train_dataloader = dict(dataset=dict(type='DomainPairDataset', source=source, target=target))
translate_dataloader = dict(batch_size=4, num_workers=0, dataset=source)
'''
SEGMENTOR = '''
custom_imports = dict(imports=['udas_mmseg'])
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4,
                  init_cfg=dict(type='Pretrained', checkpoint='backbone.pth')),
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=3))
'''
# width and height in turns: one batch of four has both
SIZES = ((32, 16), (20, 24))
IMAGES = [f'{town}/{number}.png' for town, number in zip(['aachen/old'] * 3 + ['bonn'] * 3 + ['ulm'] * 4, range(10))]
UNSEEN = (4, 8)  # by the look at the data before the start, which reads 8 of 10


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with images of two domains, configs and checkpoints of random weights; the current one meanwhile."""
    folder, rng = tmp_path_factory.mktemp('translate'), np.random.default_rng(0)
    for number, name in enumerate(IMAGES):
        width, height = SIZES[number % 2]
        noise = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        write_image(folder / 'source/images' / name, cv2.resize(noise, (width, height)))
    for number in range(3):
        write_image(folder / f'target/images/{number}.png', rng.integers(0, 90, (16, 32, 3), dtype=np.uint8))
    (folder / 'mine.py').write_text(CONFIG)
    (folder / 'segmentor.py').write_text(SEGMENTOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        load_config('mine.py')
        save_checkpoint('trained.pth', 1)
        backbone = MODELS.build({**Config.fromfile('segmentor.py').model.backbone, 'init_cfg': None})
        torch.save(backbone.state_dict(), 'backbone.pth')
        yield folder


def build_model() -> torch.nn.Module:
    return MODELS.build({**Config.fromfile('mine.py').model, 'semantic_consistency': None}).eval()


def save_checkpoint(path: str, seed: int, **image_format: object) -> None:
    torch.manual_seed(seed)
    model = build_model()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    meta = dict(image_format={**model.image_format, **image_format})
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)


def translate(*arguments: str, config: str = 'mine.py', checkpoint: str = 'trained.pth') -> None:
    """The tool, without the time that a new process takes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the processes that are started below
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, 'argv', ['translate.py', config, checkpoint, *arguments])
            runpy.run_path(TOOL, run_name='__main__')
    finally:
        torch.set_num_threads(threads)


def start(command: List[str]) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *command], env={**os.environ, 'OMP_NUM_THREADS': '1'}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def error_of(*arguments: str, **files: str) -> str:
    with pytest.raises(SystemExit) as caught:
        translate(*arguments, **files)
    return str(caught.value)


@pytest.fixture(scope='module')
def whole(data: Path) -> Dict[str, bytes]:
    """What an undisturbed run leaves."""
    translate('--out', 'whole')
    return files_of(Path('whole'))


@pytest.fixture
def mine(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data, to change."""
    folder = tmp_path / 'mine'
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns('whole*'))
    monkeypatch.chdir(folder)
    return folder


def files_of(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def times_of(folder: Path) -> Dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob('*.png')}


def expected_translations(batch_size: int = 4) -> List[np.ndarray]:
    """What the model makes of the images of each batch that are of one size, enlarged to the size of the originals."""
    model, found = build_model(), {}
    model.load_state_dict(torch.load('trained.pth')['state_dict'])
    originals = [cv2.imread(f'source/images/{name}') for name in IMAGES]
    for first in range(0, len(IMAGES), batch_size):
        for parity in (0, 1):
            members = [number for number in range(first, min(first + batch_size, len(IMAGES))) if number % 2 == parity]
            small = (24, 12) if parity == 0 else (12, 14)
            batch = np.stack([cv2.resize(originals[number], small) for number in members]).transpose(0, 3, 1, 2)
            found.update(zip(members, model.translate(torch.from_numpy(batch.copy())).numpy().transpose(0, 2, 3, 1)))
    return [cv2.resize(found[number], SIZES[number % 2], interpolation=cv2.INTER_CUBIC) for number in sorted(found)]


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
    assert sorted(files_of(Path('whole_report'))) == ['report.json', 'report.md', 'samples.png']
    report = json.loads(Path('whole_report/report.json').read_text())
    assert report['facts'] == dict(config='mine.py', checkpoint='trained.pth')
    assert {name: part['images'] for name, part in report['sets'].items()} == dict(source=10, translated=10, target=3)
    assert report['color_distance']['before'] != report['color_distance']['after']
    assert report['feature_distance'] is None


def test_what_is_printed(whole: Dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    translate('--out', f'{tmp_path}/out', '--batch-size', '3', '--backbone', 'segmentor.py')
    printed, report = capsys.readouterr(), json.loads((tmp_path / 'out_report/report.json').read_text())
    assert 'translate_dataloader.dataset: LabelMappedDataset, 10 unlabelled images, 8 read' in printed.out
    assert f'{tmp_path}/out: 10 images, every one of them was opened' in printed.out
    for kind, text in (('color_distance', 'of colours, in Lab units'), ('feature_distance', 'of features')):
        assert 'distance {}: {before:.3g} before, {after:.3g} after\n'.format(text, **report[kind]) in printed.out
    assert f'{tmp_path}/out_report/report.md' in printed.out
    assert 'out: 10/10 images, 0:00:00 left' in printed.err and 'verifying: 10/10' in printed.err
    assert '| features |' in (tmp_path / 'out_report/report.md').read_text()


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


def test_without_a_target_there_is_no_report(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = tmp_path / 'no_target.py'
    config.write_text(f"_base_ = '{data}/mine.py'\ntrain_dataloader = None\n")
    translate('--out', f'{tmp_path}/out', config=str(config))
    assert 'no report: the config has no train_dataloader.dataset.target' in capsys.readouterr().out
    assert len(files_of(tmp_path / 'out')) == 11 and not (tmp_path / 'out_report').exists()


STOPS = '''
import runpy, sys, time
from udas_mmseg.engine.atomic_backend import LocalBackend
tool, first = sys.argv.pop(1), sys.argv[-1] + '/bonn/5.png'
put = LocalBackend.put
def stops(self, content, path):
    # from this image on, half a file is written, and no more
    stopped = str(path) >= first and '.png' in str(path)
    put(self, content[:100] if stopped else content, path)
    while stopped:
        time.sleep(1)
LocalBackend.put = stops
runpy.run_path(tool, run_name='__main__')
'''


def test_killed_run_goes_on_and_ends_with_the_same_files(whole: Dict[str, bytes], tmp_path: Path,
                                                         capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'out'
    command = ['mine.py', 'trained.pth', '--workers', '1', '--out', str(out)]
    process = start(['-c', STOPS, TOOL, *command])
    while not (out / f'{IMAGES[5]}.part').exists() or not all((out / name).exists() for name in IMAGES[:5]):
        assert process.poll() is None, process.stdout.read()[-3000:]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)  # with its workers, as a machine that stops
    process.wait()
    kept = times_of(out)
    assert sorted(kept) == IMAGES[:5] and json.loads((out / 'index.json').read_text())['complete'] is False
    translate('--workers', '1', '--out', str(out))
    assert f'{out}: 10/10 images' in capsys.readouterr().err
    assert files_of(out) == whole
    assert {name: time for name, time in times_of(out).items() if name in kept} == kept


RECORDS = '''
import os, runpy, sys
from mmengine.fileio import LocalBackend
put = LocalBackend.put
def record(self, content, path):
    with open(sys.argv[-1] + '.written' + os.environ['RANK'], 'a') as file:
        file.write(f'{path}\\n')
    put(self, content, path)
LocalBackend.put = record
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name='__main__')
'''


def translate_in_two_processes(script: str, *arguments: str) -> Tuple[int, str]:
    process = start(['-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29651', script, *arguments])
    output = process.communicate(timeout=300)[0]
    return process.returncode, output


def test_two_processes_share_the_work_and_make_the_same_files(whole: Dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / 'records.py').write_text(RECORDS)
    code, output = translate_in_two_processes(str(tmp_path / 'records.py'), TOOL, 'mine.py', 'trained.pth',
                                              '--launcher', 'pytorch', '--out', f'{tmp_path}/out')
    assert code == 0, output[-3000:]
    written = [(tmp_path / f'out.written{rank}').read_text().splitlines() for rank in (0, 1)]
    shares = [[path for path in paths if path.startswith(f'{tmp_path}/out/') and 'index' not in path]
              for paths in written]
    assert all(len(share) >= 4 for share in shares) and sorted(shares[0] + shares[1]) == [
        f'{tmp_path}/out/{name}.part' for name in IMAGES]
    assert output.count('every one of them was opened') == output.count('report.md and samples.png') == 1
    assert files_of(tmp_path / 'out') == whole
    assert files_of(tmp_path / 'out_report') == files_of(Path('whole_report'))


def test_what_each_of_two_processes_cannot_read_is_named_once(whole: Dict[str, bytes], mine: Path) -> None:
    broken = [mine / 'source/images' / IMAGES[number] for number in UNSEEN]  # in batches of different processes
    for path in broken:
        path.write_bytes(path.read_bytes()[:-30])
    code, output = translate_in_two_processes(TOOL, 'mine.py', 'trained.pth', '--launcher', 'pytorch', '--out', 'out')
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


@pytest.fixture
def feels_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels that depend on how many images are translated at once, as rounding does on some devices."""
    original = DomainCycleGAN.translate
    monkeypatch.setattr(DomainCycleGAN, 'translate', lambda self, images: original(self, images) // 2 + len(images))


@pytest.mark.parametrize('number', [1, 6])
def test_full_disk_is_said_and_the_run_goes_on(data: Path, tmp_path: Path, feels_batch_size: None, number: int,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    put, out = LocalBackend.put, tmp_path / 'out'
    translate('--out', f'{tmp_path}/whole')
    whole = files_of(tmp_path / 'whole')

    def full_disk(self: LocalBackend, content: bytes, path: str) -> None:
        if IMAGES[number] in str(path):
            put(self, content[:100], path)
            raise OSError(errno.ENOSPC, 'No space left on device')
        put(self, content, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, 'put', full_disk)
        error = error_of('--out', str(out))
    assert f'the disk of {out} is full' in error and 'same command' in error and '\n' not in error
    kept = times_of(out)
    assert IMAGES[number] not in kept and 0 < len(kept) < 10 and not (tmp_path / 'out_report').exists()
    assert all((out / name).read_bytes() == whole[name] for name in kept)
    translate('--out', str(out))
    assert files_of(out) == whole
    assert {name: time for name, time in times_of(out).items() if name in kept} == kept


@pytest.mark.parametrize('workers', ['0', '1'])
def test_unreadable_images_are_named_and_the_others_translated(mine: Path, feels_batch_size: None,
                                                               workers: str) -> None:
    translate('--out', 'undisturbed')
    whole = files_of(mine / 'undisturbed')
    broken = [mine / 'source/images' / IMAGES[number] for number in UNSEEN]
    contents = [path.read_bytes() for path in broken]
    broken[0].write_bytes(contents[0][:-30])
    broken[1].write_bytes(b'no image')
    error = error_of('--out', 'out', '--workers', workers)
    assert '2 of 10 source images cannot be read' in error
    assert all(f'source/images/{IMAGES[number]}' in error for number in UNSEEN) and error.count('source/images/') == 2
    kept = times_of(mine / 'out')
    assert sorted(kept) == [name for number, name in enumerate(IMAGES) if number not in UNSEEN]
    assert json.loads((mine / 'out/index.json').read_text())['complete'] is False
    assert not (mine / 'out_report').exists()
    for path, content in zip(broken, contents):
        path.write_bytes(content)
    translate('--out', 'out')
    assert {name: time for name, time in times_of(mine / 'out').items() if name in kept} == kept
    assert files_of(mine / 'out') == whole


def test_damaged_translations_are_deleted_and_made_again(whole: Dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / 'out'
    shutil.copytree('whole', out)
    content = bytearray(whole[IMAGES[2]])
    content[len(content) // 2:len(content) // 2 + 8] = bytes(8)  # its end is in place: this shows when it is decoded
    (out / IMAGES[2]).write_bytes(content)
    kept = times_of(out)
    error = error_of('--out', str(out))
    assert '1 of 10 translations were damaged' in error and f'{out}/{IMAGES[2]}' in error and 'again' in error
    assert not (out / IMAGES[2]).exists() and not (tmp_path / 'out_report').exists()
    translate('--out', str(out))
    assert files_of(out) == whole
    assert {**times_of(out), IMAGES[2]: 0} == {**kept, IMAGES[2]: 0}


def test_translation_of_another_size_is_damaged(data: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    translate('--out', str(out), '--size', '16x12')
    write_image(out / IMAGES[0], np.zeros((16, 12, 3), np.uint8))
    assert '12x16; it must be 16x12' in error_of('--out', str(out), '--size', '16x12')


def test_source_that_changed_is_refused_unless_updated(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    (mine / 'source/images' / IMAGES[9]).rename(mine / 'source/images/zwolle.png')
    error = error_of('--out', 'out')
    assert 'the source changed' in error and '--update' in error
    assert files_of(mine / 'out') == whole
    translate('--out', 'out', '--update')
    found = files_of(mine / 'out')
    assert found.pop('zwolle.png') == whole[IMAGES[9]]
    assert found == {**{name: whole[name] for name in IMAGES[:9]}, 'index.json': found['index.json']}
    translate('--out', 'out')


def test_image_that_changed_is_translated_anew(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    kept = times_of(mine / 'out')
    write_image(mine / 'source/images' / IMAGES[4], np.full((20, 30, 3), 90, np.uint8))
    translate('--out', 'out')
    assert cv2.imread(f'out/{IMAGES[4]}').shape == (20, 30, 3)
    changed = {name for name, time in times_of(mine / 'out').items() if time != kept[name]}
    assert changed == {IMAGES[4]}


def test_list_of_images_may_come_later(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    (mine / 'list.txt').write_text('\n'.join(name[:-4] for name in IMAGES[:9]))
    options = ['--cfg-options', f'translate_dataloader.dataset.ann_file={mine}/list.txt', 'model.buffer_size=9']
    assert 'the source changed' in error_of('--out', 'out', *options)
    translate('--out', 'out', '--update', *options)
    assert sorted(files_of(mine / 'out')) == sorted([*IMAGES[:9], 'index.json'])


@pytest.mark.parametrize('workers', ['0', '1'])
def test_image_that_the_disk_cannot_read_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  workers: str) -> None:
    get = loading.fileio.get

    def fail(path: str, **options: object) -> bytes:
        if IMAGES[UNSEEN[0]] in path:
            raise OSError(errno.EIO, 'Input/output error', path)
        return get(path, **options)

    monkeypatch.setattr(loading.fileio, 'get', fail)
    error = error_of('--out', f'{tmp_path}/out', '--workers', workers)
    assert '1 of 10 source images cannot be read' in error and IMAGES[UNSEEN[0]] in error
    assert len(times_of(tmp_path / 'out')) == 9


def test_other_checkpoint_is_refused_unless_overwritten(whole: Dict[str, bytes], mine: Path) -> None:
    save_checkpoint('other.pth', 2)
    translate('--out', 'other', checkpoint='other.pth')
    translate('--out', 'out')
    error = error_of('--out', 'out', checkpoint='other.pth')
    assert 'another checkpoint' in error and '--overwrite' in error and files_of(mine / 'out') == whole
    translate('--out', 'out', '--overwrite', checkpoint='other.pth')
    assert files_of(mine / 'out') == files_of(mine / 'other')
    assert not any(whole[name] == (mine / 'out' / name).read_bytes() for name in IMAGES)


@pytest.fixture(scope='module')
def unfit(data: Path) -> None:
    """Checkpoints and configs that do not fit."""
    save_checkpoint('other_mean.pth', 1, mean=[127.5])
    save_checkpoint('other_order.pth', 1, channel_order='BGR')
    weights = torch.load('trained.pth')['state_dict']
    torch.save({name: value for name, value in weights.items() if 'generators.target.model.0' not in name},
               'half.pth')
    Path('nothing_to_translate.py').write_text("_base_ = 'mine.py'\ntranslate_dataloader = None\n")
    Path('empty/images').mkdir(parents=True)
    weights['generators.target.model.0.conv.bias'] /= 0
    torch.save(weights, 'diverged.pth')
    for name, change in dict(
            crops="translate_dataloader = dict(dataset=dict(pipeline=[_base_.load, dict(type='RandomCrop', "
                  'crop_size=(8, 8)), _base_.pack]))',
            several="translate_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[]))",
            cityscapes="train_dataloader = dict(dataset=dict(target=dict(_base_.target, type='CityscapesDataset', "
                       "_delete_=True, data_root='empty')))").items():
        Path(f'{name}.py').write_text(f"_base_ = 'mine.py'\n{change}\n")
    shutil.copytree('source', 'broken')
    broken = Path('broken/images', IMAGES[0])
    broken.write_bytes(broken.read_bytes()[:-30])


@pytest.mark.parametrize('arguments, files, message', [
    ([], dict(config='nowhere.py'), 'config nowhere.py does not exist'),
    ([], dict(config='nothing_to_translate.py'), 'no `translate_dataloader`, which says what is translated. Add '),
    ([], dict(checkpoint='nowhere.pth'), 'checkpoint nowhere.pth does not exist'),
    ([], dict(checkpoint='mine.py'), 'checkpoint mine.py cannot be read'),
    ([], dict(checkpoint='half.pth'), 'half.pth does not fit the config: 2 of 32 weights'),
    (['--cfg-options', 'model.generator.base_channels=3'], {}, 'weights of the generators are missing or of another'),
    ([], dict(checkpoint='other_mean.pth'), 'mean=[127.5] instead of [120.0, 110.0, 100.0]'),
    ([], dict(checkpoint='other_order.pth'), 'channel_order=BGR instead of RGB'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=empty'], {}, 'empty/images has no images'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=broken'], {}, f'broken/images/{IMAGES[0]} is truncated'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=lost'], {}, 'missing: lost/images'),
    (['--cfg-options', 'train_dataloader.dataset.target.data_root=empty'], {}, 'empty/images has no images'),
    (['--quality', '0', '--format', 'jpg'], {}, 'quality=0: it must be 1 to 100'),
    ([], dict(checkpoint='diverged.pth'), 'weights that are not finite (generators.target.model.0.conv.bias)'),
    ([], dict(config='crops.py'), "['LoadVerifiedImage', 'RandomCrop', 'PackSegInputs']: whole images"),
    ([], dict(config='several.py'), 'is a ConcatDataset: it must be a single data set'),
    ([], dict(config='cityscapes.py'), 'train_dataloader.dataset.target: no images in empty/images'),
    (['--cfg-options', 'model.data_preprocessor.mean=None', 'model.data_preprocessor.std=None'], {}, 'no mean and std'),
    (['--backbone', 'mine.py'], {}, 'the model DomainCycleGAN has no backbone for features'),
])  # yapf: disable
def test_mistakes_are_said_before_anything_is_written(unfit: None, tmp_path: Path, arguments: List[str], files: dict,
                                                      message: str) -> None:
    assert message in error_of('--out', f'{tmp_path}/out', *arguments, **files)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('size', ['0', '-1'])
def test_batch_size_is_at_least_1(data: Path, tmp_path: Path, size: str) -> None:
    assert f'batch_size={size}: it must be 1 or more' in error_of('--out', f'{tmp_path}/out', '--batch-size', size)


def test_several_processes_that_do_not_know_of_each_other_are_refused(data: Path, tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert 'Give --launcher pytorch' in error_of('--out', f'{tmp_path}/out')


def test_refusal_of_several_processes_is_said_once(whole: Dict[str, bytes], mine: Path) -> None:
    save_checkpoint('other.pth', 2)
    translate('--out', 'out')
    process = start(['-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29652', TOOL, 'mine.py',
                     'other.pth', '--out', 'out', '--launcher', 'pytorch'])
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 1 and output.count('another checkpoint') == 1 and 'RuntimeError' not in output


@pytest.mark.parametrize('size', ['640', '640x', '0x360', '-1x5', 'axb'])
def test_wrong_size_is_said(data: Path, capsys: pytest.CaptureFixture, size: str) -> None:
    error_of('--out', 'wrong', f'--size={size}')
    assert f"'{size}' is no size. Write <width>x<height> in pixels" in capsys.readouterr().err


def test_foreign_folder_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / 'mine.png').write_bytes(b'mine')
    for options in ([], ['--overwrite'], ['--update']):
        assert 'is left alone. Choose another --out' in error_of('--out', str(tmp_path), *options)
    assert files_of(tmp_path) == {'mine.png': b'mine'}
