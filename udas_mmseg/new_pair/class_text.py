"""Names of classes that are given in Python, in the form of the command line."""
from typing import Any, Mapping, Optional, Sequence, Union

from .names import REST_KEY, format_value


def class_text(classes: Optional[Union[str, Sequence[str], Mapping[Any, str]]], argument: str) -> str:
    """Return names as `parse_classes` reads them.

    Args:
        classes (str | Sequence[str] | Mapping, optional): Names of the ids 0, 1, ...; or a dict of ids, colours (red,
            green, blue), texts such as '#804080', and '*' for all others; or the text itself. None for ''.
        argument (str): Name of the argument in messages.

    Raises:
        ValueError: if a name has a comma or an equals sign, or a key is neither an id nor a colour.

    Example:
        >>> class_text({7: 'road', (128, 64, 128): 'road', '*': 'other'}, 'classes')
        '7=road,#804080=road,*=other'
    """
    if classes is None or isinstance(classes, str):
        return classes or ''
    names = list(classes.values() if isinstance(classes, Mapping) else classes)
    wrong = [name for name in names if not isinstance(name, str) or not name.strip() or set(name) & set(',=')]
    if wrong:
        raise ValueError(f'{argument}: {wrong[0]!r} is not a name. Names are texts without "," and "=".')
    if not isinstance(classes, Mapping):
        return ','.join(names)
    return ','.join(f'{_key(key, argument)}={name}' for key, name in classes.items())


def _key(key: Any, argument: str) -> str:
    if isinstance(key, str) and (key == REST_KEY or key.startswith('#')):
        return key
    parts = key if isinstance(key, (tuple, list)) and len(key) == 3 else (key, )
    if all(isinstance(part, int) and 0 <= part <= (255 if len(parts) == 3 else part) for part in parts):
        return format_value(tuple(parts) if len(parts) == 3 else key)
    raise ValueError(f'{argument}: {key!r} is neither an id, such as 7, nor a colour, such as (128, 64, 128), nor '
                     f'{REST_KEY!r} for all others.')
