"""Pseudo-labels by the model in training, renewed at intervals."""
import contextlib
import logging
import os
import os.path as osp
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from mmengine.dataset import BaseDataset
from mmengine.dist import broadcast, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, find_latest_checkpoint
from mmseg.registry import HOOKS
from torch import nn

from ...models.predictor import predictor_of
from ...pseudo_labels.label import (
    LabelingOptions,
    images_to_label,
    label_dataset,
    labeling_digest,
    open_images,
    open_set,
)
from ...pseudo_labels.predict import Labeler
from ...utils.digests import weights_digest
from ...utils.mirrored_folder import holds_files, read_index
from ...utils.predicting import predicting
from ...utils.processes import together, unwrap
from ...utils.randomness import derive_seeds


@HOOKS.register_module()
class MaxConfidencePseudoLabelHook(Hook):
    """Label a data set with the model in training, every `interval` iterations, for the training that reads the labels.

    The files are those of `tools/pseudo_label.py`. `out` becomes a link to the newest set, `<out>.iter_<iteration>`.
    The link is replaced in one step, so a reader gets either the old or the new file. A folder that exists at the
    start of the run becomes `<out>.before` and is never deleted. A set of the hook is deleted as soon as no checkpoint
    needs it any more. Samples that data loader workers have loaded in advance still have the previous labels.

    Labelling does not affect training: the model predicts in eval mode without gradients, and its modes, its buffers
    and the random generators are restored. The processes share the images, and all use the buffers of the first
    process, which are those in checkpoints. Views depend only on the seed, the iteration and the image, so a resumed
    run writes the same labels.

    Args:
        out (str): Folder of the labels.
        dataset (dict): Config of the images. They are loaded with the test pipeline of the run's config; labels are
            not opened.
        interval (int): Iterations between sets. Defaults to 5000.
        begin (bool): Whether to also label before the first iteration. Defaults to False.
        views (int): Number of views of each image, including the image itself. Defaults to 3.
        augment (dict, optional): Config of the `SegAugment` that produces the other views. Defaults to AutoAugment's
            ImageNet policy.
        seed (int): Seed of the augmentation. Defaults to 0.
        temperature (float): Temperature of the softmax; values below 1 raise the confidences. Defaults to 1.0.
        batch_size (int): Number of images whose views are predicted at once. Defaults to 1.
        workers (int): Number of processes that load images and draw views. Defaults to 2.
        max_broken (int): Number of images that may be skipped because they cannot be read. Defaults to 0.

    Raises:
        ValueError: if a value is outside its range; before training, if images, model and options do not match.
        FileExistsError: before training, if `out` has files that are not pseudo-labels.

    Example:
        >>> custom_hooks = [dict(type='MaxConfidencePseudoLabelHook', out='work_dirs/labels', interval=2000,
        ...                      dataset=_base_.target_train)]
    """
    priority = 'LOWEST'  # after CheckpointHook, so that a run that is killed while it labels resumes at this iteration

    def __init__(self,
                 out: str,
                 dataset: dict,
                 interval: int = 5000,
                 begin: bool = False,
                 views: int = 3,
                 augment: Optional[dict] = None,
                 seed: int = 0,
                 temperature: float = 1.0,
                 batch_size: int = 1,
                 workers: int = 2,
                 max_broken: int = 0) -> None:
        if interval < 1:
            raise ValueError(f'MaxConfidencePseudoLabelHook: interval={interval}: it must be 1 or more.')
        self.options = LabelingOptions(views, augment, seed, temperature, batch_size, workers, max_broken)
        self.out = Path(osp.abspath(out))
        self.dataset = dataset
        self.interval = interval
        self.begin = begin
        self._images: BaseDataset = None
        self._digest = ''

    def before_train(self, runner: Runner) -> None:
        """Open the images, and make sure that `out` has the labels of the iteration at which the run starts."""
        together(lambda: self._open(runner))
        due = runner.iter // self.interval * self.interval
        together(lambda: self._adopt() if is_main_process() else None)
        if due == runner.iter and (due > 0 or self.begin):
            self._refresh(runner, due, runner.iter)
        elif together(lambda: self._has_set(due)):
            together(lambda: self._link(self._folder(due)) if is_main_process() else None)
        elif due > 0:
            print_log(f'{self._folder(due)}, which has the labels for iteration {runner.iter}, is missing. The images '
                      'are labelled with the model of this iteration instead, so the result of the run will differ.',
                      'current', logging.WARNING)
            self._refresh(runner, due, runner.iter)

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Label if this iteration is due."""
        if self.every_n_train_iters(runner, self.interval):
            self._refresh(runner, runner.iter + 1, runner.iter + 1)

    def _open(self, runner: Runner) -> None:
        dataset_cfg = images_to_label(runner.cfg, self.dataset)
        self._images = open_images(dataset_cfg)
        self._digest = labeling_digest(runner.cfg, dataset_cfg['pipeline'])
        Labeler.of(runner.model).check(self._images.metainfo.get('classes') or (), self.options.views,
                                       self.options.temperature)
        if self.out.exists() and holds_files(self.out) and read_index(self.out, 'teacher') is None:
            raise FileExistsError(f'{self.out} has files but no index.json of pseudo-labels, so it is not changed. '
                                  'Choose another `out`.')

    def _refresh(self, runner: Runner, number: int, iteration: int) -> None:
        """Write set `number` with the weights of an iteration, and link `out` to it."""
        model = unwrap(runner.model)
        options = replace(self.options, seed=derive_seeds(self.options.seed, 'pseudo_labels', number)[0])
        with predicting(model), _buffers_of_first(predictor_of(model)):
            labeler = Labeler.of(model)
            teacher: Dict[str, Any] = dict(
                config=runner.cfg.filename or '', checkpoint=f'iteration {iteration}', iteration=iteration,
                sha256=weights_digest(labeler.segmentor), config_digest=self._digest)
            writer = together(lambda: open_set(self._images, str(self._folder(number)), teacher, options, True))
            if together(writer.complete) is None:
                label_dataset(labeler, self._images, writer, options)
        together(lambda: self._replace(runner, number) if is_main_process() else None)

    def _replace(self, runner: Runner, number: int) -> None:
        self._link(self._folder(number))
        latest = re.search(r'iter_(\d+)\.pth', find_latest_checkpoint(runner.work_dir) or '')
        needed = int(latest[1]) // self.interval * self.interval if latest else 0
        for folder in self.out.parent.glob(f'{self.out.name}.iter_*'):
            other = re.fullmatch(r'iter_(\d+)(\.part)?', folder.name[len(self.out.name) + 1:])
            if other and int(other[1]) < min(needed, number):
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, number: int) -> Path:
        """Return the folder of the set of an iteration; for 0 without `begin`, that of the set from before the run."""
        return self.out.with_name(f'{self.out.name}.iter_{number}' if number or self.begin else self._before.name)

    @property
    def _before(self) -> Path:
        return self.out.with_name(f'{self.out.name}.before')

    def _has_set(self, number: int) -> bool:
        return 'num_images' in (read_index(self._folder(number), 'teacher') or {})

    def _link(self, folder: Path) -> None:
        """Link `out` to a set, in one step."""
        part = self.out.with_name(f'{self.out.name}.link')
        part.unlink(missing_ok=True)
        part.symlink_to(folder.name)
        os.replace(part, self.out)

    def _adopt(self) -> None:
        """Rename a folder that is there when the run begins, and replace it by a link."""
        if self.out.is_symlink() or not self.out.is_dir():
            return
        if not holds_files(self.out):
            self.out.rmdir()
        elif self._before.exists():
            raise FileExistsError(f'both {self.out} and {self._before} exist. Delete the one whose labels should not '
                                  'be used.')
        else:
            self.out.rename(self._before)
            self._link(self._before)


@contextlib.contextmanager
def _buffers_of_first(model: nn.Module) -> Iterator[None]:
    """Use the buffers of the first process in every process; without synchronised batch norm each has its own."""
    buffers = list(model.buffers()) if get_world_size() > 1 else []
    before = [buffer.clone() for buffer in buffers]
    try:
        for buffer in buffers:
            broadcast(buffer)
        yield
    finally:
        for buffer, value in zip(buffers, before):
            buffer.copy_(value)
