"""What is refused before anything is translated."""
import shutil
from pathlib import Path
from typing import Dict, List

import pytest
import torch

from translating import IMAGES, TOOL, error_of, files_of, save_checkpoint, translate
from two_processes import launch_two


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
    ([], dict(config='nothing_to_translate.py'), 'no `translate_dataloader` with the images to translate. Add '),
    ([], dict(checkpoint='nowhere.pth'), 'checkpoint nowhere.pth does not exist'),
    ([], dict(checkpoint='mine.py'), 'checkpoint mine.py cannot be read'),
    ([], dict(checkpoint='half.pth'), 'half.pth does not match the config: 2 of 32 weights'),
    (['--cfg-options', 'model.generator.base_channels=3'], {}, 'weights of the generators are missing or have another'),
    ([], dict(checkpoint='other_mean.pth'), 'mean=[127.5] instead of [120.0, 110.0, 100.0]'),
    ([], dict(checkpoint='other_order.pth'), 'channel_order=BGR instead of RGB'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=empty'], {}, 'empty/images has no images'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=broken'], {}, f'broken/images/{IMAGES[0]} is truncated'),
    (['--cfg-options', 'translate_dataloader.dataset.data_root=lost'], {}, 'missing: lost/images'),
    (['--cfg-options', 'train_dataloader.dataset.target.data_root=empty'], {}, 'empty/images has no images'),
    (['--quality', '0', '--format', 'jpg'], {}, 'quality=0: it must be 1 to 100'),
    ([], dict(checkpoint='diverged.pth'), 'weights that are not finite (generators.target.model.0.conv.bias)'),
    ([], dict(config='crops.py'), "'RandomCrop', 'PackSegInputs'], but translation needs whole images"),
    ([], dict(config='several.py'), 'is a ConcatDataset: it must be a single data set'),
    ([], dict(config='cityscapes.py'), 'train_dataloader.dataset.target: empty/images has no images ending in'),
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
    assert 'Add --launcher pytorch' in error_of('--out', f'{tmp_path}/out')


def test_refusal_of_several_processes_is_said_once(whole: Dict[str, bytes], mine: Path) -> None:
    save_checkpoint('other.pth', 2)
    translate('--out', 'out')
    code, output = launch_two(TOOL, 'mine.py', 'other.pth', '--out', 'out', '--launcher', 'pytorch')
    assert code == 1 and output.count('another checkpoint') == 1 and 'RuntimeError' not in output


@pytest.mark.parametrize('size', ['640', '640x', '0x360', '-1x5', 'axb'])
def test_wrong_size_is_said(data: Path, capsys: pytest.CaptureFixture, size: str) -> None:
    error_of('--out', 'wrong', f'--size={size}')
    assert f"'{size}' is not a size. Use <width>x<height> in pixels" in capsys.readouterr().err


def test_foreign_folder_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / 'mine.png').write_bytes(b'mine')
    for options in ([], ['--overwrite'], ['--update']):
        assert 'is not changed. Choose another --out' in error_of('--out', str(tmp_path), *options)
    assert files_of(tmp_path) == {'mine.png': b'mine'}
