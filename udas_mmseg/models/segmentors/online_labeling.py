"""Training on images that a teacher labels in every iteration; the base class of such methods."""
import contextlib
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList
from torch import Tensor, nn

from ...utils.randomness import child_generator
from ..augment import StrongAugment
from ..backward import backward_without_update, update_after_backward
from ..mixing import LabeledImages
from ..norm_statistics import norm_layers, normalising_by_batch
from ..teachers import EMATeacher
from ..terms import Term, TermContext
from ..terms.loss_term import Weight
from .checks import check_choice
from .student_teacher import StudentTeacherSegmentor

TEACHER_NORMS = ('batch', 'eval')
_SIDES = ('top', 'bottom', 'left', 'right')


class OnlineLabelingSegmentor(StudentTeacherSegmentor):
    """A segmentor that learns from images which are made, in each step, of target images that a teacher has labelled.

    A subclass implements `add_branches`, which adds these images to the batch. The target images themselves have no
    other loss than that of terms.

    The gradients of each branch are computed before the next one is forwarded, so that only one branch is in memory.
    In several processes, use `model_wrapper_cfg=dict(type='BranchDistributedDataParallel', broadcast_buffers=False)`
    for the same; without it, the gradients are the same, but are computed at the end of the step. All random numbers
    come from NumPy's global generator, which `PositionTrainLoop` seeds for each iteration and rank.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        ema_teacher (dict): See `StudentTeacherSegmentor`. Needs `custom_hooks=[dict(type='EMATeacherHook')]`.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        teacher_norm (str): Statistics with which batch norm normalises when the teacher labels the target: those of the
            target images of the batch ('batch'), or the running statistics ('eval'), which are the averages of the
            student's and therefore those of what it has seen. In both cases the running statistics are not changed,
            and dropout and stochastic depth are off. Defaults to 'batch'.
        augment (Mapping | bool): Strong augmentation: arguments of `StrongAugment`, or False for none. Defaults to
            True, the values of DACS.
        margins (Mapping[str, int], optional): Numbers of pixels at the `top`, `bottom`, `left` and `right` of the
            target images whose labels get the weight 0. Defaults to none.
        forward_target (bool): Whether the target images pass through the student without a loss, so that the running
            statistics of batch norm also contain those of the target. Defaults to False.
        pseudo_weight (float | dict): See `StudentTeacherSegmentor`.
        predict_with (str): See `StudentTeacherSegmentor`.
        terms (Sequence[dict | Term]): See `BranchSegmentor`. They must not use the outputs of other branches.
        joint_forward (bool): See `BranchSegmentor`.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range; in training, if margins are larger than the images.
    """
    trains_by_branch = True  # see `BranchDistributedDataParallel`

    def __init__(self,
                 segmentor: dict,
                 ema_teacher: dict,
                 data_preprocessor: Optional[dict] = None,
                 teacher_norm: str = 'batch',
                 augment: Union[Mapping[str, Any], bool] = True,
                 margins: Optional[Mapping[str, int]] = None,
                 forward_target: bool = False,
                 pseudo_weight: Weight = 1.0,
                 predict_with: str = 'student',
                 terms: Sequence[Union[dict, Term]] = (),
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        kind = type(self).__name__
        check_choice('teacher_norm', teacher_norm, TEACHER_NORMS)
        if ema_teacher is None:
            raise ValueError(f'{kind} needs a teacher: ema_teacher=dict(momentum=0.99, '
                             'labeling=dict(type="SureShareLabeling")).')
        super().__init__(segmentor, data_preprocessor, pseudo_weight, None, ema_teacher, predict_with, terms,
                         joint_forward, channels_last, init_cfg)
        needy = [type(term).__name__ for term in self.terms if term.needs]
        if needy:
            raise ValueError(f'{kind} cannot train the terms {needy}: they compare branches, and it frees each branch '
                             'before the next one. Use StudentTeacherSegmentor.')
        self.teacher_norm = teacher_norm
        self.augment = StrongAugment(**({} if augment is True else augment)) if augment is not False else None
        self.margins = _checked_margins(margins or {})
        self.forward_target = forward_target
        self._label_counts: Optional[Tensor] = None

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """See `BranchSegmentor`; with mode 'group', compute the losses of the branches `group` in a `context`."""
        if mode == 'group':
            return self.group_losses(branches['group'], branches['context'])
        return super().forward(inputs, data_samples, mode, **branches)

    def train_step(self,
                   data: Dict[str, dict],
                   optim_wrapper: OptimWrapper,
                   parallel: Optional[nn.Module] = None) -> Dict[str, Tensor]:
        """Train the student for one step, with a backward pass for each branch.

        Args:
            data (dict): A batch of `DomainPairDataset` with `source` and `target`, and perhaps other branches.
            optim_wrapper (OptimWrapper): The optimizer wrapper.
            parallel (BranchDistributedDataParallel, optional): The wrapper of this model in a run of several processes.

        Returns:
            dict[str, Tensor]: Values to log: all weighted losses, their sum `loss`, and those of `prepare`.
        """
        with optim_wrapper.optim_context(self):
            context, logs = self.begin_step(self.data_preprocessor(data, True))
        network, total = parallel or self, 0
        groups = self.groups(context.branches)
        last = [group for group in groups if self._has_gradient(group, context)][-1]
        for group in groups:
            with contextlib.ExitStack() as stack:
                stack.enter_context(optim_wrapper.optim_context(network))
                if parallel is not None and group is not last:
                    stack.enter_context(parallel.no_sync())  # the last backward pass exchanges all gradients
                losses = network(mode='group', group=group, context=context)
            loss, of_group = self.parse_losses(losses)
            if self._has_gradient(group, context):
                backward_without_update(optim_wrapper, loss)
            context.forget(group)
            total = total + of_group.pop('loss')
            logs.update((name, value.detach()) for name, value in of_group.items())
        update_after_backward(optim_wrapper)
        return {**logs, 'loss': torch.as_tensor(total).detach()}

    def _has_gradient(self, group: Sequence[str], context: TermContext) -> bool:
        """Whether the losses of a group depend on the weights: not while the weights of all its terms are 0."""
        terms = [term for term in self.terms if term.branch in group]
        return (any(self.is_supervised(name, context.branches) for name in group)
                or any(any(term.schedule.at(context.iteration)) for term in terms))

    def groups(self, branches: Dict[str, dict]) -> List[List[str]]:
        """Return the groups of branches; the target is last, as perhaps no loss uses its output."""
        alone = [name for name in branches if name != 'target' or self._uses_target()]
        groups = super().groups({name: branches[name] for name in alone})
        if len(alone) < len(branches) and (self.forward_target or any(t.branch == 'target' for t in self.terms)):
            groups.append(['target'])
        return groups

    def _uses_target(self) -> bool:
        """Whether a term uses the student's outputs for the target images themselves."""
        return any(term.branch == 'target' and not term.forwards_itself for term in self.terms)

    def is_supervised(self, name: str, branches: Dict[str, dict]) -> bool:
        """Whether the heads have their own losses on a branch: not on the target itself."""
        return name != 'target' and super().is_supervised(name, branches)

    def updates_statistics(self, name: str) -> bool:
        """Whether a branch passes through the segmentor even if no loss uses its outputs."""
        return name != 'target' or self.forward_target

    def teacher_logits(self, teacher: EMATeacher, images: Tensor) -> Tensor:
        """Compute a teacher's logits (N, C, H, W) for preprocessed images (N, 3, H, W)."""
        norms = norm_layers(teacher.network) if self.teacher_norm == 'batch' else []
        with normalising_by_batch(norms):
            return super().teacher_logits(teacher, images)

    def prepare(self, context: TermContext) -> Dict[str, Tensor]:
        """Label the target images, and add the branches that are made of them.

        Returns:
            dict[str, Tensor]: `target.kept`, the share of pixels of which the teacher is confident.
        """
        logs = super().prepare(context)
        self._count(context.label('target'))
        if any(self.margins.values()):
            weight = context.pixel_weights.get('target', torch.ones_like(context.images('target')[:, 0]))
            context.pixel_weights['target'] = without_margins(weight, self.margins)
        rng = child_generator()
        if self.augment is not None:
            context.augment = lambda images: self.augment(images, rng, self.data_preprocessor)
        self.add_branches(context, rng)
        return logs

    def add_branches(self, context: TermContext, rng: np.random.Generator) -> None:
        """Add branches to a step in which the target is labelled, with `add_branch`."""
        raise NotImplementedError

    def add_branch(self, name: str, made: LabeledImages, context: TermContext) -> None:
        """Add labelled images, one for each target image, as a branch."""
        samples = [SegDataSample(metainfo=sample.metainfo, gt_sem_seg=PixelData(data=label[None]))
                   for sample, label in zip(context.branches['target']['data_samples'], made.label)]
        context.branches[name] = dict(inputs=made.images, data_samples=samples)
        if made.weight is not None:
            context.pixel_weights[name] = made.weight

    def _count(self, label: Tensor) -> None:
        """Count the pixels that the teacher has given to each class."""
        num_classes = self.segmentor.decode_head.out_channels
        if self._label_counts is None:
            self._label_counts = label.new_zeros(num_classes + 1)
        of_class = label.flatten().clamp(max=num_classes)
        self._label_counts.scatter_add_(0, of_class, torch.ones_like(of_class))

    def take_label_counts(self) -> Optional[Tensor]:
        """Return the number of pixels (C, ) that the teacher has given to each class since the last call."""
        counts, self._label_counts = self._label_counts, None
        return None if counts is None else counts[:-1]


def without_margins(weight: Tensor, margins: Mapping[str, int]) -> Tensor:
    """Return pixel weights that are 0 in the margins of the images.

    Args:
        weight (Tensor): (N, H, W).
        margins (Mapping[str, int]): Numbers of pixels at the `top`, `bottom`, `left` and `right`.

    Raises:
        ValueError: if no pixel is left.
    """
    height, width = weight.shape[1:]
    top, bottom, left, right = (margins.get(side, 0) for side in _SIDES)
    if top + bottom >= height or left + right >= width:
        raise ValueError(f'margins={dict(margins)} leave nothing of target images of {height} x {width} pixels (height '
                         'x width). Give the margins in pixels of the training images, after cropping and resizing.')
    inside = torch.zeros_like(weight)
    inside[:, top:height - bottom, left:width - right] = 1
    return weight * inside


def _checked_margins(margins: Mapping[str, int]) -> Dict[str, int]:
    wrong = {side: value for side, value in margins.items()
             if side not in _SIDES or not isinstance(value, int) or value < 0}
    if wrong:
        raise ValueError(f'margins has {wrong}; its entries are {_SIDES}, in whole pixels from 0.')
    return dict(margins)
