"""What runs a config: a single training, or a registered runner."""
from pathlib import Path
from typing import Any, Dict, List

import pytest
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


def test_resuming_without_a_checkpoint_is_said(tmp_path: Path) -> None:
    cfg = Config(dict(work_dir=str(tmp_path), load_from='weights.pth'))
    assert SingleTraining(cfg, resume=True).prepare() == [
        f'no checkpoint in {tmp_path}: training begins at iteration 0, with the weights of weights.pth'
    ]
    assert SingleTraining(cfg).prepare() == []
