"""Labels that a run makes of its own images while it goes on."""
import json
import os
import shutil
from pathlib import Path
from typing import Callable, Dict

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn

from labeling import files_of
from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from udas_mmseg.pseudo_labels.label import LabelingOptions, write_pseudo_labels
from udas_mmseg.utils.digests import weights_digest


@pytest.fixture(autouse=True)
def no_formatting(monkeypatch: pytest.MonkeyPatch) -> None:
    """MMEngine formats the config several times a run, which takes longer than the run."""
    monkeypatch.setattr(Config, 'pretty_text', '')


@pytest.fixture
def labeling(run_config: Callable, labeled_config: Callable, tmp_path: Path) -> Callable[..., Config]:
    """A tiny run that labels every second iteration, `<tmp>/<name>_labels`."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name)
        target = labeled_config('target', 3)
        target['data_prefix'] = dict(img_path='images')
        target.pop('label_map')
        hook = dict(type='MaxConfidencePseudoLabelHook', out=str(tmp_path / f'{name}_labels'), dataset=target,
                    interval=2, views=2, workers=workers)
        hook.update(changes)
        cfg.test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
        cfg.custom_hooks = [*cfg.custom_hooks, hook]
        return cfg

    return make


@HOOKS.register_module(force=True)
class KeepSets(Hook):
    """Notes what the labels are before each iteration."""
    priority = 'VERY_HIGH'
    seen: Dict[int, str] = {}
    contents: Dict[int, Dict[str, bytes]] = {}

    def before_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.seen[runner.iter] = os.readlink(runner.cfg.watched) if os.path.islink(runner.cfg.watched) else ''
        self.contents[runner.iter] = files_of(Path(runner.cfg.watched))


def forget() -> None:
    KeepSets.seen, KeepSets.contents = {}, {}


def watched(cfg: Config) -> Config:
    forget()
    cfg.watched = cfg.custom_hooks[1]['out']
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='KeepSets')]
    return cfg


def index_of(folder: Path) -> dict:
    return json.loads((folder / 'index.json').read_text())


def test_labels_are_made_with_the_model_as_it_is(labeling: Callable, tmp_path: Path) -> None:
    cfg = watched(labeling())
    runner = train(cfg)
    assert KeepSets.seen == {0: '', 1: '', 2: 'run_labels.iter_2', 3: 'run_labels.iter_2', 4: 'run_labels.iter_4',
                             5: 'run_labels.iter_4'}
    index = index_of(tmp_path / 'run_labels')
    assert index['teacher']['iteration'] == 6 and index['teacher']['sha256'] == weights_digest(runner.model)
    assert index['num_images'] == 3 and index['views'] == 2 and index['classes'] == ['road', 'sidewalk', 'other']
    # the same as the tool makes of the checkpoint
    again = write_pseudo_labels(cfg, f'{cfg.work_dir}/iter_6.pth', str(tmp_path / 'again'),
                                LabelingOptions(views=2, seed=index['seed'], workers=0),
                                dataset=cfg.custom_hooks[1]['dataset'])
    assert {**again, 'teacher': 0} == {**index, 'teacher': 0}
    pictures = {name: content for name, content in files_of(tmp_path / 'run_labels').items() if name != 'index.json'}
    assert len(pictures) == 6
    assert all((tmp_path / 'again' / name).read_bytes() == content for name, content in pictures.items())


def test_views_are_drawn_anew_each_time(labeling: Callable, tmp_path: Path) -> None:
    train(watched(labeling(interval=2)))
    seeds = {json.loads(KeepSets.contents[at]['index.json'])['seed'] for at in (2, 4)}
    assert len(seeds) == 2


@pytest.mark.parametrize('workers', [0, 1])
def test_training_does_not_notice(labeling: Callable, workers: int) -> None:
    cfg = labeling('without')
    cfg.custom_hooks = cfg.custom_hooks[:1]
    assert same_weights(train(labeling('with', workers=workers, begin=True)), train(cfg))


def test_labels_may_be_made_before_the_first_iteration(labeling: Callable, tmp_path: Path) -> None:
    cfg = watched(labeling(begin=True, interval=4))
    train(cfg)
    assert KeepSets.seen[0] == KeepSets.seen[3] == 'run_labels.iter_0'
    assert json.loads(KeepSets.contents[0]['index.json'])['teacher']['iteration'] == 0


@pytest.mark.parametrize('iteration', [3, 4, 5])  # a checkpoint every two iterations
def test_resumed_run_has_the_labels_of_one_that_was_not_broken_off(labeling: Callable, tmp_path: Path,
                                                                   iteration: int) -> None:
    whole = watched(labeling('whole', interval=3, begin=True))
    undisturbed = train(whole)
    expected, contents = KeepSets.seen, KeepSets.contents
    assert len(contents[5]) == 7
    cfg = watched(labeling('cut', interval=3, begin=True))
    interrupt(cfg, iteration)
    begun = iteration // 2 * 2  # the last checkpoint
    forget()
    assert same_weights(resumed(cfg), undisturbed)
    assert KeepSets.seen == {at: name.replace('whole', 'cut') for at, name in expected.items() if at >= begun}
    assert all(KeepSets.contents[at] == contents[at] for at in range(begun, 6))


def test_run_that_was_killed_while_it_labelled_labels_first(labeling: Callable, tmp_path: Path) -> None:
    cfg = watched(labeling())
    interrupt(cfg, 4)
    expected = files_of(tmp_path / 'run_labels.iter_4')
    shutil.rmtree(tmp_path / 'run_labels.iter_4')
    link = tmp_path / 'run_labels'
    link.unlink()
    link.symlink_to('run_labels.iter_2')
    forget()
    resumed(cfg)
    assert KeepSets.seen[4] == 'run_labels.iter_4' and KeepSets.contents[4] == expected


def test_lost_labels_are_made_anew(labeling: Callable, tmp_path: Path) -> None:
    cfg = watched(labeling(interval=3))
    interrupt(cfg, 5)  # the last checkpoint is that of iteration 4
    shutil.rmtree(tmp_path / 'run_labels.iter_3')
    resumed(cfg)
    assert KeepSets.seen[4] == 'run_labels.iter_3'
    assert json.loads(KeepSets.contents[4]['index.json'])['teacher']['iteration'] == 4


def test_sets_are_deleted_when_no_checkpoint_needs_them(labeling: Callable, tmp_path: Path) -> None:
    cfg = labeling(interval=1)
    cfg.default_hooks.checkpoint.interval = 3
    interrupt(cfg, 5)
    assert sorted(path.name for path in tmp_path.glob('run_labels.*')) == [f'run_labels.iter_{n}' for n in (3, 4, 5)]
    resumed(cfg)  # and a last checkpoint at its end
    assert sorted(path.name for path in tmp_path.glob('run_labels*')) == ['run_labels', 'run_labels.iter_6']


def test_earlier_labels_stay_behind_the_link(labeling: Callable, tmp_path: Path) -> None:
    train(labeling('first', interval=6))
    (tmp_path / 'first_labels').unlink()
    (tmp_path / 'first_labels.iter_6').rename(tmp_path / 'run_labels')
    before = files_of(tmp_path / 'run_labels')
    cfg = watched(labeling(interval=1))
    train(cfg)
    assert KeepSets.seen[0] == 'run_labels.before' and KeepSets.seen[1] == 'run_labels.iter_1'
    assert KeepSets.contents[0] == before != KeepSets.contents[1]
    assert files_of(tmp_path / 'run_labels.before') == before


def test_folder_of_something_else_is_left_alone(labeling: Callable, tmp_path: Path) -> None:
    (tmp_path / 'run_labels').mkdir()
    (tmp_path / 'run_labels/thesis.tex').touch()
    with pytest.raises(FileExistsError, match='no index.json of pseudo-labels, so it is not changed'):
        train(labeling())


@pytest.mark.parametrize('changes, message', [
    (dict(interval=0), 'interval=0: it must be 1 or more'),
    (dict(views=0), 'views=0'),
    (dict(augment=dict(type='RandomFlip')), 'views need an augmentation'),
    (dict(dataset=dict(type='Nothing')), 'no data set'),
])  # yapf: disable
def test_mistakes_are_known_before_training(labeling: Callable, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(labeling(**changes))


def test_model_of_other_classes_is_refused(labeling: Callable) -> None:
    cfg = labeling()
    cfg.custom_hooks[1]['dataset']['metainfo'] = dict(classes=('road', 'other'))
    with pytest.raises(ValueError, match='num_classes=3, but the images have 2 classes'):
        train(cfg)


def test_digest_is_that_of_weights_and_buffers() -> None:
    model = nn.BatchNorm1d(2)
    first = weights_digest(model)
    assert weights_digest(nn.BatchNorm1d(2)) == first
    model.running_mean[0] = 1
    second = weights_digest(model)
    with torch.no_grad():
        model.weight[0] = 2
    assert len({first, second, weights_digest(model), weights_digest(nn.BatchNorm1d(3))}) == 4


def test_processes_label_with_the_buffers_of_the_first(labeling: Callable, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # here the config is written
    cfg = labeling('two', interval=3)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    status, output = train_in_two_processes(cfg, tmp_path)
    assert status == 0, output[-3000:]
    index = index_of(tmp_path / 'two_labels')
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert not all(torch.equal(first[name], second[name]) for name in first)  # each has batch statistics of its own
    alone = write_pseudo_labels(cfg, f'{cfg.work_dir}/iter_6.pth', str(tmp_path / 'alone'),
                                LabelingOptions(views=2, seed=index['seed'], workers=0),
                                dataset=cfg.custom_hooks[1]['dataset'])
    assert {**alone, 'teacher': 0} == {**index, 'teacher': 0}
