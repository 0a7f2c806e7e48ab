"""Labelling a data set by the most confident of several views, in one process or in several."""
import logging
import sys
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, broadcast_object_list, get_dist_info, is_main_process
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import DataLoader

from ..datasets.image_views import ImageViews, ImageViewsDataset, Unreadable, build_augment
from ..utils.background import BackgroundCalls
from ..utils.predicting import predicting_alike
from ..utils.processes import together
from ..utils.progress import Progress
from .view_prediction import Labeler, predict_views
from .writer import PseudoLabelWriter

_DEFAULT_AUGMENT = dict(type='SegAutoAugment', policy='imagenet')


@dataclass(frozen=True)
class LabelingOptions:
    """How a data set is labelled.

    Args:
        views (int): Views of each image, the image itself among them. UDAS merges 3. Defaults to 3.
        augment (dict, optional): Config of the `SegAugment` that the further views are drawn from. Defaults to
            AutoAugment's ImageNet policy.
        seed (int): Of the draws, 0 or more. Defaults to 0.
        temperature (float): Of the softmax, above 0; below 1 sharpens. Defaults to 1.0.
        batch_size (int): Images whose views are predicted at once. Defaults to 1.
        workers (int): Processes that load images and draw views. Defaults to 2.
        max_broken (int): Images that may be left out because they cannot be read. Defaults to 0.

    Raises:
        ValueError: if a value is outside its range, or `augment` is nothing that can be undone.
    """
    views: int = 3
    augment: Optional[Dict[str, Any]] = None
    seed: int = 0
    temperature: float = 1.0
    batch_size: int = 1
    workers: int = 2
    max_broken: int = 0

    def __post_init__(self) -> None:
        for name, lowest in (('views', 1), ('batch_size', 1), ('seed', 0), ('workers', 0), ('max_broken', 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < lowest:
                raise ValueError(f'{name}={value!r}: allowed are whole numbers from {lowest}.')
        if not 0 < self.temperature < float('inf'):
            raise ValueError(f'temperature={self.temperature}: it must be above 0; 1 changes nothing, less sharpens.')
        if self.augment_cfg is not None:
            build_augment(self.augment_cfg)

    @property
    def augment_cfg(self) -> Optional[Dict[str, Any]]:
        """What the further views are drawn from; None if there are none."""
        if self.views == 1:
            return None
        return dict(_DEFAULT_AUGMENT if self.augment is None else self.augment)

    @property
    def header(self) -> Dict[str, Any]:
        """What of this decides the labels, as a set's index has it."""
        return dict(views=self.views, augment=self.augment_cfg, seed=self.seed, temperature=self.temperature)


def check_labeler(labeler: Labeler, classes: Sequence[str], options: LabelingOptions) -> None:
    """Check that a model can label images of these classes.

    Raises:
        ValueError: if it has other classes, or one channel where probabilities of several classes are needed.
    """
    segmentor = labeler.segmentor
    if segmentor.num_classes != len(classes):
        raise ValueError(f'the model has num_classes={segmentor.num_classes}, but the images have {len(classes)} '
                         f'classes {tuple(classes)}. Label them with a model that was trained for these, or correct '
                         '`metainfo.classes`.')
    if segmentor.out_channels == 1 and (options.views > 1 or options.temperature != 1):
        raise ValueError('the model has one output channel for both classes, and is supported with views=1 and '
                         f'temperature=1 only, not views={options.views}, temperature={options.temperature}. Train '
                         'it with out_channels=2.')


def label_dataset(labeler: Labeler, dataset: BaseDataset, writer: PseudoLabelWriter,
                  options: LabelingOptions) -> Dict[str, Any]:
    """Label what the writer does not have yet; in several processes each takes its share.

    Call it in every process of the group, with the model in evaluation mode. The files do not depend on the number of
    processes or of workers, nor on where a run was broken off: every batch has `batch_size` images of one size, filled
    up with copies where there are fewer, and views are a function of seed and image.

    Args:
        labeler (Labeler): What predicts.
        dataset (BaseDataset): Unlabelled images in the writer's order; a sample that fails is not replaced.
        writer (PseudoLabelWriter): Where labels go.
        options (LabelingOptions): How they are made.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file cannot be written; what was written before is kept.
        ValueError: if more than `max_broken` images cannot be read, behind the labelling of the others; if the views
            cannot be drawn; if a prediction is not finite.
    """
    rank, world_size = get_dist_info()
    shared = [together(lambda: writer.begin() if rank == 0 else [])]
    broadcast_object_list(shared)
    pending = shared[0]
    if rank == 0 and len(pending) < len(dataset):
        print(f'{len(dataset) - len(pending)} of {len(dataset)} labels are kept from an earlier run.', file=sys.stderr)
    batches = [pending[first:first + options.batch_size] for first in range(0, len(pending), options.batch_size)]
    augment = None if options.augment_cfg is None else build_augment(options.augment_cfg)
    views = ImageViewsDataset(dataset, writer.names, augment, options.views, options.seed)
    with predicting_alike():
        broken = _label_share(labeler, views, writer, options, batches[rank::world_size], len(pending))
    gathered = all_gather_object((broken, writer.counts))
    skipped = {writer.names[index]: reason for part, _ in gathered for index, reason in part.items()}
    for other, (_, counts) in enumerate(gathered):
        if other != rank:
            writer.add(counts)
    finished = [together(lambda: _finish(writer, skipped, options.max_broken) if rank == 0 else {})]
    broadcast_object_list(finished)
    return finished[0]


def _finish(writer: PseudoLabelWriter, skipped: Mapping[str, str], max_broken: int) -> Dict[str, Any]:
    listed = '\n- '.join(skipped.values())
    counted = f'{len(skipped)} of {len(writer.names)} images cannot be read'
    if len(skipped) > max_broken or len(skipped) == len(writer.names):
        raise ValueError(f'{counted} (max_broken={max_broken}); the others are labelled and kept in {writer.part}:\n- '
                         f'{listed}\nMend them and give the same command, or allow them to be left out with a higher '
                         '`max_broken` (--max-broken).')
    if skipped:
        print_log(f'{counted} and have no label:\n- {listed}', 'current', logging.WARNING)
    return writer.finish(skipped)


def _label_share(labeler: Labeler, views: ImageViewsDataset, writer: PseudoLabelWriter, options: LabelingOptions,
                 batches: Sequence[List[int]], pending: int) -> Dict[int, str]:
    """Label some batches and write the files behind the predictions; what is wrong with unreadable images."""
    loader = DataLoader(views, batch_sampler=batches, num_workers=options.workers, collate_fn=list,
                        generator=torch.Generator())  # of its own: the process' numbers are left alone
    world_size, kept = get_dist_info()[1], len(views) - pending
    progress, done = Progress(str(writer.out), len(views), kept), 0
    broken: Dict[int, str] = {}

    def write(index: int, label: Tensor, sure: Tensor) -> None:
        writer.write(index, label.cpu().numpy(), sure)

    with BackgroundCalls(2 * options.batch_size) as behind:
        for batch in loader:
            broken.update(item for item in batch if isinstance(item, Unreadable))
            for group in _alike([item for item in batch if isinstance(item, ImageViews)]):
                predictions = predict_views(labeler, group, options.batch_size, options.temperature)
                for image, (label, sure) in zip(group, predictions):
                    behind.submit(write, image.number, label, sure)
            done += len(batch)
            if is_main_process():  # the other processes are about as far
                progress.update(min(len(views), kept + done * world_size))
    return broken


def _alike(items: Sequence[ImageViews]) -> List[List[ImageViews]]:
    """Images by the sizes of their views and their original size."""
    groups: Dict[tuple, List[ImageViews]] = {}
    for item in items:
        sizes = tuple(tuple(sample['inputs'].shape) for sample in item.samples)
        groups.setdefault((sizes, tuple(item.samples[0]['data_samples'].ori_shape)), []).append(item)
    return list(groups.values())
