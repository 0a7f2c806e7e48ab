"""Configs of data sets without labels, for prediction."""
from typing import Any, Dict, List, Optional, Sequence

from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmseg.registry import DATASETS, TRANSFORMS

from .answered import is_answered
from .pseudo_labeled import PseudoLabeledDataset
from .transforms.loading import loads_labels

LABELS_ONLY = ('pseudo_label_root', 'answers_root', 'image_share')  # arguments that do not concern the images


def is_pseudo_labeled(dataset_cfg: Dict[str, Any]) -> bool:
    """Whether a config is one of `PseudoLabeledDataset`."""
    kind = dataset_cfg.get('type')
    return isinstance(kind, str) and DATASETS.get(kind) is PseudoLabeledDataset


def reads_products(dataset_cfg: Dict[str, Any]) -> bool:
    """Whether a config reads labels that a stage of self-training writes: pseudo-labels, or answers of a person."""
    return is_pseudo_labeled(dataset_cfg) or is_answered(dataset_cfg)


def without_labels(dataset_cfg: Dict[str, Any], pipeline: Optional[Sequence[Dict[str, Any]]] = None) -> Dict[str, Any]:
    """Return a config that only reads the images of a data set; labels are neither listed nor read.

    Args:
        dataset_cfg (dict): Config of a data set with or without labels. A `PseudoLabeledDataset` or an
            `AnsweredDataset` becomes a `LabelMappedDataset`.
        pipeline (Sequence[dict], optional): Pipeline of the images; steps that load labels are left out. Defaults to
            the pipeline of the data set.

    Returns:
        dict: A new config.
    """
    steps = dataset_cfg.get('pipeline') or [] if pipeline is None else pipeline
    prefix = {name: path for name, path in (dataset_cfg.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    found = {**dataset_cfg, 'data_prefix': {'img_path': '', **prefix},
             'pipeline': [step for step in steps if not loads_labels(step)]}  # yapf: disable
    if reads_products(dataset_cfg):
        for key in LABELS_ONLY:
            found.pop(key, None)
        found['type'] = 'LabelMappedDataset'
        if isinstance(found.get('metainfo'), str):
            found['metainfo'] = dict(DATASETS.get(found['metainfo']).METAINFO)
    return found


def predicts_alike(pipeline: Sequence[Dict[str, Any]]) -> bool:
    """Whether a pipeline packs whole images and has no random changes."""
    names = [str(step['type']) for step in pipeline]
    return names[-1:] == ['PackSegInputs'] and not any(
        name.startswith('Random') or name == 'PhotoMetricDistortion' for name in names)


def prediction_pipeline(cfg: Config) -> List[Dict[str, Any]]:
    """Return the test pipeline of a config. Labels are not loaded, and the loader of images names broken files.

    Raises:
        ValueError: if there is no test pipeline, or one with random changes; or for a config of self-training.
    """
    found = (cfg.get('test_dataloader') or {}).get('dataset', {}).get('pipeline') or cfg.get('test_pipeline')
    if not found and 'self_training' in cfg:
        raise ValueError('this config has the stages of self-training, not a model. Give the two files of its export, '
                         'export/<name>.py and export/<name>.pth in its work directory, or those of a single training.')
    if not found:
        raise ValueError('the config has neither test_dataloader.dataset.pipeline nor test_pipeline, so it is unknown '
                         'how images are loaded. Add `test_pipeline`, as in configs/_base_/datasets.')
    pipeline = [_verified(step) for step in found if not loads_labels(step)]
    if not predicts_alike(pipeline):
        names = [str(step['type']) for step in pipeline]
        raise ValueError(f'the test pipeline is {names}, but prediction needs whole images without random changes. Use '
                         'LoadVerifiedImage, optionally Resize, and PackSegInputs.')
    return pipeline


def _verified(step: Dict[str, Any]) -> Dict[str, Any]:
    """Return the step, or instead of MMCV's image loader one that names broken files."""
    return {**step, 'type': 'LoadVerifiedImage'} if TRANSFORMS.get(step['type']) is LoadImageFromFile else dict(step)
