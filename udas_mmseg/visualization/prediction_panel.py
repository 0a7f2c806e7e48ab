"""A picture of the predictions of several models."""
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
    """Draw images, their ground truth, and the prediction of each model, one row for each image.

    Args:
        datasets (Mapping[str, Dataset]): Caption -> labelled, non-empty data set with a test pipeline; all data sets
            have the same classes. Rows alternate between the data sets.
        models (Mapping[str, nn.Module]): Title of the column -> segmentor in evaluation mode.
        count (int): Number of images of each data set, evenly spaced.

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
    """Return the image, ground truth and predictions, at the size of the network's input."""
    predictions = [model.test_step(pseudo_collate([sample]))[0].pred_sem_seg.data[0].cpu().numpy() for model in models]
    image = sample['inputs'].numpy().transpose(1, 2, 0)
    size = image.shape[1::-1]
    return [image, *(colorize(cv2.resize(ids.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), palette)
                     for ids in (label, *predictions))]
