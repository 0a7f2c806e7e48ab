"""The config of each stage: an ordinary one, with the paths between stages filled in."""
import copy
import os.path as osp
from typing import Any, Dict, Iterator, List

from mmengine.config import Config
from mmseg.registry import DATASETS

from ..datasets.unlabeled import is_pseudo_labeled, without_labels
from ..engine.launch import enable_amp
from ..utils.config_dicts import config_dicts
from .stage import RunContext, Stage

CONFIG = 'config.py'
# role -> entry of a training data set that is set to the folder of the stage that gives it
FILLED_IN = dict(translations='translated_root', labels='pseudo_label_root')
_SEEDS = 1000  # between the seeds of rounds, so that they are not those of runs with the next seeds


def training_config(stage: Stage, context: RunContext) -> Config:
    """The complete config of a stage: its file, its options, and what earlier stages give it.

    Args:
        stage (Stage): A stage with a config file. Those of later rounds get other seeds, derived from the run's.
        context (RunContext): The run.

    Returns:
        Config: What `tools/train.py` runs, but for the checkpoint of a teacher that is not trained yet.

    Raises:
        FileNotFoundError: if there is no such config file.
        ValueError: if nothing in the config reads what an earlier stage makes.
    """
    cfg = context.load_config(stage, context.folder(stage.name))
    cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': context.seed + _SEEDS * stage.round}
    cfg.experiment_name = None  # the Runner names itself after the time
    if context.amp and stage.trains:
        enable_amp(cfg, context.amp)
    for role, key in FILLED_IN.items():
        if role in stage.links:
            _set_everywhere(cfg, stage, key, context.folder(stage.links[role]))
    return cfg


def without_products(stage: Stage, cfg: Config) -> Config:
    """A config as it can be checked before the stages that it needs have run: originals, and no pseudo-labels."""
    cfg = copy.deepcopy(cfg)
    for _, dataset in config_dicts(cfg.get('train_dataloader')):
        if 'translations' in stage.links:
            dataset.pop('translated_root', None)
            dataset.pop('missing_translation', None)
        if is_pseudo_labeled(dataset):
            unlabeled = without_labels(dataset)
            dataset.clear()
            dataset.update(unlabeled)
    cfg.load_from = None
    return cfg


def to_label_statically(student: Config) -> List[Dict[str, Any]]:
    """The data sets that read pseudo-labels, as the config has them: they determine which images are labelled."""
    found = copy.deepcopy(list(_with_budget(student.train_dataloader.dataset)))
    for _, dataset in config_dicts(found):
        dataset.pop('pipeline', None)
        dataset.pop('pseudo_label_root', None)
    return found


def to_label(dataset: Dict[str, Any]) -> Dict[str, Any]:
    """Config of the images that a pseudo-labelled data set, perhaps within a budget, reads labels of."""
    dataset = copy.deepcopy(dataset)
    if is_pseudo_labeled(dataset):
        return without_labels(dataset)
    images = without_labels(dataset['dataset'])
    budget = DATASETS.build({**dataset, 'dataset': {**images, 'lazy_init': True}})
    return {**images, 'ann_file': budget.ann_file and osp.abspath(budget.ann_file)}  # none: all images


def pseudo_labeled_dataset(cfg: Config) -> Dict[str, Any]:
    """The data set of a student's config that reads pseudo-labels, within its budget if it has one.

    Raises:
        ValueError: if there is not exactly one.
    """
    found = list(_with_budget(cfg.train_dataloader.dataset))
    if len(found) != 1:
        raise ValueError(f'{cfg.filename} has {len(found)} data sets of type PseudoLabeledDataset in train_dataloader; '
                         'a student needs exactly one, as in configs/udas/gta2cs_student_0.py.')
    return found[0]


def pseudo_label_threshold(dataset: Dict[str, Any]) -> float:
    """The confidence from which on a pseudo-labelled data set keeps pixels; 0 if it keeps them all."""
    steps = [step for _, part in config_dicts(dataset) for step in part.get('pipeline') or []]
    thresholds = [step.get('threshold', 0.6) for step in steps if step['type'] == 'LoadPseudoLabel']
    return thresholds[0] if thresholds else 0.0


def _with_budget(dataset: Any) -> Iterator[Dict[str, Any]]:
    """Pseudo-labelled data sets, each with the `LabelBudgetDataset` around it where there is one."""
    if isinstance(dataset, dict) and is_pseudo_labeled(dataset):
        yield dataset
    elif isinstance(dataset, dict) and dataset.get('type') == 'LabelBudgetDataset':
        if is_pseudo_labeled(dataset.get('dataset') or {}):
            yield dataset
    else:
        children: List[Any] = list(dataset.values() if isinstance(dataset, dict) else dataset)
        for child in children:
            if isinstance(child, (dict, list, tuple)):
                yield from _with_budget(child)


def _set_everywhere(cfg: Config, stage: Stage, key: str, folder: str) -> None:
    """Set an entry in every training data set that has it."""
    found = [dataset for _, dataset in config_dicts(cfg.train_dataloader.dataset) if key in dataset]
    if not found:
        raise ValueError(f'{stage.name} is to read what {osp.basename(folder)} makes, but no data set in '
                         f'train_dataloader of {stage.config} has `{key}`. Add it there (any value), or leave that '
                         'stage out of self_training.')
    for dataset in found:
        dataset[key] = folder
