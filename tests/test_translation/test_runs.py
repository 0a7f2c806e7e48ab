"""Whole runs of a translator: resumed exactly, on two processes, with pictures."""
from pathlib import Path
from typing import Callable, Dict

import cv2
import pytest
import torch
from mmengine.config import Config

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes, train_once


def buffers(runner: object) -> Dict[str, torch.Tensor]:
    return {domain: torch.cat(buffer.image_buffer) for domain, buffer in runner.model.image_buffers.items()}


@pytest.mark.parametrize('iteration, workers', [(2, 0), (5, 2)])  # at a checkpoint; one iteration after one
def test_resumed_run_has_the_same_weights_and_buffers(translator_config: Callable, iteration: int,
                                                      workers: int) -> None:
    whole = train_once(translator_config('whole'))
    cfg = translator_config('cut', workers)
    interrupt(cfg, iteration)
    again = resumed(cfg)
    assert same_weights(again, whole)
    assert all(torch.equal(images, buffers(whole)[domain]) for domain, images in buffers(again).items())


def test_without_the_buffers_the_resumed_run_is_another_one(translator_config: Callable) -> None:
    whole = train_once(translator_config('whole'))
    cfg = translator_config('cut')
    cfg.default_hooks.pop('translator')
    interrupt(cfg, 4)
    assert not same_weights(resumed(cfg), whole)


def test_checkpoint_from_elsewhere_is_checked_and_begins_with_empty_buffers(translator_config: Callable) -> None:
    first = train(translator_config('first'))
    checkpoint = f'{first.work_dir}/iter_6.pth'
    second = train(translator_config('second', load_from=checkpoint, **{'train_cfg.max_iters': 0}))
    assert same_weights(second, first) is False  # of iteration 6
    assert all(not buffer.image_buffer for buffer in second.model.image_buffers.values())
    with pytest.raises(ValueError, match=r'output_channel_order'):
        train(translator_config('third', load_from=checkpoint,
                                **{'model.data_preprocessor': dict(output_channel_order='RGB')}))


def test_pictures_of_both_domains(translator_config: Callable) -> None:
    runner = train(translator_config('run'))
    pictures = sorted(Path(runner.work_dir).rglob('domain_panel_*.png'))
    assert [path.stem for path in pictures] == ['domain_panel_4', 'domain_panel_7']
    picture = cv2.imread(str(pictures[0]))
    assert picture.shape[1] >= 3 * 32 and picture.shape[0] >= 4 * 16  # three columns; two images of each domain


def launch(cfg: Config, folder: Path) -> list:
    """Train in two processes; what each ends with."""
    folder.mkdir()
    code, output = train_in_two_processes(cfg, folder)
    assert code == 0, output[-3000:]
    return [torch.load(folder / f'rank{rank}.pth') for rank in (0, 1)]


def test_two_processes_agree_with_one_that_has_all_of_their_images(translator_config: Callable,
                                                                   tmp_path: Path) -> None:
    # Without the buffers, which draw other images in each process, and without Adam, which makes much of rounding where
    # a gradient is 0, as of a bias before instance normalisation.
    sgd = dict(_delete_=True, type='SGD', lr=0.01)
    plain = {'model.buffer_size': 0, 'train_cfg.max_iters': 3,
             **{f'optim_wrapper.{child}.optimizer': sgd for child in ('generators', 'discriminators')}}
    first, second = (rank['weights'] for rank in launch(translator_config('two', **plain), tmp_path / 'a'))
    assert all(torch.equal(first[name], second[name]) for name in first)
    alone = train(translator_config('alone', **plain, **{'train_dataloader.batch_size': 4})).model.state_dict()
    half = train(translator_config('half', **plain)).model.state_dict()
    for name, value in first.items():
        assert torch.allclose(alone[name], value, atol=1e-5), name
    key = 'generators.target.model.0.conv.weight'
    assert not torch.allclose(alone[key], half[key], atol=1e-3)


def test_two_processes_resume_with_the_buffers_of_each(processes: str, translator_config: Callable,
                                                       tmp_path: Path) -> None:
    whole = launch(translator_config('whole'), tmp_path / 'a')
    cut = translator_config('cut')
    launch(Config(dict(cut, train_cfg=dict(type='PositionTrainLoop', max_iters=4))), tmp_path / 'b')
    cut.resume = True
    again = launch(cut, tmp_path / 'c')
    for rank in (0, 1):
        for part in ('weights', 'buffers'):
            expected, got = whole[rank][part], again[rank][part]
            assert expected.keys() == got.keys() and all(torch.equal(expected[name], got[name]) for name in expected)
    assert not torch.equal(whole[0]['buffers']['target'], whole[1]['buffers']['target'])
