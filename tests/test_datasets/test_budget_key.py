"""One key for all label budgets of a config."""
from types import SimpleNamespace
from typing import Any

import pytest
from mmengine.config import Config

from udas_mmseg.datasets.budget_key import apply_budget, check_budget
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.loops import PositionTrainLoop


def config(**changes: Any) -> Config:
    return Config(dict(
        budget=10,
        train_dataloader=dict(dataset=dict(
            source=dict(type='DomainMixDataset', target=dict(type='mmseg.LabelBudgetDataset', n=10, dataset=dict())),
            target=dict(type='LabelBudgetDataset', n=10, part='unlabeled', dataset=dict(n=3)))),
        parts=[dict(type='LabelBudgetDataset', n=10)]).copy() | changes)


@pytest.mark.parametrize('size', [5, 2975, '1/16'])
def test_every_label_budget_takes_it(size: Any) -> None:
    cfg = config(budget=size)
    apply_budget(cfg)
    pair = cfg.train_dataloader.dataset
    assert pair.source.target.n == pair.target.n == cfg.parts[0]['n'] == size
    assert pair.target.dataset.n == 3, 'no label budget'
    check_budget(cfg)


def test_without_the_key_budgets_stay() -> None:
    cfg = config(budget=None)
    before = cfg.to_dict()
    apply_budget(cfg)
    check_budget(cfg)
    assert cfg.to_dict() == before


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(budget=0), 'budget=0: .*UDA needs no labels: .*configs/udas/gta2cs_uda.py'),
    (dict(budget=-1), 'budget=-1: .*empty labelled set'),
    (dict(budget='many'), "budget='many': .*an integer, 1 or more"),
    (dict(budget=dict(n=1)), 'budget=.*an integer, 1 or more'),
    (dict(train_dataloader=None), 'budget=10 has no effect: no data set in train_dataloader is a Label'),
])
def test_what_it_refuses(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply_budget(config(**changes))


def test_training_refuses_a_config_whose_budget_was_not_applied() -> None:
    cfg = config(budget=500)
    with pytest.raises(ValueError, match='budget=500, but a LabelBudgetDataset with n=10.*load_config'):
        PositionTrainLoop(SimpleNamespace(cfg=cfg), {}, 1)  # type: ignore[arg-type]


def test_it_is_applied_after_children_and_options(tmp_path: Any) -> None:
    (tmp_path / 'base.py').write_text(
        "budget = 10\ntrain_dataloader = dict(dataset=dict(type='LabelBudgetDataset', n=budget))\n")
    child = tmp_path / 'child.py'
    child.write_text("_base_ = './base.py'\nbudget = 20\n")
    assert load_config(str(child)).train_dataloader.dataset.n == 20
    for budget, folder in ((20, 'child'), (5, 'child_5'), ('1/20', 'child_1-20')):
        cfg = load_config(str(child), cfg_options=dict(budget=budget))
        assert (cfg.train_dataloader.dataset.n, cfg.work_dir) == (budget, f'work_dirs/{folder}')
    option = {'train_dataloader.dataset.n': 7}
    with pytest.raises(ValueError, match='budget=20, but a LabelBudgetDataset with n=7. Change only `budget`'):
        load_config(str(child), cfg_options=option)
    assert load_config(str(child), cfg_options=dict(option, budget=7)).train_dataloader.dataset.n == 7
    with pytest.raises(ValueError, match='budget=None, but .* 20 by default. UDA needs no labels'):
        load_config(str(child), cfg_options=dict(budget=None))
