"""Arguments that data sets with labels of this project share: classes and colours, and no other labels."""
from typing import Any, Dict, Optional, Union

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


def refuse_other_labels(owner: str, root: str, folder: str, arguments: Dict[str, Any]) -> None:
    """Refuse arguments for other labels than those in a folder; `data_prefix` is set if it is missing.

    Args:
        owner (str): Name of the data set, for messages.
        root (str): Name of the argument for the folder.
        folder (str): The folder.
        arguments (dict): The other arguments of the data set, changed in place.

    Raises:
        ValueError: if `data_prefix.seg_map_path` or `label_map` is given.
    """
    prefix = arguments.setdefault('data_prefix', dict(img_path=''))
    for name, value in (('seg_map_path', prefix.get('seg_map_path')), ('label_map', arguments.get('label_map'))):
        if value is not None:
            raise ValueError(f'{owner} has {name}={value!r}, but its labels are the train ids in {root}={folder!r}, '
                             f'and no others are opened. Remove `{name}`, or use LabelMappedDataset.')
