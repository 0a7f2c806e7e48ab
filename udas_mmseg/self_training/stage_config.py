"""The config of each stage: an ordinary one, with the paths between stages filled in."""
import copy
import os.path as osp
from typing import Any, Dict, Iterator, List

from mmengine.config import Config
from mmseg.registry import DATASETS

from ..datasets.unlabeled import is_pseudo_labeled, without_labels
from ..engine.launch import enable_amp, load_config
from ..utils.config_dicts import config_dicts
from .stages import Stage

CONFIG = 'config.py'
_SEEDS = 1000  # between the seeds of rounds, so that they are not those of runs with the next seeds
# what may be changed during a run, since no result depends on it
_UNDECISIVE = ('default_hooks', 'env_cfg', 'experiment_name', 'log_level', 'log_processor', 'vis_backends',
               'visualizer')
_LOADING = ('num_workers', 'persistent_workers', 'prefetch_factor')


def stage_config(stage: Stage, work_dir: str, seed: int, common: Dict[str, Any], amp: str = '') -> Config:
    """The complete config of a stage that has one: its file, its options, and what earlier stages give it.

    Args:
        stage (Stage): A stage with a config file.
        work_dir (str): Folder of the whole run; the stage's is below it.
        seed (int): Seed of the whole run. Students of later rounds get other ones, derived from it.
        common (dict): Options of all trainings, under those of the stage.
        amp (str): 'float16', 'bfloat16' or '' for neither.

    Returns:
        Config: What `tools/train.py` runs, but for the checkpoint of a teacher that is not trained yet.

    Raises:
        FileNotFoundError: if there is no such config file.
        ValueError: if nothing in the config reads what an earlier stage makes.
    """
    folder = osp.join(work_dir, stage.name)
    options = {**common, **stage.settings.get('options', {})}
    if stage.kind not in ('adapt', 'student'):  # translators see no labels
        options.pop('budget', None)
    cfg = load_config(stage.config, folder, options)
    cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed + _SEEDS * stage.round}
    cfg.experiment_name = None  # the Runner names itself after the time
    if amp and stage.trains:
        enable_amp(cfg, amp)
    if stage.translations:
        _set_everywhere(cfg, stage, 'translated_root', osp.join(work_dir, stage.translations))
    if stage.labels:
        _set_everywhere(cfg, stage, 'pseudo_label_root', osp.join(work_dir, stage.labels))
    if stage.kind == 'student' and stage.settings['init'] == 'scratch':
        cfg.load_from = None
        for _, part in config_dicts(cfg.model):
            part.pop('pretrained', None)
            part.pop('init_cfg', None)
    return cfg


def without_products(stage: Stage, cfg: Config) -> Config:
    """A config as it can be checked before the stages that it needs have run: originals, and no pseudo-labels."""
    cfg = copy.deepcopy(cfg)
    for _, dataset in config_dicts(cfg.get('train_dataloader')):
        if stage.translations:
            dataset.pop('translated_root', None)
            dataset.pop('missing_translation', None)
        if is_pseudo_labeled(dataset):
            unlabeled = without_labels(dataset)
            dataset.clear()
            dataset.update(unlabeled)
    cfg.load_from = None
    return cfg


def decisive(cfg: Config) -> Dict[str, Any]:
    """What of a config decides what it trains, as a plain dict."""
    content = {key: value for key, value in cfg.to_dict().items() if key not in _UNDECISIVE}
    for _, part in config_dicts(content):
        for key in _LOADING:
            part.pop(key, None)
    return content


def to_label_statically(student: Config) -> List[Dict[str, Any]]:
    """The data sets that read pseudo-labels, as the config has them: what decides which images are labelled."""
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
    return {**images, 'ann_file': osp.abspath(budget.ann_file)}


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
