"""The quantities of a training step from which loss terms are computed."""
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Optional

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from ..losses.precision import at_least_float32
from ..outputs import Outputs
from ..teachers.ema_teacher import EMATeacher

FeatureNoise = Callable[[int, Tensor], Tensor]


@dataclass
class TermContext:
    """The current state of a training step: the batch, and the outputs for the branches that were already forwarded.

    Branches are forwarded in the order of `BRANCHES`. A term on a branch is computed immediately after this branch. The
    outputs of earlier branches are available if the term lists them in `needs`.

    Args:
        branches (dict[str, dict]): `inputs` (N, 3, H, W), preprocessed, and `data_samples` of every branch in the
            batch. Samples of `target` have `gt_sem_seg` only if a teacher has labelled them.
        heads (dict[str, nn.Module]): The segmentor's heads, by the prefixes of their losses; the main head first.
        iteration (int): Number of the iteration, from 0.
        forward (Callable): Computes the `Outputs` of the segmentor for further images (N, 3, H, W), with gradients.
        forward_view (Callable): The same for further views of images of the batch: they are normalised with their own
            batch statistics, and do not count in the running statistics of batch norm.
        teacher (EMATeacher, optional): The moving average of the segmentor, if the method has one.
        upsample (bool): Whether `resized` returns logits at the size of the images, or of the main head's logits.
        outputs (dict[str, Outputs]): Those for each branch that was forwarded.
        pixel_weights (dict[str, Tensor]): (N, H, W) float, for branches with different weights of pixels.
        soft_labels (dict[str, Tensor]): (N, C, H, W) probabilities of a teacher, for branches whose losses use them.
        feature_noise (dict[str, Callable]): For branches whose features are changed before the heads: a function of the
            number of a stage and its features (N, C_i, H_i, W_i), which returns features of the same shape.
        augment (Callable, optional): Strong augmentation of preprocessed images (N, 3, H, W), with new random draws at
            each call, if the method has one.
        preprocessor (nn.Module, optional): The one that normalised the images. None: they are RGB in [0, 255].
    """
    branches: Dict[str, dict]
    heads: Dict[str, nn.Module]
    iteration: int
    forward: Callable[[Tensor], Outputs]
    forward_view: Callable[[Tensor], Outputs]
    teacher: Optional[EMATeacher] = None
    upsample: bool = True
    outputs: Dict[str, Outputs] = field(default_factory=dict)
    pixel_weights: Dict[str, Tensor] = field(default_factory=dict)
    soft_labels: Dict[str, Tensor] = field(default_factory=dict)
    feature_noise: Dict[str, FeatureNoise] = field(default_factory=dict)
    augment: Optional[Callable[[Tensor], Tensor]] = None
    preprocessor: Optional[nn.Module] = None
    _resized: Dict[str, List[Tensor]] = field(default_factory=dict, init=False, repr=False)

    def add(self, outputs: Dict[str, Outputs]) -> None:
        """Store the outputs for some branches."""
        self.outputs.update(outputs)

    def forget(self, branches: Iterable[str]) -> None:
        """Free the outputs for some branches, which no later term needs."""
        for name in branches:
            self.outputs.pop(name, None)
            self._resized.pop(name, None)

    @property
    def logits(self) -> Dict[str, List[Tensor]]:
        """(N, C, H_i, W_i) of each head, for each branch."""
        return {name: outputs.logits for name, outputs in self.outputs.items()}

    @property
    def features(self) -> Dict[str, Optional[List[Tensor]]]:
        """(N, C_i, H_i, W_i) of each stage, for each branch; None if the method does not have them."""
        return {name: outputs.features for name, outputs in self.outputs.items()}

    def images(self, branch: str) -> Tensor:
        """Return the preprocessed images of a branch, (N, 3, H, W)."""
        return self.branches[branch]['inputs']

    def feature_images(self, branch: str) -> Tensor:
        """Return the images that have the features of a branch, (N, 3, H, W): resized, if the segmentor does that."""
        resized = self.outputs[branch].inputs
        return self.images(branch) if resized is None else resized

    def label(self, branch: str) -> Tensor:
        """Return the labels of a branch, (N, H, W) int64."""
        return torch.stack([sample.gt_sem_seg.data for sample in self.branches[branch]['data_samples']]).squeeze(1)

    def resized(self, branch: str) -> List[Tensor]:
        """Return the logits of all heads at a common size, (N, C, H, W), at least float32."""
        if branch not in self._resized:
            logits = self.logits[branch]
            size = self.images(branch).shape[2:] if self.upsample else logits[0].shape[2:]
            self._resized[branch] = [
                resize(at_least_float32(level), size=size, mode='bilinear', align_corners=head.align_corners,
                       warning=False) for head, level in zip(self.heads.values(), logits)
            ]
        return self._resized[branch]
