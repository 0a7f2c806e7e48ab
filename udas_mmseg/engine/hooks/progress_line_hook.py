"""A hook that shows the progress of a training or test in one line."""
import os.path as osp
from typing import Dict, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.progress import Progress


@HOOKS.register_module()
class ProgressLineHook(Hook):
    """Show iteration, time left, loss and last score in one line, in the first process only.

    `build_runner` adds it when the console is quiet, see `utils.console`; a config does not need to.
    """
    priority = 'LOWEST'  # the score and the loss are known

    def __init__(self) -> None:
        self._progress: Optional[Progress] = None
        self._score = ''

    def before_train(self, runner: Runner) -> None:
        """Begin the line."""
        if is_main_process():
            self._progress = Progress(_title(runner), runner.max_iters, runner.iter, 'iterations')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Show the iteration and the loss."""
        if self._progress:
            self._progress.show(runner.iter + 1, lambda: self._details(runner))

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Optional[dict] = None,
                       outputs: Optional[dict] = None) -> None:
        """Show the progress of a validation."""
        if self._progress:
            number = len(runner.val_loop.dataloader)
            self._progress.show(runner.iter, f'validation {batch_idx + 1}/{number}')

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Keep the score for the line."""
        for name in ('mIoU', *(metrics or {})):
            if isinstance((metrics or {}).get(name), (int, float)):
                self._score = f'{name} {(metrics or {})[name]:.1f}'
                break

    def after_train(self, runner: Runner) -> None:
        """Finish the line."""
        if self._progress:
            self._progress.finish(runner.iter, self._details(runner))

    def before_test(self, runner: Runner) -> None:
        """Begin the line."""
        if is_main_process():
            self._progress = Progress(f'{_title(runner)}, test', len(runner.test_loop.dataloader), unit='batches')

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: Optional[dict] = None,
                        outputs: Optional[dict] = None) -> None:
        """Show the number of batches."""
        if self._progress:
            self._progress.update(batch_idx + 1)

    def _details(self, runner: Runner) -> str:
        """Return the loss and the last score."""
        losses = {key: log for key, log in runner.message_hub.log_scalars.items() if key.startswith('train/loss')}
        chosen = [losses['train/loss']] if 'train/loss' in losses else list(losses.values())
        loss = f'loss {sum(log.current() for log in chosen):.3g}' if chosen else ''
        return ', '.join(part for part in (loss, self._score) if part)


def _title(runner: Runner) -> str:
    return osp.basename(osp.abspath(runner.work_dir))
