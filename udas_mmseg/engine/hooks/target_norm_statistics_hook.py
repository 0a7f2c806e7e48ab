"""A hook that computes batch norm statistics on the target domain."""
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import DATASETS, HOOKS
from torch import Tensor, nn

from ...datasets.image_files import SampleError
from ...models.norm_statistics import norm_layers, normalising_by_batch
from ...models.segmentors.branches import networks_of, outputs_of
from ...utils.indices import spread_evenly
from ...utils.processes import unwrap
from ...utils.randomness import seeded_rng


@HOOKS.register_module()
class TargetNormStatisticsHook(Hook):
    """Recompute the running statistics of batch norm on unlabelled target images after the last iteration.

    During training, they become a mixture of all domains that pass through the segmentor; at test time there is only
    one domain. The hook changes nothing else: weights, modes and random generators stay the same. The last checkpoint
    and the last validation use the new statistics. Every process computes the same statistics. Layers that do not
    update statistics in training (`norm_eval`, frozen stages, `track_running_stats=False`) are not changed. An EMA
    teacher gets statistics of its own, for the same layers.

    The images are evenly spaced in the data set. They are passed through the segmentor in full batches, which all have
    the same weight.

    Args:
        branch (str | dict): Name of a branch of the training data set ('target', 'pseudo_labeled'), which is loaded
            with its own pipeline, or the config of a data set; labels are not used. Defaults to 'target'.
        num_images (int): Number of images, or all images if the data set has fewer. Defaults to 160.
        batch_size (int): Number of images that are normalised together. Defaults to 8.

    Raises:
        ValueError: if `num_images` or `batch_size` is less than 1; before training, if the branch does not exist or its
            data set is empty.

    Example:
        >>> custom_hooks = [dict(type='TargetNormStatisticsHook', branch=_base_.target_train)]

    Source: Li et al., "Adaptive Batch Normalization for practical domain adaptation", Pattern Recognition 2018.
    """
    priority = 'LOW'  # after EMATeacherHook, before CheckpointHook

    def __init__(self, branch: Union[str, dict] = 'target', num_images: int = 160, batch_size: int = 8) -> None:
        for key, value in dict(num_images=num_images, batch_size=batch_size).items():
            if value < 1:
                raise ValueError(f'TargetNormStatisticsHook: {key}={value}: it must be 1 or more. To keep the '
                                 'statistics of training, remove the hook.')
        self.branch = branch
        self.num_images = num_images
        self.batch_size = batch_size
        self._dataset: Any = None

    def before_train(self, runner: Runner) -> None:
        """Open the data set, so that a mistake is found now and not after the last iteration."""
        if isinstance(self.branch, dict):
            self._dataset = DATASETS.build(self.branch)
        else:
            branches: Dict[str, Any] = getattr(runner.train_dataloader.dataset, 'branches', {})
            if self.branch not in branches:
                raise ValueError(f'TargetNormStatisticsHook: branch={self.branch!r}, but the training data have '
                                 f'{sorted(branches) or "no branches"}. Name one of them, or give the config of a data '
                                 'set of target images.')
            self._dataset = branches[self.branch].dataset
        if len(self._dataset) == 0:
            raise ValueError(f'TargetNormStatisticsHook: the data set {self.branch!r} is empty. Check its '
                             '`data_prefix`, `img_suffix` and `ann_file`.')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Compute the statistics if this was the last iteration."""
        if runner.iter + 1 != runner.max_iters:
            return
        model = unwrap(runner.model)
        trained, teacher = networks_of(model), getattr(model, 'teacher', None)
        learning = [name for name, module in trained[0].named_modules() if module.training]
        for network in [*trained, *([teacher.network] if teacher is not None else [])]:
            count = replace_norm_statistics(network, self._batches(model), learning)
        runner.logger.info(f'Statistics of {count} batch norm layers computed on {self.num_images} target images at '
                           f'most{", for student and teacher" if teacher is not None else ""}.')

    def _batches(self, model: nn.Module) -> Iterator[Tensor]:
        """Iterate over preprocessed batches; an incomplete batch is used only if there are no complete ones."""
        indices = spread_evenly(len(self._dataset), self.num_images)
        size = min(self.batch_size, len(indices))
        samples: List[dict] = []
        for index in indices:
            samples += self._sample(index)
            if len(samples) == size:
                yield model.data_preprocessor(pseudo_collate(samples), False)['inputs']
                samples = []

    def _sample(self, index: int) -> List[dict]:
        """Return a list with a sample, or an empty list if its file is broken; the same at every call."""
        try:
            with seeded_rng('norm_statistics', index):
                return [self._dataset[index]]
        except SampleError as error:
            MMLogger.get_current_instance().warning(f'TargetNormStatisticsHook skips a broken sample: {error}')
            return []


def replace_norm_statistics(segmentor: nn.Module, batches: Iterator[Tensor],
                            learning: Optional[Sequence[str]] = None) -> int:
    """Set the running mean and variance of batch norm to the averages of the batch statistics.

    Args:
        segmentor (EncoderDecoder): The network.
        batches (Iterator[Tensor]): (N, 3, H, W), preprocessed.
        learning (Sequence[str], optional): Names of the modules whose statistics are replaced. Defaults to those in
            training mode.

    Returns:
        int: Number of layers with new statistics.
    """
    modes = [(module, module.training) for module in segmentor.modules()]
    chosen = {module for name, module in segmentor.named_modules()
              if (module.training if learning is None else name in learning)}
    norms = [norm for norm in norm_layers(segmentor) if norm in chosen]
    segmentor.eval()
    try:
        with torch.no_grad(), normalising_by_batch(norms, average=True):
            for images in batches:
                outputs_of(segmentor, images)
    finally:
        for module, mode in modes:  # not with train(), which submodules may override
            module.training = mode
    return len(norms)
