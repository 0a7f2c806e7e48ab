"""Pictures of training samples as a model gets them: image | label | blend, mixed regions, other views."""
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
from mmseg.registry import DATASETS

from ..datasets import DomainPairDataset, StreamDataset
from ..datasets.list_files import nested_datasets
from ..datasets.multi_view import views_of
from ..datasets.pipelines import steps_of
from ..datasets.transforms.domain_cutmix import DomainMixing
from ..visualization import add_legend, blend, colorize, draw_outline, fit, grid

_WIDE = 800  # of the picture of a batch, so that texts fit


def branches_of(dataset: Any, name: str) -> Dict[str, StreamDataset]:
    """Return the stream of each branch of a data set, or of its config; others become a stream with the given name."""
    dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
    if isinstance(dataset, DomainPairDataset):
        return dataset.branches
    if isinstance(dataset, StreamDataset):
        return {dataset.branch: dataset}
    return {name: StreamDataset(dataset, branch=name)}


def note_mixing(stream: StreamDataset) -> None:
    """Record the target image and the mixed region in each sample, without changing images, labels or randomness."""
    pipelines = [pipeline for part in nested_datasets(stream)
                 for pipeline in (getattr(part, 'pipeline', None), *getattr(part, 'views', {}).values())]
    for step in steps_of(pipelines):
        if isinstance(step, DomainMixing):
            step.record_mask = True
        elif hasattr(step, 'meta_keys'):  # this step packs the keys that it lists
            step.meta_keys = (*step.meta_keys, 'mix_mask', 'mix_img_path')


def draw_samples(samples: Sequence[dict], metainfo: Mapping[str, Any], width: Optional[int] = None,
                 wide: int = 0) -> np.ndarray:
    """Draw a row for each sample: image, label, blend, other views; for unlabelled samples only images.

    Args:
        samples (Sequence[dict]): Samples of one branch.
        metainfo (Mapping): `classes` and `palette` of the data set; without them, only images are drawn.
        width (int, optional): Largest width of an image in the picture. Defaults to the width of the images.
        wide (int): Smallest width of the picture. Defaults to 0.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    palette = metainfo.get('palette')
    rows: List[List[Optional[np.ndarray]]] = []
    for sample in samples:
        image, *others = [image_of(view) for view in views_of(sample)]
        label, mask = label_of(sample), mask_of(sample)
        row = [image]
        if label is not None and palette is not None:
            row += [colorize(label, palette), blend(image, label, palette)]
        if mask is not None:
            row = [draw_outline(cell, mask) if number != 1 else cell for number, cell in enumerate(row)]
        row += others
        rows.append([cell if width is None or cell.shape[1] <= width else fit(cell, (width, cell.shape[0]))
                     for cell in row])
    names = list(samples[0].get('views', {}))
    titles = [*['image', 'label', 'blend'][:max(map(len, rows)) - len(names)], *names]
    width = max(cell.shape[1] for row in rows for cell in row if cell is not None)
    # empty columns, so that texts are not cut off
    rows[0] += [None] * (-(-wide // width) - max(map(len, rows)))
    picture = grid(rows, titles, list(map(caption_of, samples)))
    if palette is None or all(label_of(sample) is None for sample in samples):
        return picture
    return add_legend(picture, metainfo['classes'], palette)


def draw_batch(batch: Dict[str, Any], dataset: Any, count: int = 4, width: int = 480) -> np.ndarray:
    """Draw the samples of a training batch, branch by branch.

    Args:
        batch (dict): A batch as the loader gives it, with or without branches.
        dataset (Dataset): The training data.
        count (int): Largest number of samples of a branch. Defaults to 4.
        width (int): See `draw_samples`. Defaults to 480.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    streams = branches_of(dataset, 'train')
    parts = batch if 'inputs' not in batch else {next(iter(streams)): batch}
    pictures = []
    for name, part in parts.items():
        samples = [_sample_of(part, number) for number in range(min(count, len(part['inputs'])))]
        title = f'{name}: {len(samples)} of {len(part["inputs"])} samples of the first batch'
        pictures.append([grid([[draw_samples(samples, streams[name].metainfo, width, _WIDE)]], [title])])
    return grid(pictures)


def _sample_of(batch: Dict[str, Any], number: int) -> Dict[str, Any]:
    """Return one sample of a batch, with its views."""
    sample = {key: batch[key][number] for key in ('inputs', 'data_samples')}
    if 'views' in batch:
        sample['views'] = {name: _sample_of(view, number) for name, view in batch['views'].items()}
    return sample


def image_of(sample: dict) -> np.ndarray:
    """Return the image of a sample: (H, W, 3) uint8, BGR."""
    return np.ascontiguousarray(sample['inputs'].numpy().transpose(1, 2, 0))


def caption_of(sample: dict) -> str:
    """Return the name of the image, and of the image with which it was mixed."""
    name, mask = short_name(sample['data_samples'].get('img_path', '')), mask_of(sample)
    if mask is None:
        return name
    partner = short_name(sample['data_samples'].mix_img_path)
    return f'{name}, outlined: {partner}' if mask.any() else f'{name}, nothing of {partner}'


def short_name(path: str) -> str:
    """Return the last two parts of a path."""
    return '/'.join(path.split(os.sep)[-2:])


def mask_of(sample: dict) -> Optional[np.ndarray]:
    """Return an (H, W) bool mask of the pixels from the target, or None if nothing can be mixed."""
    if 'mix_mask' not in sample['data_samples']:
        return None
    return at_image_size(sample['data_samples'].mix_mask, sample) == 1  # transforms fill with 255, as in labels


def label_of(sample: dict) -> Optional[np.ndarray]:
    """Return the label of a sample in the size of the image, or None."""
    if 'gt_sem_seg' not in sample['data_samples']:
        return None
    return at_image_size(sample['data_samples'].gt_sem_seg.data[0].numpy().astype(np.uint8), sample)


def at_image_size(label: np.ndarray, sample: dict) -> np.ndarray:
    """Resize a label to the size of the image; in validation, a label keeps its own size."""
    height, width = sample['inputs'].shape[1:]
    if label.shape == (height, width):
        return label
    rows, columns = np.arange(height) * label.shape[0] // height, np.arange(width) * label.shape[1] // width
    return label[rows[:, None], columns]
