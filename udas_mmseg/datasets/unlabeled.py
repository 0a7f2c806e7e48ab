"""Configs of data sets without labels, for prediction."""
from typing import Any, Dict, Optional, Sequence

from mmseg.registry import DATASETS

from .pseudo_labeled import PseudoLabeledDataset
from .transforms.loading import loads_labels


def is_pseudo_labeled(dataset_cfg: Dict[str, Any]) -> bool:
    """Whether a config is one of `PseudoLabeledDataset`."""
    kind = dataset_cfg.get('type')
    return isinstance(kind, str) and DATASETS.get(kind) is PseudoLabeledDataset


def without_labels(dataset_cfg: Dict[str, Any], pipeline: Optional[Sequence[Dict[str, Any]]] = None) -> Dict[str, Any]:
    """Return a config that only reads the images of a data set; labels are neither listed nor read.

    Args:
        dataset_cfg (dict): Config of a data set with or without labels. A `PseudoLabeledDataset` becomes a
            `LabelMappedDataset`.
        pipeline (Sequence[dict], optional): Pipeline of the images; steps that load labels are left out. Defaults to
            the pipeline of the data set.

    Returns:
        dict: A new config.
    """
    steps = dataset_cfg.get('pipeline') or [] if pipeline is None else pipeline
    prefix = {name: path for name, path in (dataset_cfg.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    found = {**dataset_cfg, 'data_prefix': {'img_path': '', **prefix},
             'pipeline': [step for step in steps if not loads_labels(step)]}  # yapf: disable
    if is_pseudo_labeled(dataset_cfg):
        del found['pseudo_label_root']
        found['type'] = 'LabelMappedDataset'
        if isinstance(found.get('metainfo'), str):
            found['metainfo'] = dict(DATASETS.get(found['metainfo']).METAINFO)
    return found


def predicts_alike(pipeline: Sequence[Dict[str, Any]]) -> bool:
    """Whether a pipeline packs whole images and has no random changes."""
    names = [str(step['type']) for step in pipeline]
    return names[-1:] == ['PackSegInputs'] and not any(
        name.startswith('Random') or name == 'PhotoMetricDistortion' for name in names)
