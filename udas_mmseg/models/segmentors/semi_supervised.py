"""Semi-supervised training: strong views of unlabelled images learn the teacher's labels for the images themselves."""
from dataclasses import replace
from functools import partial
from typing import Any, Dict, Mapping, Optional, Sequence, Union

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import Tensor

from ...utils.randomness import child_generator, child_key
from ..channel_dropout import ChannelDropout
from ..losses.consistency import mean_over_pixels
from ..losses.precision import at_least_float32
from ..losses.soft_labels import soft_label_loss
from ..mixing import MIXINGS, LabeledImages, mix, mix_batches
from ..teachers import EMATeacher, TeacherLabels
from ..teachers.view_mean import mean_over_views
from ..terms import LossTerm, Term, TermContext
from ..terms.consistency import check_heads
from ..terms.loss_term import Weight
from .checks import check_choice
from .online_labeling import OnlineLabelingSegmentor

STRONG, FEATURES = ('strong', 'strong2'), 'features'  # the branches that are made in each step
OBJECTIVES = ('labels', 'mse', 'cross_entropy')
FEATURE_DROPOUTS = ('stream', 'complementary')
# the strong augmentation of UniMatch
AUGMENT = dict(jitter=0.5, hue=0.25, jitter_prob=0.8, grey_prob=0.2, blur_prob=0.5, blur_sigma=(0.1, 2.0))


@MODELS.register_module()
class SemiSupervisedSegmentor(OnlineLabelingSegmentor):
    """A segmentor that learns from a few labelled images and from strong views of many unlabelled ones.

    A training step:

    1. The student is trained on all labelled branches: `labeled_target`, and `source` or `pseudo_labeled` if the batch
       has them.
    2. A teacher, the moving average of the student, labels the `target` images as the pipeline made them (weak views).
       With `momentum=0`, it is the student of the last iteration (FixMatch, UniMatch).
    3. Strong views are made of the same images: other colours, and pixels of another target image of the batch pasted
       into them. Labels and weights are pasted alike. The geometry is that of the weak view. The student is trained on
       them: branches `strong` and `strong2`.
    4. With feature dropout, half of the channels of all stages are dropped between backbone and heads: for the weak
       views in a branch `features`, or for both strong views.

    With the arguments below, this is mean teacher, FixMatch, UniMatch or UniMatch V2. See `OnlineLabelingSegmentor` for
    what the step has in common with `OnlineSelfTrainingSegmentor`.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        ema_teacher (dict): See `StudentTeacherSegmentor`; `weight` is that of all losses on unlabelled images together.
            FixMatch has `dict(momentum=0, labeling=dict(type='PixelWeightLabeling', threshold=0.95))`. Needs
            `custom_hooks=[dict(type='EMATeacherHook')]`.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        num_views (int): Number of strong views of each image, 1 or 2. Each has the same share of the weight. Defaults
            to 1.
        feature_dropout (str, optional): 'stream' (UniMatch): the features of the weak view, with half of the weight.
            'complementary' (UniMatch V2): each channel is kept in one of the two strong views. Defaults to None.
        mixing (str, optional): How pixels of the next image of the batch are pasted: 'cut_mix' (a box), 'class_mix'
            (half of its classes by the teacher's labels), 'one_class' (one of them), or None. Defaults to 'cut_mix'.
        mix_prob (float): Probability with which an image is mixed, in [0, 1]. Defaults to 0.5.
        objective (str): The losses on strong views: those of the heads with the teacher's hard labels ('labels'), or
            the distance to its probabilities: 'mse' or 'cross_entropy' (mean teacher). Defaults to 'labels'.
        label_views (int): Number of views whose mean prediction of the teacher is the label, 1 (the weak view) or more
            (MixMatch). Defaults to 1.
        temperature (float): Temperature, above 0, with which the teacher's probabilities are sharpened; 1 changes
            nothing, and MixMatch has 0.5. Defaults to 1.
        labeled_weight (float | dict): Weight of the losses on `source` and `labeled_target`, or `dict(weight, begin,
            ramp)`. Defaults to 1.
        teacher_norm (str): See `OnlineLabelingSegmentor`. Defaults to 'batch'.
        augment (Mapping | bool): Arguments of `StrongAugment` that differ from the values of UniMatch (`AUGMENT`), or
            False for no other colours. Defaults to True.
        margins (Mapping[str, int], optional): See `OnlineLabelingSegmentor`.
        forward_target (bool): See `OnlineLabelingSegmentor`.
        pseudo_weight (float | dict): See `StudentTeacherSegmentor`.
        predict_with (str): See `StudentTeacherSegmentor`.
        terms (Sequence[dict | Term]): See `BranchSegmentor`. They must not use the outputs of other branches.
        joint_forward (bool): Whether labelled images, strong views and weak views are one batch, normalised together
            by batch norm. Defaults to False.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range, or heads that do not work with `objective`; in training, if the batch
            has no target branch, or one image that cannot be mixed with another.

    Source: Tarvainen and Valpola, NeurIPS 2017 (mean teacher); Berthelot et al., NeurIPS 2019 (MixMatch); Sohn et al.,
    NeurIPS 2020 (FixMatch); Yang et al., CVPR 2023 (UniMatch); Yang et al., 2024 (UniMatch V2).
    """

    def __init__(self,
                 segmentor: dict,
                 ema_teacher: dict,
                 data_preprocessor: Optional[dict] = None,
                 num_views: int = 1,
                 feature_dropout: Optional[str] = None,
                 mixing: Optional[str] = 'cut_mix',
                 mix_prob: float = 0.5,
                 objective: str = 'labels',
                 label_views: int = 1,
                 temperature: float = 1.0,
                 labeled_weight: Weight = 1.0,
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
        _check_views(num_views, feature_dropout, label_views, temperature)
        check_choice('mixing', mixing, (*MIXINGS, None))
        check_choice('objective', objective, OBJECTIVES)
        if not 0 <= mix_prob <= 1:
            raise ValueError(f'mix_prob={mix_prob}: it must be in [0, 1].')
        if augment is not False:
            augment = {**AUGMENT, **({} if augment is True else augment)}
        super().__init__(segmentor, ema_teacher, data_preprocessor, teacher_norm, augment, margins, forward_target,
                         pseudo_weight, predict_with, terms, joint_forward, channels_last, init_cfg)
        if objective != 'labels':
            check_heads(self.heads, f'objective={objective!r}', 'objective="labels"')
        self.strong = STRONG[:num_views]
        self.feature_dropout, self.objective = feature_dropout, objective
        self.mixing, self.mix_prob = mixing, mix_prob
        self.label_views, self.temperature = label_views, temperature
        for name in ('source', 'labeled_target'):
            self.branch_weights[name] = LossTerm.from_config('labeled_weight', labeled_weight)
        whole, rest = self.branch_weights['target'], 0.5 if feature_dropout == 'stream' else 1.0
        for name in self.strong:
            self.branch_weights[name] = replace(whole, weight=whole.weights[0] * rest / num_views)
        self.branch_weights[FEATURES] = replace(whole, weight=whole.weights[0] * (1 - rest))

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that a batch has unlabelled images that can be mixed."""
        if 'target' not in branches:
            raise ValueError(f'the batch has no target branch, only {sorted(branches)}: there are no unlabelled images '
                             'to learn from. Train on dict(type="DomainPairDataset", labeled_target=..., target=...).')
        super().check(branches)
        if self.mixing is not None and len(branches['target']['inputs']) < 2:
            raise ValueError(f'mixing={self.mixing!r} pastes pixels of another target image, but a process has 1 in '
                             'its batch. Set train_dataloader.batch_size=2 or more, or mixing=None.')

    def teacher_logits(self, teacher: EMATeacher, images: Tensor) -> Tensor:
        """Compute a teacher's logits (N, C, H, W): of one view, or for the mean over several; sharpened."""
        predict = partial(super().teacher_logits, teacher)
        logits = predict(images) if self.label_views == 1 else mean_over_views(predict, images, self.label_views,
                                                                               child_generator())
        return logits if self.temperature == 1 else logits / self.temperature

    def label_target(self, logits: Tensor, inside: Tensor, context: TermContext) -> TeacherLabels:
        """Label the target images by the teacher's logits, and keep its probabilities if the objective uses them."""
        if self.objective != 'labels':
            context.soft_labels['target'] = at_least_float32(logits).softmax(dim=1)
        return super().label_target(logits, inside, context)

    def add_branches(self, context: TermContext, rng: np.random.Generator) -> None:
        """Add the weak views with feature dropout, and the strong views."""
        target = LabeledImages(context.images('target'), context.label('target'), context.pixel_weights.get('target'))
        key = child_key() if self.feature_dropout else []
        if self.feature_dropout == 'stream':
            self.add_branch(FEATURES, target, context)
            context.feature_noise[FEATURES] = ChannelDropout(key)
            if 'target' in context.soft_labels:
                context.soft_labels[FEATURES] = context.soft_labels['target']
        for number, name in enumerate(self.strong):
            self._add_strong(name, target, context, rng)
            if self.feature_dropout == 'complementary':
                context.feature_noise[name] = ChannelDropout(key, is_complement=number == 1)

    def _add_strong(self, name: str, target: LabeledImages, context: TermContext, rng: np.random.Generator) -> None:
        """Add a strong view: change the colours of each image, then paste pixels of the next image of the batch."""
        view = target if context.augment is None else target._replace(images=context.augment(target.images))
        soft = context.soft_labels.get('target')
        if self.mixing is not None:
            other = LabeledImages(*(None if value is None else value.roll(-1, dims=0) for value in view))
            own = MIXINGS[self.mixing](other, rng)
            unmixed = torch.from_numpy(rng.random(len(own)) >= self.mix_prob).to(own.device)
            own = own | unmixed[:, None, None]
            view = mix_batches(other, view, own)
            soft = None if soft is None else mix(soft.roll(-1, dims=0), soft, own)
        self.add_branch(name, view, context)
        if soft is not None:
            context.soft_labels[name] = soft

    def losses_of(self, names: Sequence[str], context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted losses of branches that were forwarded; see `BranchSegmentor`."""
        soft = [name for name in names if name != 'target' and name in context.soft_labels]
        losses = super().losses_of([name for name in names if name not in soft], context)
        for name in soft:
            losses.update(self._weighted(self._soft_losses(name, context), context.iteration))
        return losses

    def _soft_losses(self, name: str, context: TermContext) -> Dict[str, Tensor]:
        """Compute the distance of each head to the teacher's probabilities, averaged over pixels."""
        label, weight = context.label(name), context.pixel_weights.get(name)
        losses = {}
        for (level, head), logits in zip(context.heads.items(), context.resized(name)):
            values = soft_label_loss(logits, context.soft_labels[name], self.objective) * (label != head.ignore_index)
            values = values if weight is None else values * weight
            loss = mean_over_pixels(values, label, head.loss_decode.avg_non_ignore, head.ignore_index)
            losses[f'{name}.{level}.loss_{self.objective}'] = head.loss_decode.loss_weight * loss
        return losses


def _check_views(num_views: int, feature_dropout: Optional[str], label_views: int, temperature: float) -> None:
    check_choice('num_views', num_views, (1, 2))
    check_choice('feature_dropout', feature_dropout, (*FEATURE_DROPOUTS, None))
    if feature_dropout == 'complementary' and num_views != 2:
        raise ValueError("feature_dropout='complementary' keeps each channel in one of two strong views, but "
                         f'num_views={num_views}. Set num_views=2, or feature_dropout="stream".')
    if label_views < 1:
        raise ValueError(f'label_views={label_views}: it must be 1 (only the weak view) or more.')
    if not temperature > 0:
        raise ValueError(f'temperature={temperature}: it must be above 0. MixMatch takes 0.5; 1 changes nothing.')
