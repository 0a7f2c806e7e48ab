"""Reading the JSON export of a Label Studio project that labelled a round."""
import json
from collections import Counter
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from ..active.selection_set import SelectedImage, Selection
from ..utils.progress import clock
from .round_answers import Annotations, ImageAnswer, check_names, class_id, draw_image
from .round_export import free_name
from .shapes import Shape, check_inside

TOOL = 'label-studio'
_KINDS = dict(polygonlabels='polygon', keypointlabels='point')
_TEXTS = ('choices', 'datetime', 'number', 'pairwise', 'ranker', 'rating', 'relation', 'taxonomy', 'textarea')


def read_label_studio(path: str, selection: Selection, by: str = '') -> Annotations:
    """Read Label Studio's format "JSON".

    Tasks without an annotation, drafts and cancelled annotations are left out, and counted in the notes.

    Args:
        path (str): The exported file.
        selection (Selection): The round.
        by (str): Who labelled. Defaults to '': as in the file, the e-mail address or the number of the user.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not such an export, a task is of another round or image, a shape is no polygon or point
            with one class of the round, or a shape is outside its image.
    """
    tasks = _read_tasks(path)
    check_names([_name(task, path) for task in tasks], selection, path)
    answers: List[ImageAnswer] = []
    left: Counter = Counter()
    for task in tasks:
        what, image = f'{path}: task {task.get("id")}', selection[_name(task, path)]
        given = task['data'].get('round', selection.round)
        if given != selection.round:
            raise ValueError(f'{what} is of round {given}, but {selection.folder} is round {selection.round}. Give the '
                             'folder of that round.')
        annotations = [entry for entry in task['annotations'] if not entry.get('was_cancelled')]
        left['cancelled (skipped)'] += len(task['annotations']) > len(annotations)
        left['not labelled'] += not task['annotations']
        for entry in annotations:
            shapes = _read_shapes(entry.get('result') or [], selection, image, what)
            answers.append(ImageAnswer(image.name, by or _person(entry.get('completed_by')), _time(entry, what),
                                       partial(draw_image, shapes, selection, image)))
    notes = [f'{count} of {len(tasks)} tasks are {state}' for state, count in left.items() if count]
    seconds = sum(float(entry.get('lead_time') or 0) for task in tasks for entry in task['annotations'])
    if seconds:
        notes.append(f'Label Studio measured {clock(seconds)} of labelling (hours:minutes:seconds)')
    drafts = sum(bool(task.get('drafts')) for task in tasks)
    if drafts:
        notes.append(f'{drafts} tasks have drafts, which do not count: submit them in Label Studio')
    return Annotations(TOOL, answers, notes)


def _read_tasks(path: str) -> List[Dict[str, Any]]:
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path} does not exist, or is not a file. Give the JSON file that Label Studio '
                                'exported.')
    try:
        tasks = json.loads(Path(path).read_bytes())
    except ValueError as error:  # of JSON, or of its encoding
        raise ValueError(f'{path} is not a JSON file: {error}. Export again.') from error
    if not isinstance(tasks, list) or not tasks or not all(
            isinstance(task, dict) and isinstance(task.get('data'), dict) and isinstance(task.get('annotations'), list)
            for task in tasks):
        raise ValueError(f'{path} is not a list of tasks with `data` and `annotations`. Choose the format "JSON" when '
                         'you export from Label Studio, not JSON-MIN or another one; give COCO files with --format '
                         'coco.')
    return tasks


def _name(task: Dict[str, Any], path: str) -> str:
    name = task['data'].get('name')
    if not isinstance(name, str):
        raise ValueError(f'{path}: task {task.get("id")} has no `data.name`, so it was not imported from the '
                         f'tasks.json of a round. Its image is {task["data"].get("image")!r}. Remove the task and '
                         'export again.')
    return name


def _read_shapes(results: List[Dict[str, Any]], selection: Selection, image: SelectedImage, what: str) -> List[Shape]:
    """Return the shapes of an annotation, without those of the class 'to label'."""
    shapes = []
    for result in results:
        kind = result.get('type')
        if kind in _TEXTS:
            continue
        if kind not in _KINDS:
            hint = ' Brush masks are not read.' if kind == 'brushlabels' else ''
            raise ValueError(f'{what} ({image.name}) has a shape of the type {kind!r}; allowed are polygons '
                             f"('polygonlabels') and points ('keypointlabels').{hint} Draw it as a polygon with a "
                             'class and export again. Nothing was imported.')
        where = f'{what} ({image.name}): {_KINDS[kind]} {result.get("id")!r}'
        points, names = _read_points(result, image, where), result['value'].get(kind) or []
        if len(names) != 1:
            raise ValueError(f'{where} has {len(names)} classes. Give it one, or delete it, and export again. Nothing '
                             'was imported.')
        if names[0] != free_name(selection.classes):
            shapes.append(Shape(points, class_id(names[0], selection, where)))
    return shapes


def _read_points(result: Dict[str, Any], image: SelectedImage, where: str) -> np.ndarray:
    """Return the vertices in pixels, from percent of the sides."""
    size = result.get('original_width'), result.get('original_height')
    if size != (image.width, image.height) or result.get('image_rotation'):
        raise ValueError(f'{where} is on an image of {size[0]}x{size[1]} pixels, rotated by '
                         f'{result.get("image_rotation") or 0} degrees, but the round has {image.width}x{image.height} '
                         '(width x height), not rotated. Label the images of the round, without rotating them.')
    value = result.get('value') or {}
    try:
        percent = value['points'] if result['type'] == 'polygonlabels' else [[value['x'], value['y']]]
        points = np.array(percent, np.float64).reshape(-1, 2) * (image.width, image.height) / 100
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{where} cannot be read: {type(error).__name__} {error}. Export again.') from error
    if result['type'] == 'polygonlabels' and len(points) < 3:
        raise ValueError(f'{where} has {len(points)} points; a polygon has three or more. Finish or delete it, and '
                         'export again. Nothing was imported.')
    check_inside(points, image.width, image.height, where)
    return points


def _person(user: Any) -> str:
    """Return the e-mail address of a user if the export has it, else the number."""
    if isinstance(user, dict):
        return str(user.get('email') or f'user {user.get("id")}')
    return 'unknown' if user is None else f'user {user}'


def _time(entry: Dict[str, Any], what: str) -> str:
    """Return when an annotation was last changed, in UTC."""
    text: Optional[str] = entry.get('updated_at') or entry.get('created_at')
    if not text:
        return ''
    try:
        found = datetime.fromisoformat(text.replace('Z', '+00:00'))
    except ValueError as error:
        raise ValueError(f'{what}: {text!r} is not a time in ISO format. Export again.') from error
    zone = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    return zone.astimezone(timezone.utc).isoformat(timespec='seconds')
