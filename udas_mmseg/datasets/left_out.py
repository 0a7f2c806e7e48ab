"""Settings that a config may leave out, because its other parts determine them."""
import inspect
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple, Union

from mmengine.fileio import list_from_file
from mmseg.registry import DATASETS, MODELS

from ..utils.config_dicts import config_dicts

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_HEADS = ('decode_head', 'auxiliary_head')


def fill_left_out(cfg: Dict[str, Any]) -> None:
    """Fill in what a config leaves out, in place, so that the config of the run is complete.

    - `num_classes` of decode heads and auxiliary heads: the number of classes of the first data set that has classes.
      A value in the config is kept; the check before a run refuses it if it does not fit the data.
    - The config of a translator (with `translate_dataloader`) without `val_cfg` has no validation: `val_dataloader` and
      `val_evaluator`, which it may have from its data sets, become None. The same holds for testing.

    Args:
        cfg (Config | dict): A complete config, after all options.

    Raises:
        ValueError: if a head has no `num_classes`, and no data set has classes.
    """
    for path, head in _heads(cfg.get('model')):
        if 'num_classes' not in head and _takes_num_classes(head.get('type')):
            classes = _classes_of_data(cfg)
            if not classes:
                raise ValueError(f'{path} has no num_classes, and no data set of the config has classes. Set '
                                 "`metainfo` of the data sets, metainfo=dict(classes=('road', ...), palette=[...]), or "
                                 f'{path}.num_classes.')
            head['num_classes'] = len(classes)
    if 'translate_dataloader' in cfg:
        for split in ('val', 'test'):
            if cfg.get(f'{split}_cfg') is None:
                cfg.update({f'{split}_{part}': None for part in ('dataloader', 'evaluator', 'cfg')})


def _heads(model: Any) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Iterate over the configs of all heads of a model, with their dotted keys; a model may have a list of heads."""
    for path, part in config_dicts(model, 'model'):
        for name in _HEADS:
            heads = part.get(name)
            for number, head in enumerate(heads if isinstance(heads, (list, tuple)) else [heads]):
                if isinstance(head, dict):
                    yield f'{path}.{name}[{number}]' if head is not heads else f'{path}.{name}', head


def _takes_num_classes(kind: Union[str, type, None]) -> bool:
    """Whether a class of heads, or one that it derives from, has an argument `num_classes`."""
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(cls, type) and any(
        'num_classes' in inspect.signature(vars(base)['__init__']).parameters for base in cls.__mro__[:-1]
        if '__init__' in vars(base))


def _classes_of_data(cfg: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the classes of the first data set that has some; empty if none has."""
    for loader in _LOADERS:
        for _, dataset in config_dicts((cfg.get(loader) or {}).get('dataset')):
            classes = classes_of(dataset)
            if classes:
                return classes
    return ()


def classes_of(dataset: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the classes of a data set's config: those of its `metainfo`, else those of its class."""
    given = dataset.get('metainfo')
    own = None if isinstance(given, str) else (given or {}).get('classes')
    if isinstance(own, str):  # a file with a class in each line
        own = list_from_file(own)
    return tuple(own or _classes_of_type(given if isinstance(given, str) else dataset.get('type')) or ())


def _classes_of_type(kind: Union[str, type, None]) -> Optional[Tuple[str, ...]]:
    cls = DATASETS.get(kind) if isinstance(kind, str) else kind
    return (getattr(cls, 'METAINFO', None) or {}).get('classes')
