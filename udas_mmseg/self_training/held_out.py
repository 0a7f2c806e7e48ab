"""Holding out images from the trainings of a run, to compare its models on them."""
import os.path as osp
from typing import Any, Dict, List, Optional, Set, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from ..datasets.hold_out import PARTS
from ..datasets.label_mapped import LabelMappedDataset
from ..datasets.unlabeled import is_pseudo_labeled
from ..utils.config_dicts import config_dicts
from .stage_config import image_folder, to_label

_HELD_OUT = PARTS[1]
_TRANSLATION = ('translated_root', 'missing_translation')


def hold_out_images(cfg: Config, source: Dict[str, Any], target: Dict[str, Any]) -> None:
    """Set `hold_out` in the training data sets of a config: in those of the labelled source and of pseudo-labels.

    Args:
        cfg (Config): Config of a training, changed in place.
        source (dict): `hold_out` of the source, see `HoldOut`.
        target (dict): `hold_out` of the target images with pseudo-labels.
    """
    first = source_dataset(cfg)
    for _, dataset in config_dicts(cfg.train_dataloader.dataset):
        if is_pseudo_labeled(dataset):
            dataset['hold_out'] = target
        elif first is not None and _is_label_mapped(dataset) and image_folder(dataset) == image_folder(first):
            dataset['hold_out'] = source


def source_dataset(cfg: Config) -> Optional[Dict[str, Any]]:
    """Return the data set of the labelled source images in a training config.

    It is the first one that reads translations, or else the first labelled one of the `source` branch. None if there
    is no such data set, or if it is not a `LabelMappedDataset`.
    """
    whole = cfg.train_dataloader.dataset
    found = [dataset for _, dataset in config_dicts(whole.get('source') or whole) if _is_labeled(dataset)]
    translated = [dataset for dataset in found if dataset.get('translated_root') is not None]
    chosen = (translated or found)[:1]
    return chosen[0] if chosen and _is_label_mapped(chosen[0]) else None


def target_dataset(cfg: Config) -> Dict[str, Any]:
    """Return the config of the target images in a training config without pseudo-labels: of its branch `target`.

    Raises:
        ValueError: if it has no such branch.
    """
    found = cfg.train_dataloader.dataset.get('target')
    if not found:
        raise ValueError(f'{cfg.filename} has neither pseudo-labels nor a branch `target` in train_dataloader, so '
                         'there are no target images to compare the student with its teacher. Set '
                         "self_training.keep='last'.")
    images = to_label(found)
    built = DATASETS.build({**images, 'lazy_init': True})  # for the suffix and the classes of its kind
    return {**images, 'type': 'LabelMappedDataset', 'img_suffix': built.img_suffix,
            'metainfo': {key: built.metainfo[key] for key in ('classes', 'palette')}}


def held_out_datasets(student: Config, target: Dict[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Return the configs of the labelled source images and of the target images that a run holds out.

    Args:
        student (Config): Config of a student, in which source images are held out.
        target (dict): Config of target images with `hold_out`.

    Raises:
        ValueError: if the student has no labelled source images.
    """
    source = source_dataset(student)
    if source is None:
        raise ValueError(f'{student.filename} has no labelled source images in a LabelMappedDataset (or a data set '
                         'derived from it, such as GTA5Dataset), so none can be held out to compare the student with '
                         "its teacher. Use one, or set self_training.keep='last', or select=dict(by='validation') "
                         'with labelled validation images.')
    return tuple({**dict(dataset), 'hold_out': {**dataset['hold_out'], 'part': _HELD_OUT}}
                 for dataset in (source, target))  # type: ignore[return-value]


def open_originals(dataset: Dict[str, Any]) -> BaseDataset:
    """Build a data set of the original images, which exist before any stage has run."""
    return DATASETS.build({key: value for key, value in dataset.items() if key not in _TRANSLATION})


def paths_of(dataset: BaseDataset) -> Set[str]:
    """Return the absolute paths of the images of a data set."""
    return {osp.abspath(dataset.get_data_info(index)['img_path']) for index in range(len(dataset))}


def check_held_out(cfg: Config, source: Dict[str, Any], held_out: Set[str]) -> None:
    """Check that a training reads none of the held-out source images with their labels.

    Args:
        cfg (Config): Config of the training.
        source (dict): Config of the held-out source images.
        held_out (set[str]): Their paths.

    Raises:
        ValueError: if it does.
    """
    known: List[Dict[str, Any]] = [_listing({**source, 'hold_out': {**source['hold_out'], 'part': PARTS[0]}})]
    for path, dataset in config_dicts(cfg.train_dataloader.dataset, 'train_dataloader.dataset'):
        if not _is_labeled(dataset) or _listing(dataset) in known:
            continue
        known.append(_listing(dataset))
        shared = held_out & paths_of(open_originals(dataset))
        if shared:
            raise ValueError(f'{path} of {cfg.filename} trains on {len(shared)} labelled source images that are held '
                             f'out to compare the models, such as {min(shared)}. Give it the same `ann_file` as the '
                             "source of the student's config, or leave these images out there.")


def _is_labeled(dataset: Dict[str, Any]) -> bool:
    """Whether a config is that of images with labels, except pseudo-labels."""
    kind = DATASETS.get(dataset['type']) if isinstance(dataset.get('type'), str) else dataset.get('type')
    is_data = isinstance(kind, type) and issubclass(kind, BaseDataset)
    prefix = dataset.get('data_prefix') or {'seg_map_path': ''}
    return is_data and not is_pseudo_labeled(dataset) and prefix.get('seg_map_path') is not None


def _is_label_mapped(dataset: Dict[str, Any]) -> bool:
    return _is_labeled(dataset) and issubclass(DATASETS.get(dataset['type']), LabelMappedDataset)


def _listing(dataset: Dict[str, Any]) -> Dict[str, Any]:
    """Return the settings that determine the images of a data set, and some others."""
    return {key: value for key, value in dataset.items() if key not in ('pipeline', 'test_mode', *_TRANSLATION)}
