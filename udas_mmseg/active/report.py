"""The report of a round: what was selected and labelled, by class and image, and what it has cost."""
from collections import Counter
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..datasets.label_maps import IGNORE
from ..datasets.transforms.loading import LoadVerifiedImage
from ..visualization import add_legend, blend, draw_outline, fit, grid
from ..visualization.page import Page, encode_picture
from .answer_store import AnswerStore
from .selection_set import Selection

_CELL, _RED = (420, 320), (0, 0, 255)
_SHOWN = 20  # images in the table


def cost_so_far(store: AnswerStore, all_pixels: int) -> Dict[str, float]:
    """Return what the labels of a round and of all earlier rounds have cost.

    Args:
        store (AnswerStore): The answers of the last round.
        all_pixels (int): Number of pixels of all images from which the rounds select.

    Returns:
        dict: `images`, `units`, `clicks` and `pixels` with an answer, and `percent`, the share of `all_pixels`.
    """
    status, names = [one.status() for one in _rounds(store)], store.labelled()
    pixels = sum(int(np.count_nonzero(_label(store, name) != IGNORE)) for name in names)
    return dict(images=len(names), units=sum(one['units_answered'] for one in status),
                clicks=sum(one['clicks'] for one in status), pixels=pixels, percent=100 * pixels / max(1, all_pixels))


def write_round_report(out: str, store: AnswerStore, all_pixels: int, num_images: int = 6) -> Dict[str, Any]:
    """Write `report.html` (one file with all pictures) and `report.json` about a round.

    Args:
        out (str): Folder for the report, which is created if it does not exist.
        store (AnswerStore): The answers of the round.
        all_pixels (int): Number of pixels of all images from which the rounds select.
        num_images (int): Number of images to draw, the most useful first. Defaults to 6.

    Returns:
        dict: The content of `report.json`: `cost` so far; `rounds`; selected units and labelled pixels of `classes`, of
        this round; and `images`, the most useful first.
    """
    selection, status = store.selection, store.status()
    selected = Counter(unit.predicted for image in selection.images for unit in image.units)
    rounds = [dict(one.status(), strategy=str(one.selection.strategy)) for one in reversed(list(_rounds(store)))]
    content: Dict[str, Any] = dict(
        cost=cost_so_far(store, all_pixels), rounds=rounds, several_classes=selected[IGNORE],
        classes={name: dict(selected=selected[number], pixels=status['pixels'].get(name, 0))
                 for number, name in enumerate(selection.classes)},
        images=[dict(name=image.name, score=image.score, units=len(image.units),
                     answered=len(store.answered(image.name)), selected_pixels=sum(unit.pixels for unit in image.units))
                for image in selection.images])
    page = _to_page(content, selection)
    shown = [image.name for image in selection.images[:num_images]]
    if shown:
        page.picture(encode_picture(draw_selection(store, shown)), f'The {len(shown)} most useful images')
    page.save(out, content)
    return content


def draw_selection(store: AnswerStore, names: Sequence[str]) -> np.ndarray:
    """Draw images with what was selected (outlines of regions and whole images, or points), and the labels so far.

    Args:
        store (AnswerStore): The answers of a round.
        names (Sequence[str]): Names of images of the round.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.

    Raises:
        SampleError: if an image cannot be read.
    """
    selection, load = store.selection, LoadVerifiedImage()
    rows = []
    for name in names:
        image, label = load(dict(img_path=selection[name].path))['img'], _label(store, name)
        small = fit(image, _CELL)
        if selection.unit == 'points':
            factor = small.shape[1] / image.shape[1]
            points = [(unit.x, unit.y, _RED) for unit in selection[name].units]
            answers = [(x, y, selection.palette[label[y, x]][::-1]) for y, x in np.argwhere(label != IGNORE).tolist()]
            rows.append([small, _with_points(small, points, factor, 1), _with_points(small, answers, factor, -1)])
        else:
            outlined = draw_outline(image, selection.unit_map(name))
            rows.append([small, fit(outlined, _CELL), fit(blend(image, label, selection.palette, 0.8), _CELL)])
    return add_legend(grid(rows, ['image', 'selected', 'labels so far'], list(names)), selection.classes,
                      selection.palette)


def _to_page(content: Dict[str, Any], selection: Selection) -> Page:
    """Build the page of a report, without pictures."""
    page, cost = Page(f'Round {selection.round} of active labelling'), content['cost']
    page.facts({'strategy': selection.strategy, 'selected': selection.unit,
                'units with several predicted classes': content['several_classes']})
    page.section('Cost so far')
    page.table(['round', 'images', 'units', 'answered', 'clicks', 'labelled pixels', 'percent of all'],
               *([str(one['round']), *(str(one[key]) for key in ('images', 'units', 'units_answered', 'clicks')),
                  str(sum(one['pixels'].values())), '-'] for one in content['rounds']),
               ['all', str(cost['images']), '-', *(str(cost[key]) for key in ('units', 'clicks', 'pixels')),
                f'{cost["percent"]:.3f}'])
    page.section('By class, in this round')
    page.table(['class', 'selected units (predicted class)', 'labelled pixels'],
               *([name, str(entry['selected']), str(entry['pixels'])] for name, entry in content['classes'].items()))
    page.section('By image, in this round')
    page.table(['image', 'usefulness', 'units', 'answered', 'selected pixels'],
               *([one['name'], f'{one["score"]:.4g}',
                  *(str(one[key]) for key in ('units', 'answered', 'selected_pixels'))]
                 for one in content['images'][:_SHOWN]))
    return page


def _with_points(picture: np.ndarray, points: Sequence[Tuple[int, int, Sequence[int]]], factor: float,
                 thickness: int) -> np.ndarray:
    """Draw rings (thickness 1) or dots (-1) at points (x, y, BGR colour) of an image that was scaled by a factor."""
    picture = picture.copy()
    for x, y, color in points:
        cv2.circle(picture, (round(factor * x), round(factor * y)), 3, tuple(map(int, color)), thickness, cv2.LINE_AA)
    return picture


def _rounds(store: Optional[AnswerStore]) -> Iterator[AnswerStore]:
    """Iterate over the answers of a round and of all earlier rounds, the last one first."""
    while store is not None:
        yield store
        store = store.earlier


def _label(store: AnswerStore, name: str) -> np.ndarray:
    """Return the label of an image of the round or of earlier ones; 255 everywhere if it has none."""
    label = store.read(name)
    if label is None:
        label = np.full((store.selection[name].height, store.selection[name].width), IGNORE, np.uint8)
    return label
