"""Classes and colours of data sets."""
from typing import Optional, Union

from mmseg.registry import DATASETS


def metainfo_of(given: Union[dict, str, None], owner: str) -> Optional[dict]:
    """Return classes and palette, given directly or as the name of a data set class.

    Args:
        given (dict | str, optional): `classes` and `palette`, or a name such as 'CityscapesDataset'.
        owner (str): Name of the data set that they are for, for messages.

    Raises:
        ValueError: if there is no data set class with this name that has classes.
    """
    if not isinstance(given, str):
        return given
    kind = DATASETS.get(given)
    found = getattr(kind, 'METAINFO', {})
    if not found.get('classes'):
        raise ValueError(f'metainfo={given!r} of {owner}: there is no data set with this name that has classes. Use '
                         "such a name ('CityscapesDataset'), or dict(classes=..., palette=...).")
    return dict(found)
