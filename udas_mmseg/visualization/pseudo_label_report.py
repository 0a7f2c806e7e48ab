"""The page, the pictures and the tables of a report on pseudo-labels."""
import io
from typing import Any, Dict, List, Mapping, Optional, Sequence

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .page import Page
from .panels import add_legend, blend, color_ramp, colorize, fit, grid

CELL_WIDTH = 280  # width of the pictures of a sample, in pixels
_CLASS_COLUMNS = (('share', 'of all pixels'), ('source_share', 'in the source'), ('true_share', 'in truth'),
                  ('kept', 'kept'), ('kept_share', 'of those kept'), ('precision', 'precision'), ('recall', 'recall'),
                  ('iou_kept', 'IoU kept'), ('iou_all', 'IoU all'))
_SUMMARY_COLUMNS = (('coverage', 'kept'), ('mIoU_kept', 'mIoU kept'), ('mIoU_all', 'mIoU all'),
                    ('accuracy_kept', 'accuracy kept'), ('ece', 'calibration error'), ('change', 'changed'))
_GROUP_COLUMNS = (('coverage', 'kept'), ('accuracy_kept', 'accuracy kept'), ('mIoU_kept', 'mIoU kept'),
                  ('mIoU_all', 'mIoU all'))
_NOTES = '''\
All figures are percent. Kept: pixels whose confidence is at least the threshold. Precision: share of a class' kept
pixels that truly are of this class. Recall: share of a class' pixels that are kept with this class. mIoU kept is
computed from the kept pixels only. It rises when fewer pixels are kept, so read both together. Calibration error: mean
distance between confidence and accuracy. Changed: of the pixels kept by this set or the set before it, those that
differ.
'''


def draw_samples(samples: Sequence[Mapping[str, Any]], classes: Sequence[str],
                 palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Draw rows of image, label, confidence, kept pixels and, if there is one, the ground truth.

    Args:
        samples (Sequence[Mapping]): `name`; `image` (H, W, 3) uint8 BGR; `label` and `kept` (H, W) uint8 in
            {0..C-1, 255}; `confidence` (H, W) uint8; `truth` like `label`, or None.
        classes (Sequence[str]): C names.
        palette (Sequence): C RGB colours, 0-255.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR, with the classes below.
    """
    rows, has_truth = [], any(sample['truth'] is not None for sample in samples)
    for sample in samples:
        height, width = sample['label'].shape
        image = cv2.resize(sample['image'], (width, height), interpolation=cv2.INTER_AREA)
        row = [image, colorize(sample['label'], palette), color_ramp(sample['confidence'] / 255),
               blend(image, sample['kept'], palette)]
        if sample['truth'] is not None:
            row.append(colorize(sample['truth'], palette))
        box = CELL_WIDTH, max(1, round(CELL_WIDTH * height / width))
        rows.append([fit(picture, box) for picture in row])
    titles = ['image', 'pseudo-label', 'confidence', 'kept', 'truth'][:4 + has_truth]
    return add_legend(grid(rows, titles, [sample['name'] for sample in samples]), classes, palette)


def draw_confidence(histogram: np.ndarray, classes: Sequence[str], threshold: float) -> bytes:
    """Draw the confidences of all pixels and of each class.

    Args:
        histogram (np.ndarray): (C, 256) number of pixels by stored confidence.
        classes (Sequence[str]): C names.
        threshold (float): In [0, 1].

    Returns:
        bytes: A PNG.
    """
    groups = histogram.reshape(len(histogram), 32, 8).sum(axis=2)
    shares = groups / np.maximum(1, groups.sum(axis=1, keepdims=True))
    figure = _figure(2, 2 + 0.22 * len(classes))
    left, right = figure.subplots(1, 2)
    left.bar((np.arange(32) + 0.5) / 32, groups.sum(axis=0) / max(1, groups.sum()), 1 / 32, log=bool(groups.any()))
    left.set(xlabel='confidence', ylabel='share of all pixels', xlim=(0, 1))
    image = right.imshow(shares, aspect='auto', vmin=0, extent=(0, 1, len(classes) - 0.5, -0.5))
    right.set_yticks(range(len(classes)), classes)
    right.set(xlabel='confidence', title="share of each class' pixels")
    figure.colorbar(image)
    for axes, color in ((left, 'black'), (right, 'white')):
        axes.axvline(threshold, color=color, linestyle='--')
    return _png(figure)


def draw_reliability(parts: Sequence[Mapping[str, float]], curve: Sequence[Mapping[str, Optional[float]]],
                     threshold: float) -> bytes:
    """Draw the accuracy over the confidence, and the effect of each threshold.

    Args:
        parts (Sequence[Mapping]): Result of `udas_mmseg.pseudo_labels.quality.reliability`.
        curve (Sequence[Mapping]): Result of `threshold_curve` in the same module.
        threshold (float): In [0, 1].

    Returns:
        bytes: A PNG.
    """
    figure = _figure(2, 4)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color='grey', linestyle=':', label='calibrated')
    left.plot([part['confidence'] for part in parts], [part['accuracy'] for part in parts], marker='o',
              label='these labels')
    left.set(xlabel='confidence', ylabel='accuracy', xlim=(0, 1), ylim=(0, 1.02))
    for key, label in (('accuracy', 'accuracy of what is kept'), ('coverage', 'kept')):
        points = [(point['threshold'], point[key]) for point in curve if point[key] is not None]
        right.plot(*zip(*points), label=label)
    right.axvline(threshold, color='black', linestyle='--')
    right.set(xlabel='threshold', ylabel='share', xlim=(0, 1), ylim=(0, 1.02))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    return _png(figure)


def to_page(report: Mapping[str, Any], pictures: Mapping[str, Mapping[str, bytes]]) -> Page:
    """Build the page of a report.

    Args:
        report (Mapping): Result of `udas_mmseg.pseudo_labels.report.write_quality_report`.
        pictures (Mapping): For each set by name: title -> PNG.
    """
    page = Page('Pseudo-labels')
    page.facts({'threshold': report['threshold'], **report['facts']})
    page.table(*summary_rows(report))
    page.text(_NOTES)
    for entry in report['sets']:
        page.section(entry['name'])
        page.facts(_facts_of(entry))
        for warning in entry['warnings']:
            page.warning(warning)
        page.table(*class_rows(entry))
        if (entry['truth'] or {}).get('groups'):
            page.table(*group_rows(entry))
        for title, picture in pictures[entry['name']].items():
            page.picture(picture, title)
    return page


def summary_rows(report: Mapping[str, Any]) -> List[List[str]]:
    """Return a table head and a row for each set, with the number of images and the scores in percent."""
    entries = [{**entry, **(entry['truth'] or {}), 'coverage': entry['coverage']} for entry in report['sets']]
    columns = [column for column in _SUMMARY_COLUMNS if any(entry.get(column[0]) is not None for entry in entries)]
    rows = [[entry['name'], str(entry['num_images']), str(len(entry['skipped']))] +
            [_percent(entry.get(key)) for key, _ in columns] for entry in entries]
    return [['pseudo-labels', 'images', 'skipped', *(title for _, title in columns)], *rows]


def class_rows(entry: Mapping[str, Any]) -> List[List[str]]:
    """Return a table head and a row for each class of a set, in percent."""
    classes = entry['classes']
    columns = [column for column in _CLASS_COLUMNS if any(figures.get(column[0]) is not None
                                                          for figures in classes.values())]
    rows = [[name, *(_percent(figures.get(key)) for key, _ in columns)] for name, figures in classes.items()]
    return [['class', *(title for _, title in columns)], *rows]


def group_rows(entry: Mapping[str, Any]) -> List[List[str]]:
    """Return a table head and a row for each group of images, in percent, then the mean over groups and the worst."""
    truth = entry['truth']
    head = ['images', 'number', *(title for _, title in _GROUP_COLUMNS), *(f'IoU {name}' for name in entry['classes'])]
    rows = [[name, str(group['num_images']), *(_percent(group[key]) for key, _ in _GROUP_COLUMNS),
             *(_percent(group['iou_all'][name]) for name in entry['classes'])]
            for name, group in truth['groups'].items()]
    number = 2 + [key for key, _ in _GROUP_COLUMNS].index('mIoU_all')
    for name, score in truth['mIoU_all_by_group'].items():
        cells = [name] + ['-'] * (len(head) - 1)
        cells[number] = _percent(score)
        rows.append(cells)
    return [head, *rows]


def _facts_of(entry: Mapping[str, Any]) -> Dict[str, Any]:
    made_with = {name: ', '.join(f'{key} {value}' for key, value in fact.items()) if isinstance(fact, Mapping) else fact
                 for name, fact in entry['made_with'].items() if fact is not None}
    facts = dict(folder=entry['folder'], **made_with)
    if entry['skipped']:
        facts['skipped images'] = '; '.join(f'{name}: {reason}' for name, reason in entry['skipped'].items())
    if entry['truth']:
        judged, without = entry['truth']['num_images'], entry['truth']['num_without']
        facts['images with ground truth'] = f'{judged} of {judged + without}' + (
            f'; the other {without} are not in the scores that need it' if without else '')
    return facts


def _percent(share: Optional[float]) -> str:
    return '-' if share is None else f'{100 * share:.2f}'


def _figure(columns: int, height: float) -> Figure:
    figure = Figure(figsize=(6 * columns, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80, format='png', metadata={'Software': None})
    return buffer.getvalue()
