"""Exporting a round of active labelling for an annotation tool, and importing the answers."""
import os
import os.path as osp
from pathlib import Path
from typing import Any, Tuple

from ..active.selection_set import Selection
from ..datasets.list_files import missing_files
from ..datasets.translated import first_names
from .file_answers import read_coco_answers, read_pngs
from .label_studio import CONFIG, TASKS, write_label_studio
from .label_studio_answers import read_label_studio
from .round_answers import ImportReport, store_answers
from .round_export import COCO_FILE, PNG_FOLDER, write_coco, write_pngs

FORMATS = ('label-studio', 'coco', 'png')
_FILES = {'label-studio': TASKS, 'coco': COCO_FILE, 'png': PNG_FOLDER}


def export_round(folder: str, form: str, out: str = '', image_root: str = '', first: int = 0) -> Tuple[str, int]:
    """Write the images of a round for an annotation tool, most useful first.

    Args:
        folder (str): Folder of the round.
        form (str): 'label-studio', 'coco' or 'png', see `write_label_studio`, `write_coco` and `write_pngs`.
        out (str): Folder of the files. Defaults to '': `<folder>/<format>`.
        image_root (str): Document root of Label Studio: the images are in a folder below it. Defaults to '': the parent
            of the folder that contains all images.
        first (int): Export only this number of images, the most useful ones. Defaults to 0: all.

    Returns:
        tuple[str, int]: The folder, and the number of images.

    Raises:
        FileExistsError: if the folder has an export already, which a person may have changed.
        FileNotFoundError: if an image does not exist.
        ValueError: if the format cannot have the units or classes of the round, or an image is not below `image_root`.
    """
    if form not in FORMATS or first < 0:
        raise ValueError(f'format {form!r}, first={first}: allowed are {FORMATS}, and 0 (all images) or more.')
    selection, target = Selection.read(folder), Path(out or osp.join(folder, form))
    if (target / _FILES[form]).exists():
        raise FileExistsError(f'{target / _FILES[form]} exists, and a person may have changed it. Choose another '
                              '--out, or delete it.')
    images = selection.images[:first or None]
    paths = [image.path for image in images]
    missing = missing_files(paths)
    if missing:
        raise FileNotFoundError(f'{len(missing)} of {len(paths)} images of {folder} do not exist: '
                                f'{first_names(missing)}. Start the tool in the folder in which they were selected, or '
                                'restore them.')
    if form == 'label-studio':
        write_label_studio(selection, images, target, image_root or osp.dirname(image_folder(selection)))
    else:
        dict(coco=write_coco, png=write_pngs)[form](selection, images, target)
    return str(target), len(images)


def image_folder(selection: Selection) -> str:
    """Return the deepest folder that contains all images of a round."""
    return osp.commonpath([osp.dirname(osp.abspath(image.path)) for image in selection.images])


def import_round(folder: str, path: str, form: str = '', by: str = '') -> ImportReport:
    """Add the answers of an annotated export to a round; see `store_answers`.

    The whole file is checked before the first answer is stored.

    Args:
        folder (str): Folder of the round.
        path (str): The file that the annotation tool exported, or the folder of index PNGs.
        form (str): 'label-studio', 'coco' or 'png'. Defaults to '': 'png' for a folder, 'coco' for a JSON file that
            is a dict, else 'label-studio'.
        by (str): Who labelled. Defaults to '': as in the file, else the name of the user of this computer.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: see `read_label_studio`, `read_coco_answers` and `read_pngs`.
    """
    selection = Selection.read(folder)
    form = form or guess_format(path)
    if form == 'label-studio':
        return store_answers(selection, read_label_studio(path, selection, by))
    read: Any = dict(coco=read_coco_answers, png=read_pngs)[form]
    return store_answers(selection, read(path, selection, by or os.environ.get('USER') or 'unknown'))


def guess_format(path: str) -> str:
    """Return the format of an annotated export; a missing file counts as one of Label Studio."""
    if osp.isdir(path):
        return 'png'
    with_start = Path(path).read_bytes()[:64].lstrip() if osp.isfile(path) else b''
    return 'coco' if with_start.startswith(b'{') else 'label-studio'


def label_studio_steps(folder: str, out: str, image_root: str = '') -> str:
    """Return what a person does to label an export in Label Studio.

    Args:
        folder (str): Folder of the round.
        out (str): Folder of the export.
        image_root (str): As in `export_round`. Defaults to ''.
    """
    images = image_folder(Selection.read(folder))
    return (f'1. Start Label Studio: LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true '
            f'LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={osp.abspath(image_root or osp.dirname(images))} '
            'label-studio start\n'
            f'2. Create a project. Settings > Labeling Interface > Code: the content of {osp.join(out, CONFIG)}\n'
            f'   Settings > Cloud Storage > Add Source Storage > Local Files: {images} (save it, do not sync)\n'
            f'3. Import {osp.join(out, TASKS)}; label and submit tasks; Export > JSON\n'
            f'4. python tools/active_label.py import {folder} EXPORT.json')
