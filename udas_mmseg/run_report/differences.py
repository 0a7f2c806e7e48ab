"""Differences between the configs of trainings."""
from typing import Any, Dict, List, Mapping, NamedTuple

from mmengine.config import Config

# what determines a training; the other keys of a config are parts of these
_KEYS = ('budget', 'load_from', 'randomness', 'model', 'train_dataloader', 'optim_wrapper', 'param_scheduler',
         'train_cfg', 'custom_hooks')
_LONGEST = 160  # characters of a value
_ABSENT = '-'


class Difference(NamedTuple):
    """A dotted key, and its value in both configs; '-' where it is missing."""
    key: str
    before: str
    after: str


def config_differences(before: Config, after: Config) -> List[Difference]:
    """Compare the settings that determine a training.

    A part that only one of the configs has is one difference, as are lists of different lengths.

    Example:
        >>> config_differences(Config(dict(model=dict(type='A'))), Config(dict(model=dict(type='B'))))
        [Difference(key='model.type', before='A', after='B')]
    """
    first, second = ({key: value for key, value in cfg.to_dict().items() if key in _KEYS} for cfg in (before, after))
    found: List[Difference] = []
    _compare(first, second, '', found)
    return found


def _compare(before: Any, after: Any, path: str, found: List[Difference]) -> None:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys: Dict[str, None] = dict.fromkeys([*before, *after])
        for key in keys:
            _compare(before.get(key, _ABSENT), after.get(key, _ABSENT), f'{path}.{key}' if path else key, found)
    elif _is_list_of_parts(before) and _is_list_of_parts(after) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after)):
            _compare(one, other, f'{path}[{number}]', found)
    else:
        found.append(Difference(path, _short(before), _short(after)))


def _is_list_of_parts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'
