"""A hook that stores image buffers and the image format in the checkpoints of a translator."""
from typing import Any, Dict, List, Optional

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from ..utils.processes import unwrap

IMAGE_FORMAT = 'image_format'  # in a checkpoint's meta data
_BUFFERS = 'image_buffers'


@HOOKS.register_module()
class TranslatorCheckpointHook(Hook):
    """Store the image buffers of `DomainCycleGAN` and the format of its images in every checkpoint.

    The discriminators are trained on earlier translations from buffers that are not in MMagic's state dict. A run that
    is resumed without them ends with other weights. The buffers of all processes are stored. The format (mean, standard
    deviation, channel order) is checked whenever a checkpoint is loaded.

    Raises:
        ValueError: if a checkpoint is loaded whose networks need images of another format.

    Example:
        >>> default_hooks = dict(translator=dict(type='TranslatorCheckpointHook'))
    """
    priority = 'LOW'  # before CheckpointHook, which is VERY_LOW

    def __init__(self) -> None:
        self._gathered: Optional[List[Dict[str, Tensor]]] = None

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Gather the buffers of all processes before a checkpoint, which only the first process writes."""
        self._gathered = None
        if get_world_size() == 1:  # nothing to gather
            return
        saving = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
        if any(self.every_n_train_iters(runner, hook.interval) for hook in saving) or self.is_last_train_iter(runner):
            self._gathered = all_gather_object(_buffers_of(unwrap(runner.model)))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the buffers and the format to a checkpoint."""
        model = unwrap(runner.model)
        checkpoint['meta'][IMAGE_FORMAT] = model.image_format
        gathered = [_buffers_of(model)] if get_world_size() == 1 else self._gathered
        if gathered is not None:
            checkpoint[_BUFFERS] = gathered

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the format, and restore the buffers of a resumed run."""
        model = unwrap(runner.model)
        check_image_format(checkpoint.get('meta') or {}, model.image_format)
        if not runner._resume:  # a new run from old weights
            return
        stored, rank = checkpoint.get(_BUFFERS) or [], get_rank()
        if len(stored) != get_world_size():
            runner.logger.warning(f'the checkpoint has the image buffers of {len(stored)} processes, but there are '
                                  f'{get_world_size()} now: the result differs from that of an uninterrupted run.')
        if rank >= len(stored):  # it starts with empty buffers
            return
        device = next(model.parameters()).device
        for domain, images in stored[rank].items():
            buffer = model.image_buffers[domain]
            buffer.image_buffer = list(images.to(device).split(1)) if len(images) else []
            buffer.img_num = len(buffer.image_buffer)


def check_image_format(meta: Dict[str, Any], expected: Dict[str, Any]) -> None:
    """Check that a checkpoint's networks were trained on images of the config's format.

    Args:
        meta (dict): Meta data of the checkpoint. MMagic's own checkpoints have no format and are accepted.
        expected (dict): `DomainCycleGAN.image_format`.

    Raises:
        ValueError: listing the differences.
    """
    found = meta.get(IMAGE_FORMAT, expected)
    differences = [f'{key}={found.get(key)} instead of {value}' for key, value in expected.items()
                   if _spelled_out(found.get(key)) != _spelled_out(value)]
    if differences:
        raise ValueError(f'the checkpoint was trained on images with {", ".join(differences)} of the config: the '
                         'colours of translations would be wrong. Set `model.data_preprocessor` (mean, std, '
                         'output_channel_order) as in training.')


def _spelled_out(value: Any) -> Any:
    """Expand one number for all channels to three numbers."""
    return value * 3 if isinstance(value, list) and len(value) == 1 else value


def _buffers_of(model: nn.Module) -> Dict[str, Tensor]:
    """Return the buffers by domain, (n, 3, H, W) on the CPU; without those that are empty or have size 0."""
    images = {domain: getattr(buffer, 'image_buffer', []) for domain, buffer in model.image_buffers.items()}
    return {domain: torch.cat(kept).cpu() if kept else torch.empty(0) for domain, kept in images.items()}
