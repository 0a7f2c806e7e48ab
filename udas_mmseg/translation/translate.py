"""A whole data set through a translator."""
from typing import Dict, Iterator, List, Sequence, Tuple, Union

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import broadcast_object_list, get_dist_info
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..datasets import SampleError
from ..models.trained import load_checkpoint
from ..utils.background import BackgroundCalls
from ..utils.predicting import predicting_alike
from ..utils.progress import Progress
from .checkpoint_hook import check_image_format
from .writer import TranslationWriter

_Sample = Tuple[int, Tensor, Tuple[int, int]]


def build_translator(cfg: Config, checkpoint: str) -> nn.Module:
    """The trained translator of a config, in evaluation mode on the best device.

    Args:
        cfg (Config): Config of a `DomainCycleGAN`.
        checkpoint (str): Its weights.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if the checkpoint lacks weights, or was trained on images of another format.
    """
    content = load_checkpoint(checkpoint)
    # what only training needs is not built
    model = MODELS.build({**cfg.model, 'semantic_consistency': None}).eval()
    weights, wanted = content.get('state_dict', content), model.state_dict()
    generators = [key for key in wanted if key.startswith('generators.')]
    missing = [key for key in generators if key not in weights or weights[key].shape != wanted[key].shape]
    broken = [key for key in generators if key not in missing and not torch.isfinite(weights[key]).all()]
    if broken:
        raise ValueError(f'checkpoint {checkpoint} has weights that are not finite ({", ".join(broken[:3])}): every '
                         'translation would be black. Give an earlier one.')
    if missing:
        raise ValueError(f'checkpoint {checkpoint} does not fit the config: {len(missing)} of {len(generators)} '
                         f'weights of the generators are missing or of another shape ({", ".join(missing[:3])}). '
                         'Give the config, and --cfg-options, that it was trained with.')
    check_image_format(content.get('meta') or {}, model.image_format)
    model.load_state_dict({key: weights[key] for key in generators}, strict=False)
    return model.to(get_device())


def translate_dataset(model: nn.Module,
                      dataset: Dataset,
                      writer: TranslationWriter,
                      batch_size: int = 4,
                      workers: int = 2) -> List[str]:
    """Translate what the writer does not have yet; each process takes its share of the batches.

    Every batch has `batch_size` images of one size, filled up with copies where there are fewer: the networks'
    rounding depends on the size of a batch. A file therefore does not depend on what else is translated: not on where
    a run was broken off, on images that cannot be read, on the number of processes or of images.

    Args:
        model (nn.Module): `DomainCycleGAN`, or anything with its `translate`.
        dataset (Dataset): Unlabelled images in the writer's order; the pipeline ends with `PackSegInputs`.
        writer (TranslationWriter): Where they go; `begin` was called.
        batch_size (int): Images that are translated together, at least 1. Defaults to 4.
        workers (int): Processes that load images. Defaults to 2.

    Returns:
        list[str]: What is wrong with each image that could not be read; the others are translated.

    Raises:
        OSError: if a file cannot be written; what was written before is kept.
        ValueError: if the size of a batch is less than 1.
    """
    if batch_size < 1:
        raise ValueError(f'batch_size={batch_size}: it must be 1 or more.')
    rank, world_size = get_dist_info()
    shared = [writer.pending() if rank == 0 else []]
    broadcast_object_list(shared)  # before anybody writes: all must deal out the same batches
    pending = shared[0]
    kept = len(dataset) - len(pending)
    batches = [pending[first:first + batch_size] for first in range(0, len(pending), batch_size)][rank::world_size]
    loader = DataLoader(_Readable(dataset), batch_sampler=batches, num_workers=workers, collate_fn=list)
    progress, done = Progress(str(writer.out), len(dataset), kept), 0
    broken: List[str] = []
    with predicting_alike(), BackgroundCalls(2 * batch_size) as behind:
        for batch in loader:
            broken += [sample for sample in batch if isinstance(sample, str)]
            for images, members in _by_size([sample for sample in batch if not isinstance(sample, str)]):
                images = images[torch.arange(batch_size).clamp(max=len(images) - 1)]
                translated = model.translate(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()
                for image, (index, size) in zip(translated, members):
                    behind.submit(writer.write, index, image, size)
                done += len(members)
            if rank == 0:  # the other processes are about as far
                progress.update(min(len(dataset), kept + done * world_size))
    return broken


class _Readable(Dataset):
    """Samples as (index, image, original width and height), or what is wrong with one that cannot be read."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Union[_Sample, str]:
        try:
            sample = self.dataset[index]
        except (SampleError, OSError) as error:
            return str(error)
        height, width = sample['data_samples'].ori_shape[:2]
        return index, sample['inputs'], (width, height)


def _by_size(samples: Sequence[_Sample]) -> Iterator[Tuple[Tensor, List[Tuple[int, Tuple[int, int]]]]]:
    """Stacks of the images of each size, and for each image its index and original size."""
    groups: Dict[tuple, List[_Sample]] = {}
    for sample in samples:
        groups.setdefault(tuple(sample[1].shape), []).append(sample)
    for group in groups.values():
        yield torch.stack([image for _, image, _ in group]), [(index, size) for index, _, size in group]
