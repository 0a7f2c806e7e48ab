"""Caches in configs: their settings, the check before a run, and configs without them."""
from typing import Any, Dict, List, Optional, Union

from mmengine.dataset import BaseDataset, Compose
from mmseg.registry import DATASETS

from ...utils.config_dicts import config_dicts
from .pack import CacheError
from .steps import first_steps

_WRAPPER, _TAKES_CACHE = 'CachedDataset', ('StreamDataset', 'DomainPairDataset')
_ARGUMENTS = ('cache_dir', 'full_size', 'also')  # of the wrapper, besides the data set
Cache = Union[bool, Dict[str, Any], None]


def cache_settings(cache: Cache) -> Optional[Dict[str, Any]]:
    """Return the arguments of `CachedDataset` that a value of `cache` stands for; None without a cache.

    Raises:
        CacheError: if the value is not allowed.
    """
    if cache is None or cache is False:
        return None
    if cache is not True and not isinstance(cache, dict):
        raise CacheError(f'cache={cache!r}: allowed are True, False, and a dict of arguments of CachedDataset, such as '
                         "cache=dict(cache_dir='/scratch/cache').")
    unknown = set() if cache is True else set(cache) - set(_ARGUMENTS)
    if unknown:
        raise CacheError(f'cache has {sorted(unknown)}; its entries are {", ".join(_ARGUMENTS)}.')
    return {} if cache is True else dict(cache)


def check_caches(cfg: Any, place: str) -> List[str]:
    """Check that the pipelines of all data sets with a cache can be cached, without reading a sample.

    Args:
        cfg: A config, or a part of one.
        place (str): Its dotted key.

    Returns:
        list[str]: Descriptions of mistakes.
    """
    problems = []
    for path, part in config_dicts(cfg, place):
        try:
            settings = _settings_in(part)
            for _, reader in config_dicts(part) if settings is not None else ():
                _check_steps(reader, settings or {})
        except CacheError as error:
            problems.append(f'{path}: {error}')
    return problems


def _settings_in(dataset: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the settings of the cache in the config of a data set; None if it has none."""
    kind = _kind_name(dataset)
    return dataset if kind == _WRAPPER else cache_settings(dataset.get('cache')) if kind in _TAKES_CACHE else None


def _check_steps(cfg: Dict[str, Any], settings: Dict[str, Any]) -> None:
    """Check the pipeline in a config if it is that of a data set which reads files."""
    kind = DATASETS.get(cfg['type']) if isinstance(cfg.get('type'), str) else cfg.get('type')
    if isinstance(kind, type) and issubclass(kind, BaseDataset):
        first_steps(Compose(cfg.get('pipeline')).transforms, settings.get('also', ()), settings.get('full_size', False),
                    kind.__name__)


def without_caches(cfg: Any) -> Any:
    """Return a copy of a config, or of a part of it, whose data sets have no caches."""
    if isinstance(cfg, dict):
        kind = _kind_name(cfg)
        if kind == _WRAPPER:
            return without_caches(cfg['dataset'])
        return type(cfg)({key: without_caches(value) for key, value in cfg.items()
                          if key != 'cache' or kind not in _TAKES_CACHE})  # yapf: disable
    return type(cfg)(map(without_caches, cfg)) if type(cfg) in (list, tuple) else cfg


def _kind_name(cfg: Dict[str, Any]) -> str:
    """Return the name of the class in a config, without its scope."""
    kind = cfg.get('type')
    return kind.__name__ if isinstance(kind, type) else str(kind).rpartition('.')[2]
