"""Predicting a whole data set in batches, in one or several processes, and writing the predictions."""
from typing import Any, Callable, Dict, Hashable, Iterable, Iterator, List, NamedTuple, Sequence

import torch
from mmengine.dist import all_gather_object, get_dist_info
from torch.utils.data import DataLoader, Dataset

from .background import BackgroundCalls
from .predicting import predicting_alike
from .progress import Progress
from .watchdog import watch_each

_WAITING_BATCHES = 4  # batches of items that may wait for others of their group


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
            together. A few items wait until their group fills a batch.
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
    total, kept = len(dataset), len(dataset) - len(pending)
    progress = Progress(title, total, kept)
    broken: Dict[int, str] = {}

    def readable() -> Iterator[List[Any]]:
        for number, batch in enumerate(watch_each(loader, title), 1):
            broken.update(item for item in batch if isinstance(item, Unreadable))
            yield [item for item in batch if not isinstance(item, Unreadable)]
            if rank == 0:  # the other processes have made about the same progress
                progress.update(min(total, kept + number * batch_size * world_size))

    with predicting_alike(), BackgroundCalls(2 * batch_size) as calls:
        for group in _full_groups(readable(), group_by, batch_size):
            for item, result in zip(group, predict(group)):
                calls.submit(write, item, result)
    return dict(sorted(item for part in all_gather_object(broken) for item in part.items()))


def _full_groups(batches: Iterable[List[Any]], group_by: Callable[[Any], Hashable],
                 batch_size: int) -> Iterator[List[Any]]:
    """Yield the items in groups of the size of a batch. Items wait for others of their group, but only a few of them.

    Args:
        batches (Iterable[list]): The items, up to `batch_size` in each list.
        group_by (Callable): Returns the group of an item.
        batch_size (int): Largest number of items in a group.
    """
    waiting: Dict[Hashable, List[Any]] = {}
    for batch in batches:
        for item in batch:
            key = group_by(item)
            waiting.setdefault(key, []).append(item)
            if len(waiting[key]) == batch_size:
                yield waiting.pop(key)
        while sum(map(len, waiting.values())) > _WAITING_BATCHES * batch_size:
            yield waiting.pop(next(iter(waiting)))  # the group that has waited longest
    yield from waiting.values()
