"""Training of a student on labels and pseudo-labels, perhaps with a teacher that is its moving average."""
from typing import Any, Dict, List, Optional

import torch
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList, add_prefix
from torch import Tensor

from ...datasets.transforms.teacher_view import TEACHER_IMAGE
from ...utils.processes import keep_names_in_parallel, unwrap
from ...utils.randomness import child_generator
from ..data_preprocessor import for_branches
from .branches import SUPERVISED, heads_of, segmentation_losses, split_forward, take_segmentor_weights
from .checks import check_choice, check_one_size, check_stacked, check_unlabeled
from .consistency import Consistency, check_heads
from .ema_teacher import EMATeacher

LABELED = (*SUPERVISED, 'pseudo_labeled')
_TEACHER = 'teacher.'


@MODELS.register_module()
class StudentTeacherSegmentor(BaseModel):
    """A segmentor, the student, trained on labelled images and on target images that a teacher has labelled.

    The teacher's labels come from files (branch `pseudo_labeled`: a round of self-training, noisy student), from a
    moving average of the student itself (branch `target`: mean teacher), or both. A step is one forward, one loss and
    one optimizer, as MMEngine has it by default: gradient accumulation, AMP and `MMDistributedDataParallel` are the
    stock ones. Validation, inference and export are the segmentor's.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        data_preprocessor (dict, optional): Defaults to the segmentor's own, made to take several branches.
        pseudo_weight (float): Weight of the losses on `pseudo_labeled`. Defaults to 1.
        consistency (dict, optional): L_cons in place of the cross-entropy on `source` and `labeled_target`, with the
            arguments of `Consistency`: `num_views`, `smoothing`, `weight`, ... Defaults to None.
        ema_teacher (dict, optional): A teacher that labels `target`, with the arguments of `EMATeacher`: `momentum`,
            `threshold`, `weight`. Needs `custom_hooks=[dict(type='EMATeacherHook')]`. Defaults to None.
        predict_with (str): 'student' or 'teacher', which validation and inference use. Defaults to 'student'.
        joint_forward (bool): Whether all branches go through the segmentor in one batch, normalised with common batch
            statistics (faster). Defaults to False: one after the other, each normalised with its own, the target's
            last, so that the running statistics end nearer to the target's.
        channels_last (bool): Memory layout of networks and images; the arithmetic is the same. Defaults to True.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside of its range, or heads with which `consistency` cannot work.

    Source: UDAS, section 3.5; Xie et al., CVPR 2020 (noisy student); Tarvainen and Valpola, NeurIPS 2017 (mean
    teacher).
    """

    def __init__(self,
                 segmentor: dict,
                 data_preprocessor: Optional[dict] = None,
                 pseudo_weight: float = 1.0,
                 consistency: Optional[dict] = None,
                 ema_teacher: Optional[dict] = None,
                 predict_with: str = 'student',
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        segmentor = dict(segmentor)
        own_preprocessor = segmentor.pop('data_preprocessor', None)
        super().__init__(for_branches(data_preprocessor or own_preprocessor), init_cfg)
        if pseudo_weight < 0:
            raise ValueError(f'pseudo_weight={pseudo_weight}: it must be 0 or more.')
        check_choice('predict_with', predict_with, ('student', 'teacher'))
        if predict_with == 'teacher' and ema_teacher is None:
            raise ValueError("predict_with='teacher', but there is no teacher. Set ema_teacher=dict(), or "
                             "predict_with='student'.")
        self.segmentor = MODELS.build(segmentor)
        self.consistency = None if consistency is None else Consistency(**consistency)
        if self.consistency is not None:
            check_heads(heads_of(self.segmentor))
        self.teacher: Optional[EMATeacher] = None
        if ema_teacher is not None:
            self.teacher = EMATeacher(self.segmentor, **ema_teacher)
        self.pseudo_weight = pseudo_weight
        self.predict_with = predict_with
        self.joint_forward = joint_forward
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        keep_names_in_parallel(self)
        self._register_state_dict_hook(_save_teacher)

    def init_weights(self) -> None:
        """Initialise the student, and let the teacher begin with the same weights."""
        super().init_weights()
        if self.teacher is not None:
            self.teacher.copy_from(unwrap(self.segmentor))

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """Losses of a batch of branches, or what the segmentor makes of images.

        Args:
            inputs (Tensor, optional): (N, 3, H, W) preprocessed images of an ordinary batch.
            data_samples (list[SegDataSample], optional): Their meta information, and labels for a loss.
            mode (str): 'loss', 'predict' or 'tensor'.
            **branches: For 'loss': `source`, `labeled_target`, `pseudo_labeled` and `target`, each with `inputs` and
                `data_samples`, as the preprocessor makes them of batches of `DomainPairDataset`.

        Returns:
            dict[str, Tensor]: Losses as `<branch>.<head>.<loss>`, weighted; `target.kept`, the share of pixels that
                the teacher labelled. In other modes what the segmentor returns.

        Raises:
            ValueError: for branches that do not fit; see the message.
        """
        if mode == 'loss' and branches:
            return self._losses(branches)
        if self.predict_with == 'teacher' and self.teacher is not None and mode != 'loss':
            return self.teacher.network(inputs, data_samples, mode=mode)
        return self.segmentor(inputs, data_samples, mode=mode)

    def _losses(self, branches: Dict[str, dict]) -> Dict[str, Tensor]:
        self._check(branches)
        losses: Dict[str, Tensor] = {}
        if 'target' in branches:
            branches = {**branches, 'target': self._label_target(branches['target'], losses)}
        order = [name for name in (*LABELED, 'target') if name in branches]
        for group in [order] if self.joint_forward else [[name] for name in order]:
            losses.update(self._group_losses({name: branches[name] for name in group}))
        weights = {'pseudo_labeled': self.pseudo_weight, 'target': 1.0 if self.teacher is None else self.teacher.weight}
        return {
            key: value * weights.get(key.split('.')[0], 1.0) if 'loss' in key else value
            for key, value in losses.items()
        }

    def _group_losses(self, group: Dict[str, dict]) -> Dict[str, Tensor]:
        """Losses of branches that go through the segmentor together."""
        consistent = [name for name in group if self.consistency is not None and name in SUPERVISED]
        if len(group) == 1 and not consistent:  # whatever loss the segmentor has
            (name, branch), = group.items()
            images = branch['inputs'].contiguous(memory_format=self.memory_format)
            return add_prefix(self.segmentor.loss(images, branch['data_samples']), name)
        logits = split_forward(self._head_logits, {name: branch['inputs'] for name, branch in group.items()},
                               self.memory_format)
        heads = heads_of(self.segmentor)
        plain = {name: branch for name, branch in group.items() if name not in consistent}
        losses = segmentation_losses(heads, plain, logits)
        for name in consistent:
            label = torch.stack([sample.gt_sem_seg.data for sample in group[name]['data_samples']]).squeeze(1)
            of_branch = self.consistency.losses(  # type: ignore[union-attr]
                heads, self._head_logits, group[name]['inputs'], logits[name], label, child_generator())
            losses.update(add_prefix(of_branch, name))
        return losses

    def _head_logits(self, images: Tensor) -> List[Tensor]:
        features = self.segmentor.extract_feat(images.contiguous(memory_format=self.memory_format))
        return [head(features) for head in heads_of(self.segmentor).values()]

    def _label_target(self, target: dict, losses: Dict[str, Tensor]) -> dict:
        """The target branch with the teacher's labels of its clean images; what is padded is ignored."""
        assert self.teacher is not None
        images = self._teacher_images(target).contiguous(memory_format=self.memory_format)
        label, kept = self.teacher.label(images)
        samples: SampleList = []
        for number, sample in enumerate(target['data_samples']):
            height, width = sample.metainfo.get('img_shape', images.shape[2:])[:2]
            label[number, height:], label[number, :, width:] = 255, 255
            samples.append(SegDataSample(metainfo=sample.metainfo, gt_sem_seg=PixelData(data=label[number][None])))
        losses['target.kept'] = kept.float().mean()
        return dict(inputs=target['inputs'], data_samples=samples)

    def _teacher_images(self, target: dict) -> Tensor:
        """The images as they were before colour augmentation, where the pipeline kept them (`KeepTeacherView`)."""
        samples = target['data_samples']
        if not all(TEACHER_IMAGE in sample.metainfo for sample in samples):
            return target['inputs']
        clean = [torch.from_numpy(sample.metainfo[TEACHER_IMAGE]).permute(2, 0, 1) for sample in samples]
        batch = dict(inputs=clean, data_samples=[SegDataSample() for _ in samples])
        images = self.data_preprocessor(batch, True)['inputs']
        if images.shape != target['inputs'].shape:
            raise ValueError(f"the teacher's images are {tuple(images.shape)}, the student's "
                             f'{tuple(target["inputs"].shape)}: between KeepTeacherView and PackSegInputs the pipeline '
                             'may change colours only. Put crops, flips and resizing before KeepTeacherView.')
        return images

    def _check(self, branches: Dict[str, dict]) -> None:
        unknown = sorted(set(branches) - {*LABELED, 'target'})
        if unknown:
            raise ValueError(f'the batch has branches {unknown}; known are {[*LABELED, "target"]}.')
        if is_model_wrapper(self.segmentor):
            raise ValueError('StudentTeacherSegmentor has one optimizer and trains in ordinary data parallel. Take '
                             'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") out of the config.')
        check_stacked(branches)
        for name in (name for name in LABELED if name in branches):
            if not all('gt_sem_seg' in sample for sample in branches[name]['data_samples']):
                raise ValueError(f'the branch {name} has no labels (`gt_sem_seg`). Load them in its pipeline: '
                                 'LoadLabelIds, or LoadPseudoLabel for pseudo-labels.')
        if 'target' in branches:
            check_unlabeled(branches['target'])
            if self.teacher is None:
                raise ValueError('the batch has a target branch without labels, and no teacher to label it. Set '
                                 'ema_teacher=dict(momentum=0.999) and custom_hooks=[dict(type="EMATeacherHook")], or '
                                 'take `target` out of train_dataloader.dataset.')
        if self.joint_forward:
            check_one_size(branches)

    def _apply(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Move the teacher along with the student."""
        if getattr(self, 'teacher', None) is not None:
            self.teacher.apply(fn)  # type: ignore[union-attr]
        return super()._apply(fn, *args, **kwargs)

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, local_metadata: dict, strict: bool,
                              missing_keys: List[str], unexpected_keys: List[str], error_msgs: List[str]) -> None:
        """Take weights of a segmentor alone, and of an `AdversarialSegmentor` without its discriminators.

        A teacher that is not in the state dict begins with the student's weights; one that is not needed is dropped.
        """
        take_segmentor_weights(state_dict, prefix, ('segmentor', 'discriminators', 'teacher'))
        for key in [key for key in state_dict if key.startswith(f'{prefix}discriminators.')]:
            del state_dict[key]
        teacher = {key[len(prefix + _TEACHER):]: state_dict.pop(key)
                   for key in [key for key in state_dict if key.startswith(prefix + _TEACHER)]}
        student = f'{prefix}segmentor.'
        if self.teacher is not None:
            weights = teacher or {key[len(student):]: value for key, value in state_dict.items()
                                  if key.startswith(student)}
            missing, unexpected = self.teacher.load_state_dict(weights)
            missing_keys += [f'{prefix}{_TEACHER}{key}' for key in missing]
            unexpected_keys += [f'{prefix}{_TEACHER}{key}' for key in unexpected]
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                                      error_msgs)


def _save_teacher(model: StudentTeacherSegmentor, state_dict: Dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Put the teacher, which is none of the model's children, into its state dict."""
    if model.teacher is not None:
        state_dict.update((f'{prefix}{_TEACHER}{key}', value) for key, value in model.teacher.state_dict().items())
