"""Data sets that are entries of a config."""
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS


def build_entry(cfg: Config, key: str, option: str) -> BaseDataset:
    """Build the data set under a key of a config.

    Args:
        cfg (Config): The config.
        key (str): The key, such as 'labeled_target_train'.
        option (str): Name of the option that gave the key, for the message.

    Raises:
        ValueError: if there is no such data set.
    """
    dataset = cfg.get(key)
    if not (isinstance(dataset, dict) and 'data_prefix' in dataset):
        known = sorted(name for name, value in cfg.items() if isinstance(value, dict) and 'data_prefix' in value)
        raise ValueError(f'{option} {key}: the config has no such data set; its data sets are {known}. Use one of '
                         'them, or add it as in configs/_base_/datasets.')
    return DATASETS.build(dataset)
