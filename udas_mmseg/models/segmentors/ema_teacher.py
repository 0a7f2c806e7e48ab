"""A teacher that is the moving average of its student."""
import copy
from typing import Any, Dict, List, Tuple

import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from ..losses.precision import at_least_float32

_STEPS = 'steps'


class EMATeacher:
    """Exponential moving average of a segmentor, which labels images.

    It is no `nn.Module`: optimizers, `train()`, data-parallel wrappers and the conversion to synchronised batch norm
    go through a model's children, and none of them should touch the teacher. It is in eval mode for ever, and has no
    gradients. The model that holds it moves it between devices, and has it in its state dict.

    After each step of the optimizer, with m = min(1 - 1 / (steps + 1), momentum):

        teacher = m teacher + (1 - m) student

    for weights and floating-point buffers (running statistics of batch norm) alike; integer buffers are copied. The
    first update copies the student.

    Args:
        student (nn.Module): The segmentor.
        momentum (float): In [0, 1). Defaults to 0.999.
        threshold (float): Least confidence of a label, in [0, 1]. Defaults to 0.6.
        weight (float): Weight of the loss on what it labels. Defaults to 1.

    Raises:
        ValueError: for values outside of these ranges, or a segmentor with one output channel.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, section 2.
    """

    def __init__(self,
                 student: nn.Module,
                 momentum: float = 0.999,
                 threshold: float = 0.6,
                 weight: float = 1.0) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f'ema_teacher.momentum={momentum}: it must be in [0, 1). 0.999 is usual.')
        if not 0 <= threshold <= 1:
            raise ValueError(f'ema_teacher.threshold={threshold}: it must be in [0, 1]. UDAS takes 0.6.')
        if weight < 0:
            raise ValueError(f'ema_teacher.weight={weight}: it must be 0 or more.')
        if student.out_channels == 1:
            raise ValueError('ema_teacher: the segmentor has one output channel (out_channels=1), and so no softmax to '
                             'take a confidence from. Give its heads a channel for each class.')
        self.momentum = momentum
        self.threshold = threshold
        self.weight = weight
        self.steps = torch.zeros((), dtype=torch.long)
        # synchronised batch norm is for training, and not for CPUs
        self.network = revert_sync_batchnorm(copy.deepcopy(student)).requires_grad_(False).eval()

    def copy_from(self, student: nn.Module) -> None:
        """Start anew from the student's weights and buffers."""
        self.network.load_state_dict(student.state_dict())
        self.steps.zero_()

    @torch.no_grad()
    def update(self, student: nn.Module) -> None:
        """Move towards the student, once for each step of its optimizer."""
        steps = int(self.steps)
        share = 1 - min(1 - 1 / (steps + 1), self.momentum)
        theirs = student.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[name].to(value), share)
            else:
                value.copy_(theirs[name])
        self.steps += 1

    @torch.no_grad()
    def label(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        """Label images.

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.

        Returns:
            tuple[Tensor, Tensor]: (N, H, W) int64 labels, 255 below the threshold; (N, H, W) bool, where it is not.
        """
        logits = self.network.encode_decode(images, [dict(img_shape=images.shape[2:])] * len(images))
        confidence, label = at_least_float32(logits).softmax(dim=1).max(dim=1)
        kept = confidence >= self.threshold
        return label.masked_fill(~kept, 255), kept

    def apply(self, function: Any) -> None:
        """Move or convert as `nn.Module._apply` does."""
        self.network._apply(function)
        self.steps = function(self.steps)

    def state_dict(self) -> Dict[str, Tensor]:
        """Weights and buffers of the network, and `steps`."""
        return {**self.network.state_dict(), _STEPS: self.steps}

    def load_state_dict(self, state_dict: Dict[str, Tensor]) -> Tuple[List[str], List[str]]:
        """Load what is there.

        Returns:
            tuple[list[str], list[str]]: Missing and unexpected keys.
        """
        weights = dict(state_dict)
        steps = weights.pop(_STEPS, None)
        self.steps.copy_(torch.zeros(()) if steps is None else steps)
        missing, unexpected = self.network.load_state_dict(weights, strict=False)
        return missing, unexpected
