"""Building the config of each stage: an ordinary config, in which the paths between stages are filled in."""
import copy
import os.path as osp
from typing import Any, Dict, Iterator, List

from mmengine.config import Config
from mmseg.registry import DATASETS

from ..datasets.answered import answers_digest, is_answered
from ..datasets.unlabeled import LABELS_ONLY, is_pseudo_labeled, reads_products, without_labels
from ..engine.launch import enable_amp
from ..engine.memory import memory_amp
from ..utils.config_dicts import config_dicts
from ..utils.digests import file_digest
from ..utils.mirrored_folder import INDEX
from .stage import RunContext, Stage

CONFIG = 'config.py'
# role -> entry of a training data set that is set to the folder of the stage that gives it
FILLED_IN = dict(translations='translated_root', labels='pseudo_label_root', answers='answers_root')
_WITHOUT = dict(translations=' or reads the images that are translated', labels=' or is a PseudoLabeledDataset',
                answers=' or is an AnsweredDataset')
_OMIT = dict(labels=', for a student that trains online: None for its round in label.per_round')
_SEEDS = 1000  # difference between the seeds of rounds, so that they differ from those of runs with the next seeds


def training_config(stage: Stage, context: RunContext) -> Config:
    """Build the complete config of a stage from its file, its options, and the folders of earlier stages.

    Args:
        stage (Stage): A stage with a config file. Stages of each round have another seed, derived from the run's.
        context (RunContext): The run.

    Returns:
        Config: The config for `tools/train.py`, without the checkpoint of a teacher that is not trained yet.

    Raises:
        FileNotFoundError: if the config file does not exist.
        ValueError: if no data set of the config reads the files of an earlier stage.
    """
    cfg = context.load_config(stage, context.folder(stage.name))
    cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': context.seed + _SEEDS * stage.round}
    cfg.experiment_name = None  # the Runner uses the time as its name
    amp = context.amp or memory_amp(cfg)
    if amp and stage.trains:
        enable_amp(cfg, amp)
    for role, key in FILLED_IN.items():
        if role in stage.links:
            for dataset in _readers(cfg, stage, role, context):
                dataset[key] = context.folder(stage.links[role])
    for other in context.stages:
        other.change_training(stage, cfg, context)
    return cfg


def product_digest(role: str, folder: str) -> str:
    """Return the SHA-256 of what a training reads from the folder of an earlier stage."""
    return answers_digest(folder) if role == 'answers' else file_digest(osp.join(folder, INDEX))


def without_products(stage: Stage, cfg: Config) -> Config:
    """Return a config that can be checked before earlier stages have run: with originals, without labels from them."""
    cfg = copy.deepcopy(cfg)
    for _, dataset in config_dicts(cfg.get('train_dataloader')):
        if 'translations' in stage.links:
            dataset.pop('translated_root', None)
            dataset.pop('missing_translation', None)
        if reads_products(dataset):
            unlabeled = without_labels(dataset)
            dataset.clear()
            dataset.update(unlabeled)
    cfg.load_from = None
    return cfg


def to_label_statically(student: Config) -> List[Dict[str, Any]]:
    """Return the config's data sets that read pseudo-labels, which determine the images to label."""
    found = copy.deepcopy(list(_with_budget(student.train_dataloader.dataset)))
    for _, dataset in config_dicts(found):
        for key in ('pipeline', *LABELS_ONLY):
            dataset.pop(key, None)
    return found


def to_label(dataset: Dict[str, Any]) -> Dict[str, Any]:
    """Return the config of the images of a data set of the target, which may be in a budget."""
    dataset = copy.deepcopy(dataset)
    if dataset['type'] != 'LabelBudgetDataset':
        return without_labels(dataset)
    images = without_labels(dataset['dataset'])
    budget = DATASETS.build({**dataset, 'dataset': {**images, 'lazy_init': True}})
    return {**images, 'ann_file': budget.ann_file and osp.abspath(budget.ann_file)}  # none: all images


def pseudo_labeled_dataset(cfg: Config) -> Dict[str, Any]:
    """Return the data set of a student's config that reads pseudo-labels, within its budget if it has one.

    Raises:
        ValueError: if there is not exactly one.
    """
    found = list(_with_budget(cfg.train_dataloader.dataset))
    if len(found) != 1:
        raise ValueError(f'{cfg.filename} has {len(found)} data sets of type PseudoLabeledDataset in train_dataloader; '
                         'a student needs exactly one, as in configs/udas/gta2cs_student_0.py.')
    return found[0]


def pseudo_label_threshold(dataset: Dict[str, Any]) -> float:
    """Return the lowest confidence at which a pseudo-labelled data set keeps pixels; 0 if it keeps them all."""
    steps = [step for _, part in config_dicts(dataset) for step in part.get('pipeline') or []]
    thresholds = [step.get('threshold', 0.6) for step in steps if step['type'] == 'LoadPseudoLabel']
    return thresholds[0] if thresholds else 0.0


def _with_budget(dataset: Any) -> Iterator[Dict[str, Any]]:
    """Iterate over pseudo-labelled data sets, each with the `LabelBudgetDataset` around it if there is one."""
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


def _readers(cfg: Config, stage: Stage, role: str, context: RunContext) -> List[Dict[str, Any]]:
    """Return the training data sets that read the files of an earlier stage: those that have an entry for its folder.

    If none has it, these are all pseudo-labelled data sets, or all that read the images that were translated. Every
    image of the latter must have a translation. An `AnsweredDataset` reads answers in any case.
    """
    datasets, key = [dataset for _, dataset in config_dicts(cfg.train_dataloader.dataset)], FILLED_IN[role]
    found = [dataset for dataset in datasets if key in dataset or (role == 'answers' and is_answered(dataset))]
    if not found and role == 'labels':
        found = [dataset for dataset in datasets if is_pseudo_labeled(dataset)]
    elif not found and role == 'translations':
        translator = context.configs.get(stage.links['translations']) or {}
        folder = image_folder((translator.get('translate_dataloader') or {}).get('dataset') or {})
        found = [dataset for dataset in datasets if folder and image_folder(dataset) == folder]
        for dataset in found:
            dataset.setdefault('missing_translation', 'error')
    if not found and role not in stage.may_ignore:
        raise ValueError(f'{stage.name} should read the files of {stage.links[role]}, but no data set in '
                         f'train_dataloader of {stage.config} has `{key}`{_WITHOUT[role]}. Add it there (any value), '
                         f'or leave out the earlier stage in self_training{_OMIT.get(role, "")}.')
    return found


def image_folder(dataset: Dict[str, Any]) -> str:
    """Return the folder of the images in the config of a data set; '' if it does not have one."""
    folder = (dataset.get('data_prefix') or {}).get('img_path')
    return osp.abspath(osp.join(dataset.get('data_root') or '', folder)) if folder else ''
