"""Iterating over configs."""
from typing import Any, Dict, Iterator, Tuple


def config_dicts(node: Any, path: str = '') -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Iterate over all dicts in a config, outermost first. A dict may be changed before the next one is requested.

    Args:
        node: A config, or a part of one.
        path (str): Dotted key of `node`. Defaults to ''.

    Yields:
        tuple: dotted key, such as 'train_dataloader.dataset.datasets[1]', and the dict.

    Example:
        >>> [path for path, part in config_dicts(dict(type='A', parts=[dict(type='B')]), 'model')]
        ['model', 'model.parts[0]']
    """
    if isinstance(node, dict):
        yield path, node
        for key, value in list(node.items()):
            yield from config_dicts(value, f'{path}.{key}' if path else str(key))
    elif isinstance(node, (list, tuple)):
        for number, item in enumerate(node):
            yield from config_dicts(item, f'{path}[{number}]')
