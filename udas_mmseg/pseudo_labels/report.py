"""The report on one or several sets of pseudo-labels: coverage, quality and change."""
import os.path as osp
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

import numpy as np
from mmengine.dataset import BaseDataset

from ..datasets import LoadVerifiedImage
from ..datasets.image_groups import MEAN, WORST, ImageGroups
from ..datasets.pseudo_label_set import check_set_classes, list_labels, read_pseudo_label, read_set_index, set_histogram
from ..datasets.thresholds import keep_confident, lowest_kept
from ..utils.indices import spread_evenly
from ..visualization.page import encode_picture
from ..visualization.pseudo_label_report import (
    draw_confidence,
    draw_reliability,
    draw_samples,
    summary_rows,
    to_page,
)
from .ground_truth import GroundTruth, paths_by_label
from .quality import (
    coverage,
    kept_pixels,
    label_change,
    measure_quality,
    overall_coverage,
    reliability,
    threshold_curve,
)
from .warning_signs import warning_signs

_BY_CLASS = ('precision', 'recall', 'iou_kept', 'iou_all', 'true_share')


class _Labels(NamedTuple):
    """A set with its name, its index, and its labels by their paths below the folder."""
    name: str
    folder: str
    header: Dict[str, Any]
    labels: List[str]


def write_quality_report(out: str,
                         sets: Mapping[str, str],
                         images: BaseDataset,
                         truth: Optional[BaseDataset] = None,
                         source_share: Optional[Mapping[str, float]] = None,
                         threshold: float = 0.6,
                         samples: int = 6,
                         workers: int = 2,
                         facts: Optional[Mapping[str, Any]] = None,
                         groups: Optional[ImageGroups] = None) -> Dict[str, Any]:
    """Compute scores of pseudo-labels, and write `report.html` (one file with all pictures) and `report.json`.

    Args:
        out (str): Folder for the report, which must not be one of the sets. It is created if it does not exist.
        sets (Mapping[str, str]): Name -> folder of pseudo-labels, by round. Each is compared with the previous one.
        images (BaseDataset): Data set of the images that were labelled; its labels are not opened.
        truth (BaseDataset, optional): Data set with ground truth for some or all of the images. It is only read for
            the report, and never in training. Defaults to None.
        source_share (Mapping[str, float], optional): Share of each class in the source, see `class_shares`.
        threshold (float): Lowest confidence at which a pixel is kept. Defaults to 0.6.
        samples (int): Number of images to show for each set, evenly spaced; with ground truth if any. Defaults to 6.
        workers (int): Number of threads. Defaults to 2.
        facts (Mapping, optional): Further names and values for the report.
        groups (ImageGroups, optional): Rule by which the ground truth scores are also given by group of images.

    Returns:
        dict: The content of `report.json`. Shares are in [0, 1].

    Raises:
        FileNotFoundError: if a set is missing.
        SampleError: if a file is broken, or a label does not have the size of its ground truth.
        ValueError: if a folder is not a complete set or has other classes than the images or the ground truth, if there
            are no labels, or if groups have no ground truth or no images.
    """
    lowest_kept(threshold)
    _check(sets, samples, truth, groups)
    found = [_find(name, folder, out, images) for name, folder in sets.items()]
    paths = paths_by_label(images)
    truths = None if truth is None else GroundTruth(truth, found[0].header['classes'], groups)
    shown = _choose(found, paths, samples, truths)
    entries = [_measure(labels, before, truths, threshold, source_share, workers)
               for before, labels in zip([None, *found], found)]
    load, pictures = _image_loader(images), {}
    for entry, labels in zip(entries, found):
        samples_of = [_sample(labels.folder, name, load, paths[name], truths, threshold) for name in shown]
        pictures[labels.name] = _draw(entry, labels, threshold, images.metainfo, samples_of)
    report: Dict[str, Any] = dict(facts=dict(facts or {}), threshold=threshold, sets=entries)
    to_page(report, pictures).save(out, report)
    return report


def _check(sets: Mapping[str, str], samples: int, truth: Optional[BaseDataset], groups: Optional[ImageGroups]) -> None:
    if not sets or samples < 1:
        raise ValueError(f'{len(sets)} sets of pseudo-labels, samples={samples}: at least one of each is needed.')
    if groups is not None and truth is None:
        raise ValueError('scores by group of images need ground truth. Give `truth`, or leave out `groups`.')


def markdown_summary(report: Mapping[str, Any]) -> str:
    """Format a table with a line for each set, in percent, from the content of `report.json`."""
    head, *rows = summary_rows(report)
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in [head, ['---'] * len(head), *rows]) + '\n'


def _find(name: str, folder: str, out: str, images: BaseDataset) -> _Labels:
    if osp.realpath(folder) == osp.realpath(out):
        raise ValueError(f'the report cannot be written to {folder}, which is a set of pseudo-labels. Choose another '
                         'folder.')
    index = read_set_index(folder, name)
    check_set_classes(index, tuple(images.metainfo.get('classes') or ()), folder, type(images).__name__)
    return _Labels(name, folder, index, list_labels(folder))


def _choose(found: List[_Labels], paths: Mapping[str, str], samples: int,
            truths: Optional[GroundTruth] = None) -> List[str]:
    """Choose labels to show: in all sets, so that rounds can be compared, and with ground truth if there is any."""
    common = sorted(set(paths).intersection(*(labels.labels for labels in found)))
    if not common:
        names = ', '.join(labels.folder for labels in found)
        raise ValueError(f'there is no image that has a label in all of {names}: the data set has {len(paths):,} '
                         f'images, such as {next(iter(paths.values()))}. Are these labels of its images?')
    common = [name for name in common if truths is not None and name in truths] or common
    return [common[number] for number in spread_evenly(len(common), samples, True)]


def _measure(labels: _Labels, before: Optional[_Labels], truths: Optional[GroundTruth], threshold: float,
             source_share: Optional[Mapping[str, float]], workers: int) -> Dict[str, Any]:
    """Compute all figures of a set: from its index, the change since the previous set, and from the ground truth."""
    entry = _describe(labels, threshold, source_share)
    if before is not None:
        entry['change'] = label_change(before.folder, labels.folder, threshold, workers)
    if truths is not None:
        _judge(entry, labels, truths, threshold, workers)
    entry['warnings'] = warning_signs(entry)
    return entry


def _describe(labels: _Labels, threshold: float, source_share: Optional[Mapping[str, float]]) -> Dict[str, Any]:
    """Compute the figures of a set that need only its index."""
    index = labels.header
    total, kept = kept_pixels(index, threshold)
    covered = coverage(index, threshold)
    shares = dict(share=total / max(1, total.sum()), kept_share=kept / max(1, kept.sum()))
    classes = {name: dict(kept=covered[name] if total[number] else None,
                          source_share=None if source_share is None else source_share.get(name),
                          **{key: float(values[number]) for key, values in shares.items()})
               for number, name in enumerate(index['classes'])}
    made_with = {key: index.get(key) for key in ('teacher', 'views', 'augment', 'seed', 'temperature')}
    return dict(name=labels.name, folder=labels.folder, made_with=made_with, num_images=index['num_images'],
                skipped=index.get('skipped') or {}, coverage=overall_coverage(index, threshold), classes=classes,
                change=None, truth=None)


def _judge(entry: Dict[str, Any], labels: _Labels, truths: GroundTruth, threshold: float, workers: int) -> None:
    """Add the figures that need ground truth."""
    classes = labels.header['classes']
    judged = [name for name in labels.labels if name in truths]
    parts = {'': judged or labels.labels} if truths.groups is None else _by_group(judged, truths)
    counts = {group: truths.count(labels.folder, names, workers) for group, names in parts.items()}
    total = np.sum([*counts.values()], axis=0)
    quality = measure_quality(total, classes, threshold)
    for key in _BY_CLASS:
        for name, value in quality.pop(key).items():
            entry['classes'][name][key] = value
    entry['truth'] = dict(num_images=len(judged), num_without=len(labels.labels) - len(judged), **quality,
                          reliability=reliability(total), thresholds=threshold_curve(total))
    if truths.groups is not None:
        groups = {group: _group_figures(measure_quality(counts[group], classes, threshold), len(names))
                  for group, names in parts.items()}
        mean, worst = truths.groups.mean_and_worst({group: figures['mIoU_all'] for group, figures in groups.items()
                                                   if figures['mIoU_all'] is not None})
        entry['truth'].update(groups=groups, mIoU_all_by_group={MEAN: mean, WORST: worst})


def _by_group(names: List[str], truths: GroundTruth) -> Dict[str, List[str]]:
    """Return the labels of each group."""
    assert truths.groups is not None
    paths = {name: truths.paths[name] for name in names}
    groups = truths.groups.check([*paths.values()])
    return {group: [name for name, path in paths.items() if truths.groups.group_of(path) == group]
            for group, count in groups.items() if count}


def _group_figures(quality: Mapping[str, Any], num_images: int) -> Dict[str, Any]:
    """Return the figures of a group of images for the report."""
    figures = {key: quality[key] for key in ('coverage', 'mIoU_kept', 'mIoU_all', 'accuracy_kept')}
    return dict(num_images=num_images, **figures, iou_all=quality['iou_all'])


def _image_loader(images: BaseDataset) -> LoadVerifiedImage:
    """Return a loader that treats EXIF orientations as the pipeline of the images does."""
    color_types = [step.color_type for step in images.pipeline.transforms if isinstance(step, LoadVerifiedImage)]
    return LoadVerifiedImage(color_type=color_types[0]) if color_types else LoadVerifiedImage()


def _sample(folder: str, name: str, load: LoadVerifiedImage, image: str, truths: Optional[GroundTruth],
            threshold: float) -> Dict[str, Any]:
    label, confidence = read_pseudo_label(osp.join(folder, name))
    return dict(name=name, image=load.transform(dict(img_path=image))['img'], label=label,
                confidence=confidence, kept=keep_confident(label, confidence, threshold),
                truth=None if truths is None else truths.read(name))


def _draw(entry: Mapping[str, Any], labels: _Labels, threshold: float, metainfo: Mapping[str, Any],
          samples: List[Dict[str, Any]]) -> Dict[str, bytes]:
    """Draw the pictures of a set, by title."""
    classes = labels.header['classes']
    histogram = set_histogram(labels.header)
    assert histogram is not None, 'without it there would be no coverage'
    pictures = {'Confidence': draw_confidence(histogram, classes, threshold)}
    if entry['truth'] is not None:
        pictures['Confidence and accuracy'] = draw_reliability(entry['truth']['reliability'],
                                                               entry['truth']['thresholds'], threshold)
    pictures['Samples'] = encode_picture(draw_samples(samples, classes, metainfo['palette']))
    return pictures
