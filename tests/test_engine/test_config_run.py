"""The class that runs a config: a single training, or a registered runner."""
from pathlib import Path
from typing import Any, Dict, List

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from udas_mmseg.engine.config_run import ConfigRun, SingleTraining, run_type
from udas_mmseg.self_training import SelfTrainingRunner


class Planned(ConfigRun):

    @classmethod
    def from_options(cls, cfg: Config, *options: Any, **more: Any) -> 'Planned':
        return cls()

    def prepare(self) -> List[str]:
        return []

    def train(self) -> None:
        pass

    @classmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        return {}


def test_a_registered_runner_takes_part_if_it_is_a_config_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNNERS.module_dict, 'Planned', Planned)
    monkeypatch.setitem(RUNNERS.module_dict, 'Other', Runner)
    assert run_type(Config()) is SingleTraining
    assert run_type(Config(dict(runner_type='Planned'))) is Planned
    assert run_type(Config(dict(runner_type='Other'))) is SingleTraining
    assert run_type(Config(dict(runner_type='SelfTrainingRunner'))) is SelfTrainingRunner
    assert Planned().plan() == ''


def test_results_of_a_single_training_are_its_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / 'last_checkpoint').write_text(f'{tmp_path}/iter_2.pth\n')
    assert SingleTraining.results(str(tmp_path)) == {'': dict(checkpoint=f'{tmp_path}/iter_2.pth')}


def test_resuming_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    cfg = Config(dict(work_dir=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match=rf'no checkpoint in {tmp_path}.*Leave out --resume .*--resume PATH'):
        SingleTraining(cfg, resume=True).prepare()
    with pytest.raises(FileNotFoundError, match=r'--resume a\.pth: this checkpoint does not exist'):
        SingleTraining(cfg, resume='a.pth').prepare()
    assert SingleTraining(cfg).prepare() == []


def test_resuming_from_a_path(tmp_path: Path) -> None:
    cfg = Config(dict(work_dir=str(tmp_path / 'run'), model=dict(type='MultiLevelDiscriminator')))
    torch.save(dict(state_dict={}, meta=dict(iter=2)), tmp_path / 'iter_2.pth')
    torch.save(dict(state_dict={}), tmp_path / 'exported.pth')
    assert SingleTraining(cfg, resume=str(tmp_path / 'iter_2.pth')).prepare() == []
    assert cfg.resume and cfg.load_from == str(tmp_path / 'iter_2.pth')
    with pytest.raises(ValueError, match='exported.pth has no iteration'):
        SingleTraining(cfg, resume=str(tmp_path / 'exported.pth')).prepare()


def test_self_training_does_not_resume_from_a_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='--resume a.pth: a run of self-training continues from the'):
        SelfTrainingRunner.from_options(Config(), resume='a.pth')


def test_all_samples_are_checked_if_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: List[Any] = []
    monkeypatch.setattr('udas_mmseg.engine.config_run.check_config', lambda cfg, count: asked.append(count) or [])
    run = SingleTraining(Config(dict(work_dir=str(tmp_path))))
    run.prepare()
    run.num_scanned = None
    run.prepare()
    assert asked == [8, None]
