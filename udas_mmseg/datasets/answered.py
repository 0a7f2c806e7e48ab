"""Images of which a person has labelled some pixels, in rounds of active labelling."""
import hashlib
import json
import os.path as osp
from typing import Any, Dict, List, Optional, Set, Union

from mmseg.registry import DATASETS

from ..utils.digests import file_digest
from ..utils.mirrored_folder import mirrored_path
from .image_files import image_size
from .image_folders import list_files
from .label_mapped import LabelMappedDataset
from .metainfo import metainfo_of, refuse_other_labels
from .translated import first_names, original_path

SELECTION, LABELS = 'selection.json', 'labels'  # in the folder of a round of active labelling


@DATASETS.register_module()
class AnsweredDataset(LabelMappedDataset):
    """The images that have an answer in a round of active labelling, with labels that are 255 elsewhere.

    The label of `<img_path>/a/b.jpg` is `<answers_root>/labels/a/b.png`, with train ids; `LoadAnswers` in the pipeline
    reads it. Images without such a file are left out, so that no unlabelled image is taken for a labelled one. No other
    label is ever opened. Use it as the branch `labeled_target`; the branch `target` may have the same images.

    Args:
        answers_root (str): Folder of a round, such as `work_dirs/labor/active/round_1`. It is relative to the current
            folder, not to `data_root`.
        metainfo (dict | str, optional): `classes` and `palette`, or the name of a data set class that has them, such as
            'CityscapesDataset'.
        **kwargs: Other arguments of `LabelMappedDataset`, except `label_map`; `data_prefix` without `seg_map_path`.

    Raises:
        FileNotFoundError: if a folder or the list file is missing, or there are no images.
        ValueError: if no image has a label yet, a label belongs to none of the images or has another size than its
            image, or the round has other classes; if `answers_root` is missing, or `seg_map_path` or `label_map` given.

    Example:
        >>> answered_train = dict(
        ...     type='AnsweredDataset',
        ...     answers_root='work_dirs/labor/active/round_1',
        ...     metainfo='CityscapesDataset',
        ...     data_root='data/cityscapes',
        ...     data_prefix=dict(img_path='leftImg8bit/train'),
        ...     img_suffix='_leftImg8bit.png',
        ...     pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadAnswers'), ...])
    """

    def __init__(self, answers_root: str = '', metainfo: Union[dict, str, None] = None, **kwargs: Any) -> None:
        if not answers_root:
            raise ValueError('AnsweredDataset has no answers_root. Set it to the folder of a round of '
                             'tools/active_label.py, such as work_dirs/labor/active/round_1. Only a run in rounds '
                             'fills it in.')
        refuse_other_labels('AnsweredDataset', 'answers_root', answers_root, kwargs)
        self.answers_root = answers_root
        super().__init__(metainfo=metainfo_of(metainfo, type(self).__name__), **kwargs)

    def load_data_list(self) -> List[dict]:
        """List the images that have an answer; see the class.

        Returns:
            list[dict]: MMSegmentation's data information, with the label as `seg_map_path`.
        """
        data_list = super().load_data_list()
        check_answer_classes(self.answers_root, tuple(self.metainfo.get('classes') or ()), type(self).__name__)
        labeled = add_answers(data_list, self.answers_root, self.data_prefix.get('img_path') or '', 'seg_map_path')
        if not labeled:
            raise ValueError(f'no image is labelled yet in {osp.join(self.answers_root, LABELS)}. Label some: `python '
                             f'tools/active_label.py export {self.answers_root}` writes them for an annotation tool, '
                             'and `import` reads what was labelled.')
        return labeled


def add_answers(data_list: List[dict], root: str, img_dir: str, key: str) -> List[dict]:
    """Add the paths of their labels to the images that have an answer in a round, and return these images.

    Args:
        data_list (list[dict]): Data information of all images, which is changed in place.
        root (str): Folder of the round.
        img_dir (str): Folder that contains the images.
        key (str): Entry for the path of the label.

    Raises:
        ValueError: if a label belongs to none of the images, or has another size than its image.
    """
    folder = osp.join(root, LABELS)
    present: Set[str] = set(list_files(folder, '.png')) if osp.isdir(folder) else set()
    labeled = []
    for info in data_list:
        image = original_path(info)
        name = mirrored_path(image, img_dir)
        if name not in present:
            continue
        present.remove(name)
        info[key] = osp.join(folder, name)
        _check_size(info[key], image)
        labeled.append(info)
    if present:
        raise ValueError(f'{len(present)} labels in {folder} belong to none of the {len(data_list)} images of '
                         f'{img_dir}: {first_names(sorted(present))}. Was the round made from other images? Correct '
                         '`data_prefix` or `ann_file`, or use the folder of another round.')
    return labeled


def check_answer_classes(root: str, classes: tuple, owner: str) -> None:
    """Check that a round of active labelling has the classes of a data set.

    Args:
        root (str): Folder of the round.
        classes (tuple[str]): Classes of the data set.
        owner (str): Name of the data set, for messages.

    Raises:
        ValueError: if the folder is not a round, or has other classes.
    """
    path = osp.join(root, SELECTION)
    try:
        with open(path, encoding='utf-8') as file:
            theirs = tuple(json.load(file)['classes'])
    except FileNotFoundError as error:
        raise ValueError(f'answers_root={root!r} has no {SELECTION} (looked in {osp.abspath(osp.curdir)}, not in '
                         '`data_root`). Use the folder of a round that `python tools/active_label.py select` wrote, '
                         'such as work_dirs/labor/active/round_1.') from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} cannot be read ({error!r}): was it edited? Restore it.') from error
    if theirs != classes:
        raise ValueError(f'the round in {root} has the {len(theirs)} classes {theirs}, but {owner} has {len(classes)}: '
                         f'{classes}. Names and order must be the same: correct `metainfo` (metainfo='
                         "'CityscapesDataset' uses its classes), or use a round of these classes.")


def answers_digest(root: str) -> str:
    """Return the SHA-256 of all labels of a round, with their names."""
    folder, digest = osp.join(root, LABELS), hashlib.sha256()
    for name in sorted(list_files(folder, '.png')) if osp.isdir(folder) else ():
        digest.update(f'{name} {file_digest(osp.join(folder, name))}\n'.encode())
    return digest.hexdigest()


def is_answered(dataset_cfg: Dict[str, Any]) -> bool:
    """Whether a config is one of `AnsweredDataset`."""
    kind: Optional[Any] = dataset_cfg.get('type')
    return isinstance(kind, str) and DATASETS.get(kind) is AnsweredDataset


def _check_size(label: str, image: str) -> None:
    """Check the headers of a label and its image, which may be stored with an EXIF orientation."""
    size = image_size(label, False)
    sizes = [image_size(image, turned) for turned in (True, False)]
    if size not in sizes:
        raise ValueError(f'{label} is {size[0]}x{size[1]}, but its image {image} is {sizes[0][0]}x{sizes[0][1]} (width '
                         'x height). Both must have the same size: export and label the image again.')
