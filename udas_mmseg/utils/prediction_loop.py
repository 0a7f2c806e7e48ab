"""Predicting a whole data set in batches, in one or several processes, and writing the predictions."""
from typing import Any, Callable, Dict, Hashable, Iterable, List, NamedTuple, Sequence

import torch
from mmengine.dist import all_gather_object, get_dist_info
from torch.utils.data import DataLoader, Dataset

from .background import BackgroundCalls
from .predicting import predicting_alike
from .progress import Progress


class Unreadable(NamedTuple):
    """An image that cannot be read, with the reason."""
    number: int
    reason: str


def predict_and_write(title: str,
                      dataset: Dataset,
                      pending: Sequence[int],
                      predict: Callable[[List[Any]], Iterable[Any]],
                      write: Callable[[Any, Any], None],
                      group_by: Callable[[Any], Hashable],
                      batch_size: int = 1,
                      workers: int = 2) -> Dict[int, str]:
    """Predict images, and write the results in the background while the next images are predicted.

    Call it in every process of a group, with the same images. Each process predicts a part of the batches.

    Args:
        title (str): Title of the progress on standard error.
        dataset (Dataset): Data set with an item, or `Unreadable`, for each image.
        pending (Sequence[int]): Numbers of the images to predict.
        predict (Callable): Called with the items of a batch, all of the same group. Returns a result for each item.
        write (Callable): Called in a thread, with an item and its result.
        group_by (Callable): Returns the group of an item, such as its size. Only items of the same group are predicted
            together.
        batch_size (int): Number of images in a batch. Defaults to 1.
        workers (int): Number of processes that load images. Defaults to 2.

    Returns:
        dict[int, str]: Images of all processes that cannot be read, with the reason. All other images are written.

    Raises:
        OSError: if a file cannot be written. Files that were written before are kept.
    """
    rank, world_size = get_dist_info()
    batches = [pending[first:first + batch_size] for first in range(0, len(pending), batch_size)][rank::world_size]
    loader = DataLoader(dataset, batch_sampler=batches, num_workers=workers, collate_fn=list,
                        generator=torch.Generator())  # so that the random state of the process is not changed
    total, done = len(dataset), 0
    kept = total - len(pending)
    progress = Progress(title, total, kept)
    broken: Dict[int, str] = {}
    with predicting_alike(), BackgroundCalls(2 * batch_size) as calls:
        for batch in loader:
            broken.update(item for item in batch if isinstance(item, Unreadable))
            for group in _groups([item for item in batch if not isinstance(item, Unreadable)], group_by):
                for item, result in zip(group, predict(group)):
                    calls.submit(write, item, result)
            done += len(batch)
            if rank == 0:  # the other processes have made about the same progress
                progress.update(min(total, kept + done * world_size))
    return dict(sorted(item for part in all_gather_object(broken) for item in part.items()))


def _groups(items: Sequence[Any], group_by: Callable[[Any], Hashable]) -> List[List[Any]]:
    groups: Dict[Hashable, List[Any]] = {}
    for item in items:
        groups.setdefault(group_by(item), []).append(item)
    return list(groups.values())
