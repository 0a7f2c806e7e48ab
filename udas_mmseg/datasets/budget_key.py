"""A single key for all label budgets of a config."""
from typing import Any, Dict, Iterator, Mapping

from mmengine.config import Config

from ..utils.config_dicts import config_dicts
from .label_budget import LabelBudget
from .list_files import NO_LABELS


def apply_budget(cfg: Mapping[str, Any]) -> None:
    """Copy the top-level key `budget` of a config to every `LabelBudgetDataset` in it, in place.

    MMEngine evaluates a config file once. A child config or `--cfg-options budget=500` changes the key, but not the
    values that were computed from it. Call this function after everything is merged. Without the key, nothing changes.

    Args:
        cfg (Config | dict): A config whose `budget` is a number of images, or a fraction of them such as '1/16'.

    Raises:
        ValueError: if `budget` is not a valid size, or no data set in `train_dataloader` has a budget.

    Example:
        >>> cfg = dict(budget=500, train_dataloader=dict(dataset=dict(type='LabelBudgetDataset', n=100)))
        >>> apply_budget(cfg)
        >>> cfg['train_dataloader']['dataset']['n']
        500
    """
    budget = cfg.get('budget')
    if budget is None:
        return
    try:
        LabelBudget(budget)
    except ValueError as error:
        raise ValueError(f'budget={budget!r}: {error}') from None
    if not any(_budget_datasets(dict(train=cfg.get('train_dataloader')))):
        raise ValueError(f'budget={budget!r} has no effect: no data set in train_dataloader is a LabelBudgetDataset. '
                         'Remove budget, or use a config with labelled target images, such as '
                         'configs/udas/gta2cs_uda_cutmix.py.')
    for dataset in _budget_datasets(cfg):
        dataset['n'] = budget


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge options into a config in place, and apply its `budget` again if they change it.

    Args:
        cfg (Config): A config.
        options (Mapping): Dotted key -> value.

    Raises:
        ValueError: if the options remove `budget`, set an invalid one, or give a data set another budget.
    """
    before = cfg.get('budget')
    cfg.merge_from_dict(dict(options))
    if before is not None and cfg.get('budget') is None:
        raise ValueError(f'budget=None, but the config has labelled images, {before} by default. {NO_LABELS}')
    if 'self_training' in cfg:
        return
    if cfg.get('budget') != before:
        apply_budget(cfg)
    check_budget(cfg)


def check_budget(cfg: Mapping[str, Any]) -> None:
    """Check that all label budgets of a config equal its top-level key `budget`, if it has this key.

    Raises:
        ValueError: if one of them differs, because the config was read without `apply_budget`.
    """
    budget = cfg.get('budget')
    for dataset in _budget_datasets(cfg) if budget is not None else ():
        if dataset.get('n') != budget:
            raise ValueError(f'the config has budget={budget!r}, but a LabelBudgetDataset with n={dataset.get("n")!r}. '
                             "Change only `budget`, and read the config with udas_mmseg's load_config, as its "
                             'tools/train.py does, or write the same number in both places.')


def _budget_datasets(cfg: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """Iterate over the configs of all label budgets in a config, with or without a scope in their type."""
    for value in cfg.values():
        for _, part in config_dicts(value):
            kind = part.get('type')
            if isinstance(kind, str) and kind.rpartition('.')[2] == 'LabelBudgetDataset':
                yield part
