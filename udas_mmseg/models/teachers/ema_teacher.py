"""A teacher that is the moving average of its student."""
import copy
from typing import Any, Dict, List, Tuple

import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

STEPS = 'steps'  # the only entry of a teacher's state dict that is not a weight


class EMATeacher:
    """Exponential moving average of a network.

    It is not an `nn.Module`, because optimizers, `train()`, data-parallel wrappers and the conversion to synchronised
    batch norm process all children of a model and must not change the teacher. It is always in eval mode and has no
    gradients. Its model moves it between devices and stores it in its state dict.

    The update after each optimizer step, with m = min(1 - 1 / (steps + 1), momentum), is

        teacher = m teacher + (1 - m) student

    for weights and floating-point buffers (running statistics of batch norm). Integer buffers are copied. The first
    update copies the student.

    Args:
        student (nn.Module): The network to average.
        momentum (float): In [0, 1). Defaults to 0.999.

    Raises:
        ValueError: if the momentum is outside its range.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, section 2.
    """

    def __init__(self, student: nn.Module, momentum: float = 0.999) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f'ema_teacher.momentum={momentum}: it must be in [0, 1). 0.999 is usual.')
        self.momentum = momentum
        self.steps = torch.zeros((), dtype=torch.long)
        # synchronised batch norm is only for training and GPUs
        self.network = revert_sync_batchnorm(copy.deepcopy(student)).requires_grad_(False).eval()

    def copy_from(self, student: nn.Module) -> None:
        """Restart from the student's weights and buffers."""
        self.network.load_state_dict(student.state_dict())
        self.steps.zero_()

    @torch.no_grad()
    def update(self, student: nn.Module) -> None:
        """Update the average, once for each optimizer step of the student."""
        steps = int(self.steps)
        share = 1 - min(1 - 1 / (steps + 1), self.momentum)
        ours, theirs = self.network.state_dict(), student.state_dict()
        averaged = [name for name, value in ours.items() if value.is_floating_point()]
        # all at once: on a GPU, one launch for each of hundreds of small tensors would take longer than the arithmetic
        torch._foreach_lerp_([ours[name] for name in averaged], [theirs[name].to(ours[name]) for name in averaged],
                             share)
        for name in ours.keys() - set(averaged):
            ours[name].copy_(theirs[name])
        self.steps += 1

    def apply(self, function: Any) -> None:
        """Move or convert the teacher, like `nn.Module._apply`."""
        self.network._apply(function)  # `steps` stays on the CPU: reading it from a GPU would wait for the GPU

    def state_dict(self) -> Dict[str, Tensor]:
        """Return the weights and buffers of the network, and `steps`."""
        return {**self.network.state_dict(), STEPS: self.steps}

    def load_state_dict(self, state_dict: Dict[str, Tensor]) -> Tuple[List[str], List[str]]:
        """Load the entries that exist.

        Returns:
            tuple[list[str], list[str]]: Missing and unexpected keys.
        """
        weights = dict(state_dict)
        steps = weights.pop(STEPS, None)
        self.steps.copy_(torch.zeros(()) if steps is None else steps)
        missing, unexpected = self.network.load_state_dict(weights, strict=False)
        return missing, unexpected
