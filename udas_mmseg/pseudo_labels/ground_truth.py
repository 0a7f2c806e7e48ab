"""Ground truth with which pseudo-labels are compared. It is never used in training."""
import os.path as osp
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, Optional, Sequence

import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset

from ..datasets.class_ids import check_class_ids
from ..datasets.image_files import SampleError
from ..datasets.image_groups import ImageGroups
from ..datasets.label_maps import IGNORE
from ..datasets.pseudo_label_set import read_pseudo_label
from ..datasets.thresholds import LEVELS
from ..datasets.transforms.loading import LabelLoader
from ..datasets.translated import original_path
from ..utils.indices import spread_evenly
from ..utils.mirrored_folder import mirrored_path
from ..utils.progress import Progress
from ..utils.project import shown_path
from .quality import Counts, count_agreement


class GroundTruth:
    """Ground truth labels, which are found by the path of a pseudo-label in its set.

    Args:
        dataset (BaseDataset): A labelled data set, whose pipeline reads the labels.
        classes (Sequence[str]): Classes of the pseudo-labels.
        groups (ImageGroups, optional): Rule that groups the images. Defaults to None.

    Attributes:
        paths (dict[str, str]): Path of each image by the path of its pseudo-label in a set.

    Raises:
        ValueError: if it has other classes, or no labels.
    """

    def __init__(self, dataset: BaseDataset, classes: Sequence[str], groups: Optional[ImageGroups] = None) -> None:
        theirs = tuple(dataset.metainfo.get('classes') or ())
        if theirs != tuple(classes):
            raise ValueError(f'the ground truth has the classes {theirs}, but the pseudo-labels have {tuple(classes)}. '
                             'Give both the same `metainfo.classes`, and map the true labels with `label_map`.')
        self.classes, self.groups = theirs, groups
        self._read = label_reader(dataset)
        self.paths = paths_by_label(dataset)
        self._numbers = {name: number for number, name in enumerate(self.paths)}

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    def read(self, name: str) -> Optional[np.ndarray]:
        """Return the ground truth of a pseudo-label, (H, W) uint8 in {0..C-1, 255}; None if there is none."""
        return self._read(self._numbers[name]) if name in self else None

    def count(self, folder: str, labels: Sequence[str], workers: int = 2) -> Counts:
        """Compare pseudo-labels with the ground truth, with progress on standard error.

        Args:
            folder (str): Folder of the set.
            labels (Sequence[str]): Labels in the folder. Those without ground truth are left out.
            workers (int): Number of threads. Defaults to 2.

        Returns:
            np.ndarray: (C, C, 256), see `count_agreement`.

        Raises:
            SampleError: if a file is broken, or a label does not have the size of its ground truth.
            ValueError: if no label has ground truth.
        """
        known = [name for name in labels if name in self]
        if not known:
            raise ValueError(f'no image of {folder} has ground truth: it has {labels[0] if labels else "no labels"}, '
                             f'but ground truth exists for {next(iter(self._numbers))}. `data_prefix.img_path` of the '
                             'ground truth must be the folder that contains the labelled images.')
        total = np.zeros((len(self.classes), len(self.classes), LEVELS), np.int64)
        progress = Progress(f'comparing {shown_path(folder)} with the truth', len(known))
        with ThreadPoolExecutor(max(1, workers)) as pool:
            for done, counts in enumerate(pool.map(lambda name: self._count_one(folder, name), known), 1):
                total += counts
                progress.update(done)
        return total

    def _count_one(self, folder: str, name: str) -> Counts:
        label, confidence = read_pseudo_label(osp.join(folder, name))
        truth = self._read(self._numbers[name])
        try:
            return count_agreement(label, confidence, truth, len(self.classes))
        except ValueError as error:
            raise SampleError(f'{osp.join(folder, name)} and its ground truth: {error}') from error


def paths_by_label(dataset: BaseDataset) -> Dict[str, str]:
    """Return the paths of a data set's images by the paths of their pseudo-labels in a set."""
    infos = (dataset.get_data_info(index) for index in range(len(dataset)))
    images = [original_path(info) for info in infos]
    return {mirrored_path(image, dataset.data_prefix.get('img_path') or ''): image for image in images}


def label_reader(dataset: BaseDataset) -> Callable[[int], np.ndarray]:
    """Return a function that reads the label of a sample, (H, W) uint8, with the pipeline but without the image.

    Raises:
        ValueError: if the pipeline does not read labels, or the data set has none.
    """
    steps = [step for step in dataset.pipeline.transforms if isinstance(step, (LabelLoader, LoadAnnotations))]
    if not steps or 'seg_map_path' not in dataset.get_data_info(0):
        raise ValueError(f'{type(dataset).__name__} has no labels to read. Use a data set with `seg_map_path` in its '
                         '`data_prefix`, and LoadLabelIds in its pipeline.')

    def read(index: int) -> np.ndarray:
        info = dataset.get_data_info(index)
        for step in steps:
            info = step(info)
        return info['gt_seg_map']

    return read


def class_shares(dataset: BaseDataset, max_images: int = 200) -> Dict[str, float]:
    """Compute the share of each class in the labels of a data set, such as the source.

    Args:
        dataset (BaseDataset): A labelled data set, whose pipeline reads the labels.
        max_images (int): Largest number of labels to read, evenly spaced. Defaults to 200.

    Returns:
        dict[str, float]: Share in [0, 1] of the pixels that have a class.

    Raises:
        SampleError: if a label is broken.
        ValueError: if the data set has no labels, a label has an id that is not a class, or no pixel has a class.
    """
    classes, read = dataset.metainfo.get('classes') or (), label_reader(dataset)
    counts, chosen = np.zeros(LEVELS, np.int64), spread_evenly(len(dataset), max_images, True)
    progress = Progress('reading labels of the source', len(chosen))
    for done, index in enumerate(chosen, 1):
        counts += np.bincount(read(index).ravel(), minlength=LEVELS)
        if counts[len(classes):IGNORE].any():
            check_class_ids(read(index), len(classes), dataset.get_data_info(index)['seg_map_path'])
        progress.update(done)
    counts = counts[:len(classes)]
    if not counts.any():
        raise ValueError(f'no pixel in {len(chosen)} labels of {type(dataset).__name__} has one of the classes '
                         f'{tuple(classes)}. Check `label_map`.')
    return dict(zip(classes, (counts / counts.sum()).tolist()))
