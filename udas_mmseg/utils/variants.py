"""Variants of a config with other values of some keys."""
import itertools
import re
from typing import Any, Iterable, List, Mapping, NamedTuple, Sequence, Tuple


class Variant(NamedTuple):
    """Options that override a config, as KEY=VALUE, and the suffix of its name in a table, such as ' budget=5'."""
    suffix: str
    options: Tuple[str, ...]


def parse_values(argument: str) -> Tuple[str, List[str]]:
    """Split KEY=a,b,c into the key and its values; commas in brackets belong to a value.

    Raises:
        ValueError: if it has another form.

    Example:
        >>> parse_values('model.kl.weight=0.1,0.5')
        ('model.kl.weight', ['0.1', '0.5'])
        >>> parse_values('sizes=(1,2),(3,4)')
        ('sizes', ['(1,2)', '(3,4)'])
    """
    key, _, text = argument.partition('=')
    values = [value.strip() for value in re.split(r',(?![^\[(]*[\])])', text)]
    if not re.fullmatch(r'\w+(\.\w+)*', key) or not all(values) or len(set(values)) != len(values):
        raise ValueError(f'{argument!r}: it must be KEY=a,b,c with a dotted key of the config and different values, '
                         'such as budget=1,2,5.')
    return key, values


def expand(keys: Mapping[str, Sequence[str]]) -> List[Variant]:
    """Return all combinations of the values of some keys; the last key changes fastest.

    Args:
        keys (Mapping[str, Sequence[str]]): Dotted keys, each with its values; see `parse_values`.

    Returns:
        list[Variant]: The combinations; a single one without options if there are no keys.

    Example:
        >>> [variant.suffix for variant in expand({'budget': ['1', '2']})]
        [' budget=1', ' budget=2']
    """
    product = itertools.product(*([f'{key}={value}' for value in values] for key, values in keys.items()))
    return [Variant(''.join(f' {option}' for option in options), options) for options in product]


def folder_name(name: str) -> str:
    """Convert the name of a row to a relative path, without characters that are not allowed in paths.

    Example:
        >>> folder_name('demo/ssl budget=1/20')
        'demo/ssl_budget-1-20'
    """
    config, *options = name.split(' ')
    return '_'.join([config, *(re.sub(r'[^\w.-]', '-', option) for option in options)])


def unknown_keys(keys: Iterable[str], cfg: Mapping[str, Any]) -> List[str]:
    """Return the dotted keys whose first part is not in a config, which would have no effect."""
    return [key for key in keys if key.split('.')[0] not in cfg]
