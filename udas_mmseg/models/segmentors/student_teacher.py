"""Training a student on labels and pseudo-labels, optionally with a teacher that is its moving average."""
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ...datasets.branches import BRANCHES, TRUTH
from ...datasets.label_maps import IGNORE
from ...datasets.transforms.teacher_view import TEACHER_IMAGE
from ...utils.processes import unwrap
from ..predictor import SEGMENTOR_PREFIX, TEACHER_PREFIX
from ..softmax_heads import check_softmax_heads
from ..teachers import EMATeacher, LabelingPolicy, TeacherLabels, ThresholdLabeling
from ..teachers.labeling import teacher_logits
from ..terms import ConsistencyTerm, LossTerm, Term, TermContext
from ..terms.loss_term import Weight
from .branch_segmentor import BranchSegmentor
from .branches import inside_images
from .checks import check_choice

_TEACHER_OPTIONS = ('momentum', 'threshold', 'labeling', 'flip', 'dtype', 'weight')
_TEACHER_DTYPES = (None, 'bfloat16', 'float16')
_PREFIXES = {'student': SEGMENTOR_PREFIX, 'teacher': TEACHER_PREFIX}  # `predict_with` -> its weights in checkpoints


@MODELS.register_module()
class StudentTeacherSegmentor(BranchSegmentor):
    """A segmentor (the student) that is trained on labelled images and on target images that a teacher has labelled.

    The teacher's labels come from files (branch `pseudo_labeled`: a round of self-training, noisy student), from a
    moving average of the student (branch `target`: mean teacher), or from both. See `BranchSegmentor` for the training
    step.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        pseudo_weight (float | dict): Weight of the losses on `pseudo_labeled`, or `dict(weight, begin, ramp)`.
            Defaults to 1.
        consistency (dict, optional): Add L_cons to the cross-entropy on `source` and `labeled_target`, with these
            arguments of `ConsistencyTerm`: `num_views`, `smoothing`, `weight`, ... With `replace=True`, L_cons is used
            instead of the cross-entropy. Defaults to None.
        ema_teacher (dict, optional): Use a teacher that labels `target`, with the arguments `momentum` (see
            `EMATeacher`), `threshold` (see `ThresholdLabeling`) or `labeling` (config of another policy in
            `models/teachers`), `flip` (whether it labels with the mean of the probabilities for the images and for the
            flipped images; False by default), `dtype` ('bfloat16' or 'float16': it labels in mixed precision, with
            weights in float32; None, as the student, by default), and `weight` of the losses (a number or
            `dict(weight, begin, ramp)`).
            Needs `custom_hooks=[dict(type='EMATeacherHook')]`. Defaults to None.
        predict_with (str): 'student' or 'teacher': the network for validation, labelling and export. Defaults to
            'student'.
        terms (Sequence[dict | Term]): See `BranchSegmentor`.
        joint_forward (bool): See `BranchSegmentor`.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range, or heads that do not work with `consistency`.

    Source: UDAS, section 3.5; Xie et al., CVPR 2020 (noisy student); Tarvainen and Valpola, NeurIPS 2017 (mean
    teacher).
    """

    def __init__(self,
                 segmentor: dict,
                 data_preprocessor: Optional[dict] = None,
                 pseudo_weight: Weight = 1.0,
                 consistency: Optional[dict] = None,
                 ema_teacher: Optional[dict] = None,
                 predict_with: str = 'student',
                 terms: Sequence[Union[dict, Term]] = (),
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        check_choice('predict_with', predict_with, _PREFIXES)
        if predict_with == 'teacher' and ema_teacher is None:
            raise ValueError("predict_with='teacher', but there is no teacher. Set ema_teacher=dict(), or "
                             "predict_with='student'.")
        weights: Dict[str, Weight] = dict(pseudo_labeled=LossTerm.from_config('pseudo_weight', pseudo_weight))
        if ema_teacher is not None:
            momentum, labeling, weights['target'] = _teacher_parts(ema_teacher)
        if consistency is not None:
            # a term for each annotated branch, since a batch may have any of them
            labeled = [name for name, branch in BRANCHES.items() if branch.labels == TRUTH]
            terms = [*terms, *(ConsistencyTerm(**consistency, branch=name) for name in labeled)]
        super().__init__(segmentor, data_preprocessor, terms, weights, joint_forward, channels_last, init_cfg)
        if ema_teacher is not None:
            check_softmax_heads(dict(decode_head=self.segmentor), 'ema_teacher')
            self.teacher = EMATeacher(self.segmentor, momentum)
            self.labeling = labeling
            self.flip = bool(ema_teacher.get('flip', False))
            check_choice('ema_teacher.dtype', ema_teacher.get('dtype'), _TEACHER_DTYPES)
            self.teacher_dtype = getattr(torch, ema_teacher.get('dtype') or '', None)
        self.predict_with = predict_with
        # the teacher is not a child, so that optimizers, DDP and train() do not touch it: it has to be saved by hand
        self._register_state_dict_hook(_save_teacher)

    def init_weights(self) -> None:
        """Initialise the student, and copy its weights to the teacher."""
        super().init_weights()
        # it was copied before the pretrained weights were loaded
        if self.teacher is not None:
            self.teacher.copy_from(unwrap(self.segmentor))

    @property
    def predictor(self) -> nn.Module:
        """The network of the student or of the teacher."""
        if self.predict_with == 'teacher' and self.teacher is not None:
            return self.teacher.network
        return super().predictor

    @classmethod
    def predictor_prefix(cls, cfg: dict) -> str:
        """Prefix of the weights of `predictor` in a checkpoint of the model with this config."""
        return _PREFIXES[cfg.get('predict_with', 'student')]

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that a target branch has a teacher or a term."""
        super().check(branches)
        used = self.teacher is not None or any(term.branch == 'target' for term in self.terms)
        if 'target' in branches and not used:
            raise ValueError('the batch has a target branch without labels, and no teacher to label it. Set '
                             'ema_teacher=dict(momentum=0.999) and custom_hooks=[dict(type="EMATeacherHook")], or '
                             'remove `target` from train_dataloader.dataset.')

    def prepare(self, context: TermContext) -> Dict[str, Tensor]:
        """Label the target images with the teacher, on the clean images if there are any; padding is ignored.

        Returns:
            dict[str, Tensor]: `target.kept`, the share of pixels of which the teacher is confident.
        """
        if 'target' not in context.branches or self.teacher is None:
            return {}
        target = context.branches['target']
        images = self._teacher_images(target).contiguous(memory_format=self.memory_format)
        # padding must neither be learnt nor count in a share of pixels
        inside = inside_images(target, images)
        labels = self.label_target(self.teacher_logits(self.teacher, images), inside, context)
        samples = [SegDataSample(metainfo=sample.metainfo, gt_sem_seg=PixelData(data=label[None]))
                   for sample, label in zip(target['data_samples'], labels.label.masked_fill(~inside, IGNORE))]
        # from here on, the target is a labelled branch like any other
        context.branches['target'] = {**target, 'data_samples': samples}
        if labels.weight is not None:
            context.pixel_weights['target'] = labels.weight
        return {'target.kept': labels.kept.float().mean()}

    def teacher_logits(self, teacher: EMATeacher, images: Tensor) -> Tensor:
        """Compute a teacher's logits (N, C, H, W) for preprocessed images (N, 3, H, W)."""
        return teacher_logits(teacher.network, images, self.flip, self.teacher_dtype)

    def label_target(self, logits: Tensor, inside: Tensor, context: TermContext) -> TeacherLabels:
        """Label the target images by the teacher's logits; see `LabelingPolicy`."""
        return self.labeling(logits, inside)

    def _teacher_images(self, target: dict) -> Tensor:
        """Return the images before colour augmentation, if the pipeline kept them (`KeepTeacherView`)."""
        samples = target['data_samples']
        if not all(TEACHER_IMAGE in sample.metainfo for sample in samples):
            return target['inputs']
        clean = [torch.from_numpy(sample.metainfo[TEACHER_IMAGE]).permute(2, 0, 1) for sample in samples]
        batch = dict(inputs=clean, data_samples=[SegDataSample() for _ in samples])
        # as in training, so that both networks get images of one size and padding
        images = self.data_preprocessor(batch, True)['inputs']
        if images.shape != target['inputs'].shape:
            raise ValueError(f"the teacher's images are {tuple(images.shape)}, the student's "
                             f'{tuple(target["inputs"].shape)}: between KeepTeacherView and PackSegInputs the pipeline '
                             'may change colours only. Put crops, flips and resizing before KeepTeacherView.')
        return images

    def _apply(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Move or convert the teacher together with the student."""
        if self.teacher is not None:
            self.teacher.apply(fn)
        return super()._apply(fn, *args, **kwargs)

    def load_outside_children(self, state_dict: Dict[str, Tensor], prefix: str, missing_keys: List[str],
                              unexpected_keys: List[str]) -> None:
        """Load the teacher; if it is not in the state dict, it starts with the student's weights."""
        if self.teacher is None:
            return
        place, student = f'{prefix}{TEACHER_PREFIX}', f'{prefix}{SEGMENTOR_PREFIX}'
        ours = [key for key in state_dict if key.startswith(place)]
        teacher = {key[len(place):]: state_dict.pop(key) for key in ours}
        missing, unexpected = self.teacher.load_state_dict(
            teacher or {key[len(student):]: value for key, value in state_dict.items() if key.startswith(student)})
        missing_keys += [place + key for key in missing]
        unexpected_keys += [place + key for key in unexpected]


def _teacher_parts(options: Dict[str, Any]) -> Tuple[float, LabelingPolicy, LossTerm]:
    """Return the momentum, labelling policy and weight of the losses from the arguments of `ema_teacher`."""
    unknown = sorted(set(options) - set(_TEACHER_OPTIONS))
    if unknown:
        raise ValueError(f'ema_teacher has {unknown}; its entries are {_TEACHER_OPTIONS}.')
    momentum, weight = options.get('momentum', 0.999), options.get('weight', 1.0)
    threshold, labeling = options.get('threshold'), options.get('labeling')
    if threshold is not None and labeling is not None:
        raise ValueError(f'ema_teacher has threshold={threshold} and labeling={dict(labeling)}. Set only one of them; '
                         'a `labeling` has its own threshold.')
    if labeling is not None:
        policy = MODELS.build(labeling)
        if not isinstance(policy, LabelingPolicy):
            raise ValueError(f'ema_teacher.labeling={dict(labeling)} is a {type(policy).__name__} and not a labelling '
                             'policy, such as ThresholdLabeling, SureShareLabeling or PixelWeightLabeling.')
    else:
        policy = ThresholdLabeling() if threshold is None else ThresholdLabeling(threshold)
    return momentum, policy, LossTerm.from_config('ema_teacher.weight', weight)


def _save_teacher(model: StudentTeacherSegmentor, state_dict: Dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Add the teacher, which is not a child of the model, to its state dict."""
    if model.teacher is not None:
        place = f'{prefix}{TEACHER_PREFIX}'
        state_dict.update((place + key, value) for key, value in model.teacher.state_dict().items())
