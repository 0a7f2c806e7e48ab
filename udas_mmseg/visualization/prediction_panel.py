"""A picture of what several models predict."""
import os.path as osp
from typing import List, Mapping, Sequence

import cv2
import numpy as np
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.utils.data import Dataset

from ..utils.indices import spread_evenly
from . import add_legend, colorize, grid


def draw_predictions(datasets: Mapping[str, Dataset], models: Mapping[str, nn.Module], count: int) -> np.ndarray:
    """Draw images, their truth, and what each model makes of them, a row an image.

    Args:
        datasets (Mapping[str, Dataset]): What its images are -> labelled data set with a test pipeline, not empty, all
            of the same classes. Rows go through the data sets in turn.
        models (Mapping[str, nn.Module]): Title of its column -> segmentor in evaluation mode.
        count (int): Images of each data set, spread evenly over it.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    rows, captions = [], []
    meta = next(iter(datasets.values())).metainfo
    chosen = {caption: spread_evenly(len(dataset), count) for caption, dataset in datasets.items()}
    for number in range(max(map(len, chosen.values()))):
        for caption, dataset in datasets.items():
            if number >= len(chosen[caption]):
                continue
            sample = dataset[chosen[caption][number]]
            label = sample['data_samples'].gt_sem_seg.data[0].numpy()
            rows.append(_row(sample, label, list(models.values()), meta['palette']))
            captions.append(f'{caption}: {osp.basename(sample["data_samples"].img_path)}')
    return add_legend(grid(rows, ['image', 'truth', *models], captions), meta['classes'], meta['palette'])


def _row(sample: dict, label: np.ndarray, models: Sequence[nn.Module],
         palette: Sequence[Sequence[int]]) -> List[np.ndarray]:
    """Image, truth and predictions, in the size that the network sees."""
    predictions = [model.test_step(pseudo_collate([sample]))[0].pred_sem_seg.data[0].cpu().numpy() for model in models]
    image = sample['inputs'].numpy().transpose(1, 2, 0)
    size = image.shape[1::-1]
    return [image, *(colorize(cv2.resize(ids.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), palette)
                     for ids in (label, *predictions))]
