"""The sampler of endless streams."""
from typing import Iterator, Optional, Sized

from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from .stream import StreamIndex


@DATA_SAMPLERS.register_module()
class PositionSampler(Sampler):
    """Increasing positions of a stream, distributed over the ranks: rank r of W gets start + r, start + r + W, ...

    With a batch of B samples on each rank, iteration i of a run that starts at 0 uses the positions from i*B*W to
    (i+1)*B*W - 1, each exactly once over all ranks. `PositionTrainLoop` sets the start when a run is resumed.

    Args:
        dataset (Sized): A `StreamDataset` or `DomainPairDataset`.
        seed (int, optional): Seed of the stream; MMEngine's Runner passes its own. Defaults to a random one that is the
            same on all ranks.
        start (int): First position over all ranks. Defaults to 0.
    """

    def __init__(self, dataset: Sized, seed: Optional[int] = None, start: int = 0) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.start = start

    def start_at(self, seed: int, position: int) -> None:
        """Set the seed and the first position, before the loader starts its workers, which share the order.

        Args:
            seed (int): Seed of the stream.
            position (int): First position over all ranks.
        """
        self.seed, self.start = seed, position
        if hasattr(self.dataset, 'start_at'):  # the streams of others need not have it
            self.dataset.start_at(seed, position)

    def __iter__(self) -> Iterator[StreamIndex]:
        """Iterate endlessly, each time from `start`."""
        position = self.start + self.rank
        while True:
            yield StreamIndex(self.seed, position)
            position += self.world_size

    def __len__(self) -> int:
        """Return the number of samples of one pass on this rank, rounded up. MMEngine derives epoch lengths from it."""
        return -(-len(self.dataset) // self.world_size)
