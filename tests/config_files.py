"""The files under configs/, each read once by a process of tests."""
import copy
import os
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
Read = Tuple[dict, str, dict]  # what MMEngine makes of a file: its entries, its text, the environment's variables in it


def read_once(read: Callable[..., Read]) -> Callable[..., Read]:
    """Cache MMEngine's function, which reads the same few base files again for each of more than a hundred configs.

    Other files are read each time. The same environment gives the same entries: configs depend on nothing else.
    """
    kept: Dict[tuple, Read] = {}

    def read_file(filename: str, *options: Any, **more: Any) -> Read:
        path = Path(os.path.abspath(filename))
        if CONFIGS not in path.parents:
            return read(filename, *options, **more)
        environment = sorted(item for item in os.environ.items() if item[0].startswith('UDAS_'))
        key = path, options, repr(more), tuple(environment)
        if key not in kept:
            kept[key] = read(filename, *options, **more)
        return copy_of(kept[key], {})

    return read_file


def copy_of(value: Any, copies: Dict[int, Any]) -> Any:
    """`copy.deepcopy` for what configs consist of, without the time that it needs for strings and numbers."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if id(value) in copies:
        return copies[id(value)]
    if isinstance(value, dict):
        copied = copies[id(value)] = type(value)()
        for key, entry in dict.items(value):
            dict.__setitem__(copied, key, copy_of(entry, copies))
    elif type(value) is list:
        copied = copies[id(value)] = []
        copied.extend(copy_of(entry, copies) for entry in value)
    elif type(value) is tuple:
        copied = copies[id(value)] = tuple(copy_of(entry, copies) for entry in value)
    else:
        copied = copy.deepcopy(value, copies)
    return copied
