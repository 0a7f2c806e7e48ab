"""A training loop that resumes at a position of the data stream."""
from typing import Dict, Iterator, List, Optional, Tuple, Union

from mmengine.dist import broadcast, broadcast_object_list, get_rank, get_world_size
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.utils import calc_dynamic_intervals
from mmseg.registry import LOOPS
from torch import nn
from torch.utils.data import DataLoader

from ...datasets import PositionSampler
from ...datasets.budget_key import check_budget
from ...utils.randomness import seed_process
from ...utils.watchdog import Section


@LOOPS.register_module()
class PositionTrainLoop(IterBasedTrainLoop):
    """MMEngine's iteration-based loop over an endless data stream, which resumes without reading earlier samples again.

    A resumed run ends with the same weights as an uninterrupted run, for two reasons:

    - The stream starts at the position that is stored in the checkpoint (`IterBasedTrainLoop` loads and drops all
      earlier batches instead).
    - Before each iteration, the random generators of the process (Python, NumPy, torch, accelerators) are seeded with
      (seed, iteration, rank). Their state therefore depends only on the iteration and the seed in the checkpoint, and
      not on a validation in between or on the number of workers.

    A validation that was due at the iteration of the checkpoint runs first, because the checkpoint does not show
    whether it was finished.

    Args:
        runner (Runner): The runner.
        dataloader (DataLoader | dict): Loader of a `StreamDataset` or `DomainPairDataset` with a `PositionSampler`.
        max_iters (int): Number of iterations.
        val_begin (int): First iteration with a validation. Defaults to 1.
        val_interval (int): Iterations between validations. Defaults to 1000.
        dynamic_intervals (list[tuple[int, int]], optional): (milestone, interval) pairs. Defaults to None.

    Raises:
        TypeError: if the loader's sampler is not a `PositionSampler`.
        ValueError: if the config's `budget` differs from that of its data sets.
    """

    def __init__(self,
                 runner: Runner,
                 dataloader: Union[DataLoader, Dict],
                 max_iters: int,
                 val_begin: int = 1,
                 val_interval: int = 1000,
                 dynamic_intervals: Optional[List[Tuple[int, int]]] = None) -> None:
        check_budget(runner.cfg)
        # Do not call the constructor of IterBasedTrainLoop: it starts the workers before the position is known.
        BaseLoop.__init__(self, runner, dataloader)
        if not isinstance(self.dataloader.sampler, PositionSampler):
            raise TypeError(f'PositionTrainLoop needs sampler=dict(type="PositionSampler") in train_dataloader, got '
                            f'{type(self.dataloader.sampler).__name__}.')
        self._max_iters = int(max_iters)
        self._max_epochs = 1
        self._epoch = 0
        self._iter = 0
        self.val_begin = val_begin
        self.val_interval = val_interval
        self.stop_training = False
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(val_interval, dynamic_intervals)
        self.runner.visualizer.dataset_meta = self.dataloader.dataset.metainfo

    def run(self) -> nn.Module:
        """Train from the current iteration to `max_iters`."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter > 0:
            self._validate_if_due()
        batches, loading = self._start_stream(), Section('loading a batch', alone=True)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            loading.begin()
            batch = next(batches)
            loading.end()
            self._position += self.dataloader.batch_size * get_world_size()
            self.runner.message_hub.update_info('stream_position', self._position)
            seed_process(self._seed, 'iteration', self._iter, get_rank())
            self.run_iter(batch)
            self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _start_stream(self) -> Iterator:
        """Start the loader at the position in the checkpoint (0 in a new run)."""
        hub = self.runner.message_hub
        is_resumed = self._iter > 0 and 'stream_position' in hub.runtime_info
        self._position = hub.get_info('stream_position') if is_resumed else 0
        # MMEngine restores the seed from the checkpoint after the sampler was built, and it may differ between ranks
        shared = [self.runner.seed]
        broadcast_object_list(shared)
        self._seed = shared[0]
        self.dataloader.sampler.start_at(self._seed, self._position)
        if is_resumed:
            self.runner.logger.info(f'Resumed at iteration {self._iter}: the stream continues at position '
                                    f'{self._position}, seed {self._seed}.')
        return iter(self.dataloader)

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return
        if self._iter % self.val_interval == 0 or self._iter == self._max_iters:
            for buffer in self.runner.model.buffers():
                broadcast(buffer)  # score the model that rank 0 saves; without SyncBN each rank has its own statistics
            self.runner.val_loop.run()
