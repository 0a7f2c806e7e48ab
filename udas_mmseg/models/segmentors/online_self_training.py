"""Self-training with labels that a moving average of the student gives in every iteration, on mixed images."""
from typing import Any, Dict, Mapping, Optional, Sequence, Union

import numpy as np
from mmengine.logging import MMLogger
from mmseg.registry import MODELS

from ..mixing import MIXINGS, LabeledImages, mix_batches
from ..norm_statistics import norm_layers
from ..terms import Term, TermContext
from ..terms.loss_term import Weight
from .checks import check_both_domains, check_choice
from .online_labeling import OnlineLabelingSegmentor

MIXTURE = 'mixture'  # the branch that is made in each step


@MODELS.register_module()
class OnlineSelfTrainingSegmentor(OnlineLabelingSegmentor):
    """A segmentor that learns from source images, and from mixtures of source and target images (DACS).

    A training step:

    1. The student is trained on the source, and on other labelled branches in the batch.
    2. A teacher, the moving average of the student, labels the target images.
    3. Pixels of the source images are pasted into the target images of the same batch, which are then strongly
       augmented, and the student is trained on these mixtures. Pixels of the source have weight 1, those of the target
       the weight that the labelling policy gives them.
    4. Terms add losses, such as `FeatureDistanceTerm` on the source (DAFormer), or `MaskedConsistencyTerm` on the
       target (MIC). The target images themselves have no other loss.

    The gradients of each branch are computed before the next one is forwarded, so that only one branch is in memory.
    In several processes, use `model_wrapper_cfg=dict(type='BranchDistributedDataParallel', broadcast_buffers=False)`
    for the same; without it, the gradients are the same, but are computed at the end of the step. All random numbers
    come from NumPy's global generator, which `PositionTrainLoop` seeds for each iteration and rank.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        ema_teacher (dict): See `StudentTeacherSegmentor`; `weight` is that of the losses on the mixtures. Needs
            `custom_hooks=[dict(type='EMATeacherHook')]`. DACS has `dict(momentum=0.99,
            labeling=dict(type='SureShareLabeling'))`.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        teacher_norm (str): Statistics with which batch norm normalises when the teacher labels the target: those of the
            target images of the batch ('batch', as in the public code), or the running statistics ('eval'), which are
            the averages of the student's and therefore those of source and mixtures. In both cases the running
            statistics are not changed, and dropout and stochastic depth are off. Defaults to 'batch'.
        mixing (str, optional): 'class_mix' (half of the classes of each source image), 'one_class', 'cut_mix' (a box),
            or None (the target images alone). Defaults to 'class_mix'.
        augment (Mapping | bool): Strong augmentation of the mixtures, and of the images of `MaskedConsistencyTerm`:
            arguments of `StrongAugment`, or False for none. Defaults to True, the values of DACS.
        margins (Mapping[str, int], optional): Numbers of pixels at the `top`, `bottom`, `left` and `right` of the
            target images whose labels get the weight 0. Defaults to none.
        forward_target (bool): Whether the target images pass through the student without a loss, so that the running
            statistics of batch norm also contain those of the target. Defaults to False, as published.
        pseudo_weight (float | dict): See `StudentTeacherSegmentor`.
        predict_with (str): See `StudentTeacherSegmentor`.
        terms (Sequence[dict | Term]): See `BranchSegmentor`. They must not use the outputs of other branches.
        joint_forward (bool): See `BranchSegmentor`. Defaults to False, as published: source and mixtures are normalised
            separately.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range; in training, if margins are larger than the images, or the images of
            source and target do not have the same number and size.

    Source: Tranheden et al., "DACS", WACV 2021; Hoyer et al., "DAFormer", CVPR 2022; Hoyer et al., "MIC", CVPR 2023.
    """

    def __init__(self,
                 segmentor: dict,
                 ema_teacher: dict,
                 data_preprocessor: Optional[dict] = None,
                 teacher_norm: str = 'batch',
                 mixing: Optional[str] = 'class_mix',
                 augment: Union[Mapping[str, Any], bool] = True,
                 margins: Optional[Mapping[str, int]] = None,
                 forward_target: bool = False,
                 pseudo_weight: Weight = 1.0,
                 predict_with: str = 'student',
                 terms: Sequence[Union[dict, Term]] = (),
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        if mixing is not None:
            check_choice('mixing', mixing, MIXINGS)
        super().__init__(segmentor, ema_teacher, data_preprocessor, teacher_norm, augment, margins, forward_target,
                         pseudo_weight, predict_with, terms, joint_forward, channels_last, init_cfg)
        self.branch_weights[MIXTURE] = self.branch_weights['target']
        self.mixing = mixing
        self._is_norm_checked = False

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that a batch has both domains."""
        check_both_domains(branches)
        super().check(branches)
        if not self._is_norm_checked:
            self._is_norm_checked = True
            self._check_norm(branches)

    def _check_norm(self, branches: Dict[str, dict]) -> None:
        """Warn if the teacher normalises the target by statistics in which the target alone never was."""
        passing = {name for group in self.groups(branches) for name in group}
        updated = [norm for norm in norm_layers(self.segmentor) if norm.training]
        if self.teacher_norm == 'eval' and updated and self.mixing is not None and 'target' not in passing:
            MMLogger.get_current_instance().warning(
                f"teacher_norm='eval' with {len(updated)} batch norm layers: the teacher labels the target by running "
                'statistics of source and mixtures, in which the target alone never was, and its labels may get worse '
                "than those of the source alone. Set teacher_norm='batch' (the default), or forward_target=True, which "
                'adds the target to the statistics. See docs/online_self_training.md.')

    def add_branches(self, context: TermContext, rng: np.random.Generator) -> None:
        """Add the mixtures."""
        mixed = self._mix(context, rng)
        images = mixed.images if context.augment is None else context.augment(mixed.images)
        self.add_branch(MIXTURE, mixed._replace(images=images), context)

    def _mix(self, context: TermContext, rng: np.random.Generator) -> LabeledImages:
        source, target = (LabeledImages(context.images(name), context.label(name), context.pixel_weights.get(name))
                          for name in ('source', 'target'))
        return target if self.mixing is None else mix_batches(source, target, MIXINGS[self.mixing](source, rng))
