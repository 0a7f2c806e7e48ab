"""The quantities of a training step that loss terms are computed from."""
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from ..losses.precision import at_least_float32
from ..teachers.ema_teacher import EMATeacher


class Outputs(NamedTuple):
    """A network's outputs for a batch.

    Args:
        logits (list[Tensor]): (N, C, H_i, W_i) of each head, unnormalised, at the head's own resolution.
        features (list[Tensor], optional): (N, C_i, H_i, W_i) of each stage that the heads see; None where the method
            does not have them.
    """
    logits: List[Tensor]
    features: Optional[List[Tensor]] = None


@dataclass
class TermContext:
    """One training step, as far as it has come: the batch, and the outputs for the branches that were forwarded.

    Branches are forwarded in the order of `BRANCHES`. A term on a branch is computed right after that branch; the
    outputs of earlier branches are there if the term names them in `needs`.

    Args:
        branches (dict[str, dict]): `inputs` (N, 3, H, W), preprocessed, and `data_samples` of every branch in the
            batch. Samples of `target` have `gt_sem_seg` only if a teacher has labelled them.
        heads (dict[str, nn.Module]): The segmentor's heads, by the names that prefix their losses; the main one first.
        iteration (int): From 0.
        forward (Callable): From further images (N, 3, H, W) to `Outputs` of the segmentor, with gradients.
        teacher (EMATeacher, optional): The moving average of the segmentor, if the method has one.
        upsample (bool): Whether `resized` goes to the size of the images, or to that of the main head's logits.
        logits (dict[str, list[Tensor]]): See `Outputs`, for each branch.
        features (dict[str, list[Tensor] | None]): See `Outputs`, for each branch.
        pixel_weights (dict[str, Tensor]): (N, H, W) float, for branches whose labelled pixels do not count alike.
    """
    branches: Dict[str, dict]
    heads: Dict[str, nn.Module]
    iteration: int
    forward: Callable[[Tensor], Outputs]
    teacher: Optional[EMATeacher] = None
    upsample: bool = True
    logits: Dict[str, List[Tensor]] = field(default_factory=dict)
    features: Dict[str, Any] = field(default_factory=dict)
    pixel_weights: Dict[str, Tensor] = field(default_factory=dict)
    _resized: Dict[str, List[Tensor]] = field(default_factory=dict, init=False, repr=False)

    def add(self, outputs: Dict[str, Outputs]) -> None:
        """Note the outputs for some branches."""
        for name, of_branch in outputs.items():
            self.logits[name], self.features[name] = of_branch.logits, of_branch.features

    def images(self, branch: str) -> Tensor:
        """The preprocessed images of a branch, (N, 3, H, W)."""
        return self.branches[branch]['inputs']

    def label(self, branch: str) -> Tensor:
        """The labels of a branch, (N, H, W) int64."""
        return torch.stack([sample.gt_sem_seg.data for sample in self.branches[branch]['data_samples']]).squeeze(1)

    def resized(self, branch: str) -> List[Tensor]:
        """Logits of every head at one common size, (N, C, H, W), in float32 at least."""
        if branch not in self._resized:
            logits = self.logits[branch]
            size = self.images(branch).shape[2:] if self.upsample else logits[0].shape[2:]
            self._resized[branch] = [
                resize(at_least_float32(level), size=size, mode='bilinear', align_corners=head.align_corners,
                       warning=False) for head, level in zip(self.heads.values(), logits)
            ]
        return self._resized[branch]
