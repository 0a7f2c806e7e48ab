"""A round of active labelling as tasks of Label Studio."""
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Sequence
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from ..active.selection_set import SelectedImage, Selection
from ..utils.files import replace_file, to_json
from ..utils.progress import Progress
from .round_export import free_name, is_open, outlines_of

TASKS, CONFIG = 'tasks.json', 'labeling_config.xml'
MODEL_VERSION = 'round {}'
_CONTROLS = dict(points='KeyPointLabels', regions='PolygonLabels', images='PolygonLabels')
_STYLE = dict(KeyPointLabels='strokeWidth="5"', PolygonLabels='strokeWidth="1" opacity="0.4" pointSize="small"')
_FROM, _TO = 'label', 'image'  # names in the configuration


def write_label_studio(selection: Selection, images: Sequence[SelectedImage], out: Path, document_root: str) -> None:
    """Write `tasks.json` and `labeling_config.xml`.

    A task has its units as predictions (pre-annotations): a polygon for each connected part of a region, or a point.
    They have the class that the model predicts, or the class 'to label' if it predicts several. The tasks are in the
    order of usefulness. Images are not copied: Label Studio reads them from disk, below its document root.

    Args:
        selection (Selection): The round.
        images (Sequence[SelectedImage]): The images to export.
        out (Path): Folder of the two files.
        document_root (str): `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT` of the server, which contains all images.

    Raises:
        ValueError: if an image is not below the document root.
    """
    progress, tasks = Progress('writing tasks', len(images)), []
    for number, image in enumerate(images, 1):
        data = dict(image=_local_url(image.path, document_root), name=image.name, round=selection.round, order=number,
                    usefulness=image.score)
        predictions = [] if selection.unit == 'images' else [
            dict(model_version=MODEL_VERSION.format(selection.round), result=_pre_annotations(selection, image))]
        tasks.append(dict(data=data, predictions=predictions))
        progress.update(number)
    replace_file(out / CONFIG, labeling_config(selection).encode())
    replace_file(out / TASKS, to_json(tasks))


def labeling_config(selection: Selection) -> str:
    """Return Label Studio's labelling configuration, with the classes in the colours of the palette."""
    control = _CONTROLS[selection.unit]
    colors = [tuple(color) for color in selection.palette] + [(255, 255, 255)]
    labels = '\n'.join(f'    <Label value={quoteattr(name)} background="#{red:02x}{green:02x}{blue:02x}"/>'
                       for name, (red, green, blue) in zip([*selection.classes, free_name(selection.classes)], colors))
    return (f'<View>\n  <Image name="{_TO}" value="$image" zoom="true" zoomControl="true" rotateControl="false"/>\n'
            f'  <{control} name="{_FROM}" toName="{_TO}" {_STYLE[control]}>\n{labels}\n  </{control}>\n</View>\n')


def _local_url(path: str, document_root: str) -> str:
    """Return the address under which Label Studio serves a file of its document root."""
    relative = osp.relpath(osp.abspath(path), osp.abspath(document_root))
    if relative.startswith(osp.pardir + osp.sep) or osp.sep not in relative:
        raise ValueError(f'{path} is not in a folder below the document root {document_root}: Label Studio serves the '
                         'folders in its document root, but no files of the root itself. Give the parent of the folder '
                         'of the images with --image-root.')
    return f'/data/local-files/?d={quote(relative.replace(osp.sep, "/"))}'


def _pre_annotations(selection: Selection, image: SelectedImage) -> List[Dict[str, Any]]:
    """Return the units of an image as results of Label Studio, with coordinates in percent of the sides."""
    names = [*selection.classes, free_name(selection.classes)]
    classes = {unit.id: names[-1] if is_open(unit, selection) else names[unit.predicted] for unit in image.units}
    scale = 100 / np.array([image.width, image.height], np.float64)
    if selection.unit == 'points':
        kind, places = 'keypointlabels', [(unit.id, np.array([[unit.x, unit.y]]) + 0.5) for unit in image.units]
    else:
        kind, places = 'polygonlabels', [(part.unit, part.points) for part in outlines_of(selection, image)]
    results = []
    for number, (unit, points) in enumerate(places):
        percent = (points * scale).tolist()
        shape = (dict(x=percent[0][0], y=percent[0][1], width=0.5) if kind == 'keypointlabels' else
                 dict(points=percent, closed=True))
        results.append(dict(id=f'unit-{unit}-{number}', type=kind, from_name=_FROM, to_name=_TO, image_rotation=0,
                            original_width=image.width, original_height=image.height,
                            value={**shape, kind: [classes[unit]]}))
    return results
