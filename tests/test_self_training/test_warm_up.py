"""Adaptation that begins with a network which the run has trained."""
from pathlib import Path

import pytest
import torch

from killed_runs import weights
from tiny_self_training import runner, stages


def test_adaptation_begins_with_the_weights_of_the_warm_up(config: Path, tmp_path: Path) -> None:
    still = {'optim_wrapper.segmentor.optimizer.lr': 0.0}
    options = {'options': {'train_cfg.max_iters': 1}, 'warm_up.config': str(config.with_name('adapt.py')),
               'adapt.options': still, 'stages.each_round': [], 'stages.after': [], 'label': None, 'student': None,
               'export': None}
    run = runner(config, tmp_path, **options)
    assert [stage.name for stage in run.stages] == ['00_warm_up', '01_adapt']
    run.train()
    first, second = (weights(stages(tmp_path)[name]['checkpoint']) for name in ('00_warm_up', '01_adapt'))
    names = [name for name in second if name.startswith('segmentor') and name.endswith('weight')]
    assert names and all(torch.equal(first[name], second[name]) for name in names)
    with pytest.raises(ValueError, match='no training takes the initial_weights of 00_warm_up'):
        runner(config, tmp_path / 'b', **options, **{'adapt.checkpoint': 'uda.pth'}).check()
