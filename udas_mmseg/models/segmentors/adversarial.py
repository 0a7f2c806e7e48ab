"""Adaptation by discriminators on the output of every level."""
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList, add_prefix
from torch import Tensor, nn

from ..losses import (
    OBJECTIVES,
    SOURCE,
    TARGET,
    entropy_loss,
    gan_accuracy,
    gan_loss,
    memory_regularization,
    self_information,
    symmetric_cross_entropy,
)
from ..losses.precision import at_least_float32
from .loss_term import LossTerm

LEVELS = ('decode', 'aux')  # main and auxiliary head, as MMSegmentation prefixes their losses
SUPERVISED = ('source', 'labeled_target')
_GRADIENT_SCALE = 1024.
_ADAPT_MAPS = {'softmax': lambda prob: prob, 'self_information': self_information}
_KL_FORMS = {'symmetric_cross_entropy': symmetric_cross_entropy, 'memory_regularization': memory_regularization}


@MODELS.register_module()
class AdversarialSegmentor(BaseModel):
    """A segmentor whose outputs on source and target images are made alike, by discriminators, entropy or both heads.

    AdaptSegNet, AdvEnt, MinEnt, MRNet and the adaptation module of UDAS are configs of this class. A step is:

    1. the segmentor's own losses on the source (and on `labeled_target`, where the batch has that branch), plus terms
       on the target: adversarial (the discriminators should take the target for the source), entropy, and a
       divergence between both heads;
    2. the discriminators learn to tell the domains apart, on the same predictions, detached.

    Each discriminator sees the target's maps once: one forward gives both the gradient that adapts the segmentor and,
    later, the discriminator's own loss. Batches are those of `DomainPairDataset`. Validation and inference are the
    segmentor's.

    Args:
        segmentor (dict): Config of an MMSegmentation segmentor with a decode head and one auxiliary head. An
            `EncoderDecoder` is built as `MultiLevelEncoderDecoder`, which also gives the auxiliary logits.
        discriminators (dict, optional): Usually `dict(type='MultiLevelDiscriminator')`; `in_channels` is taken from
            the segmentor. Defaults to None: no adversarial term (MinEnt).
        data_preprocessor (dict, optional): Defaults to the segmentor's own, made to take several branches.
        adapt_map (str): What the discriminators see: 'softmax' (AdaptSegNet) or 'self_information' (AdvEnt).
        gan_objective (str): 'vanilla' or 'lsgan'.
        adversarial (dict): `LossTerm` of the adversarial term, a weight for each level. Defaults to the published
            lambda_adv 0.001 and 0.0002. The discriminators train from the first iteration, whenever it begins.
        entropy (dict, optional): `LossTerm` of the target's entropy, a weight for each level. Defaults to None.
        kl (dict, optional): `LossTerm` of the divergence between both heads on the target, one weight, and its `form`:
            'symmetric_cross_entropy' (UDAS) or 'memory_regularization' (MRNet). Defaults to None.
        upsample_maps (bool): Whether the target's terms and the discriminators work on logits upsampled to the image
            (published, True) or at the main head's own resolution (fast). The segmentation loss is not affected.
        joint_forward (bool): Whether source and target go through the segmentor in one batch, normalised with common
            batch statistics (faster). Defaults to False, as published: each domain is normalised with its own
            statistics, so that the difference between them is not left to the weights.
        channels_last (bool): Memory layout of the networks and images; the arithmetic is the same, convolutions are
            faster on most CPUs and on GPUs with mixed precision. Defaults to True.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value that is not listed above, or weights or discriminators that do not fit the levels.

    Source: Tsai et al., CVPR 2018 (AdaptSegNet); Vu et al., CVPR 2019 (AdvEnt, MinEnt); Zheng and Yang, IJCAI 2020
    (MRNet); UDAS, section 3.3.
    """

    def __init__(self,
                 segmentor: dict,
                 discriminators: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 adapt_map: str = 'softmax',
                 gan_objective: str = 'vanilla',
                 adversarial: Optional[dict] = None,
                 entropy: Optional[dict] = None,
                 kl: Optional[dict] = None,
                 upsample_maps: bool = True,
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        segmentor = dict(segmentor)
        own_preprocessor = segmentor.pop('data_preprocessor', None)
        super().__init__(_for_branches(data_preprocessor or own_preprocessor), init_cfg)
        if segmentor.get('type') == 'EncoderDecoder':
            segmentor['type'] = 'MultiLevelEncoderDecoder'
        _check_choice('adapt_map', adapt_map, _ADAPT_MAPS)
        _check_choice('gan_objective', gan_objective, OBJECTIVES)
        self.segmentor = MODELS.build(segmentor)
        if not getattr(self.segmentor, 'with_auxiliary_head', False):
            raise ValueError(f'the segmentor ({segmentor.get("type")}) has no auxiliary head; two levels are adapted. '
                             'Give it an auxiliary_head, e.g. an FCNHead on the stage before the last.')
        self.discriminators: Optional[nn.Module] = None
        if discriminators is not None:
            self.discriminators = MODELS.build({'in_channels': self.segmentor.out_channels, **discriminators})
            _check_levels('discriminators', len(self.discriminators.levels))
        self.adapt_map = _ADAPT_MAPS[adapt_map]
        self.gan_objective = gan_objective
        self.adversarial = LossTerm(**(adversarial or dict(weight=(0.001, 0.0002))))
        _check_levels('adversarial.weight', len(self.adversarial.weights))
        self.entropy = None if entropy is None else LossTerm(**entropy)
        if self.entropy is not None:
            _check_levels('entropy.weight', len(self.entropy.weights))
        kl = None if kl is None else dict(kl)
        if kl is not None:
            _check_choice('kl.form', kl.get('form'), _KL_FORMS)
            self.kl_form = _KL_FORMS[kl.pop('form')]
        self.kl = None if kl is None else LossTerm(**kl)
        self.upsample_maps = upsample_maps
        self.joint_forward = joint_forward
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """Inference with the segmentor.

        Args:
            inputs (Tensor): (N, 3, H, W) preprocessed images.
            data_samples (list[SegDataSample], optional): Their meta information.
            mode (str): 'predict' (list of `SegDataSample`) or 'tensor' (list of each level's logits).
            **branches: What a data-parallel wrapper passes on that trains through `forward`, which is refused.

        Raises:
            RuntimeError: for `mode='loss'`: the terms of the domains need `train_step` and an optimizer for each child.
        """
        if mode == 'loss' or branches:
            raise RuntimeError('AdversarialSegmentor trains in `train_step`, but `forward(mode="loss")` was called: '
                               'MMDistributedDataParallel does so, and would leave out every adversarial term. Set '
                               'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") in the config.')
        return _unwrap(self.segmentor)(inputs, data_samples, mode=mode)

    def train_step(self, data: Dict[str, dict], optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """One step of the segmentor and one of the discriminators.

        Args:
            data (dict): A batch of `DomainPairDataset`: `source`, `target` and perhaps `labeled_target`.
            optim_wrapper (OptimWrapperDict): One wrapper for each child, from `PerChildOptimWrapperConstructor`.

        Returns:
            dict[str, Tensor]: What is logged: every loss term by domain and level, weighted as it counts in `loss`
            (the segmentor's total), the discriminators' losses and their accuracy on each domain.

        Raises:
            ValueError: if the target carries labels, if a branch is missing, or if a joint forward gets several sizes.
            TypeError: if there is not a wrapper for each child.
        """
        self._check_optimizers(optim_wrapper)
        branches = self.data_preprocessor(data, True)
        _check_branches(branches, self.joint_forward)
        images = {name: branch['inputs'] for name, branch in branches.items()}
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        losses: Dict[str, Tensor] = {}
        with optim_wrapper['segmentor'].optim_context(self.segmentor):
            logits = self._forward_branches(images)
            for name in (name for name in SUPERVISED if name in branches):
                losses.update(add_prefix(self._segmentation_losses(logits[name], branches[name]['data_samples']), name))
            target_logits = self._at_map_size(logits['target'], images['target'])
            probs = [level.softmax(dim=1) for level in target_logits]
            losses.update(add_prefix(self._agreement_losses(target_logits, probs, iteration), 'target'))
        if self.discriminators is not None:
            maps = [self.adapt_map(prob) for prob in probs]
            seen = [level.detach().requires_grad_() for level in maps]
            with optim_wrapper['discriminators'].optim_context(self.discriminators):
                target_scores = self.discriminators(seen)
            losses.update(add_prefix(self._adversarial_losses(maps, seen, target_scores, iteration), 'target'))
        loss, logs = self.parse_losses(losses)
        source_logits = [level.detach() for level in logits['source']]
        del losses, logits, target_logits, probs  # they hold on to the graph
        optim_wrapper['segmentor'].update_params(loss)
        if self.discriminators is not None:
            with torch.no_grad():
                source_logits = self._at_map_size(source_logits, images['source'])
                source_maps = [self.adapt_map(level.softmax(dim=1)) for level in source_logits]
            with optim_wrapper['discriminators'].optim_context(self.discriminators):
                source_scores = self.discriminators(source_maps)
            loss, discriminator_logs = self._discriminator_losses(source_scores, target_scores)
            optim_wrapper['discriminators'].update_params(loss)
            logs.update(add_prefix(discriminator_logs, 'discriminators'))
        return logs

    def _forward_branches(self, images: Dict[str, Tensor]) -> Dict[str, List[Tensor]]:
        """Logits of every level for each branch, with one batch of batch statistics for all or one for each."""
        images = {name: batch.contiguous(memory_format=self.memory_format) for name, batch in images.items()}
        if not self.joint_forward:
            return {name: self.segmentor(batch, mode='tensor') for name, batch in images.items()}
        sizes = [len(batch) for batch in images.values()]
        levels = [level.split(sizes) for level in self.segmentor(torch.cat(list(images.values())), mode='tensor')]
        return {name: [level[number] for level in levels] for number, name in enumerate(images)}

    def _heads(self) -> List[nn.Module]:
        segmentor = _unwrap(self.segmentor)
        return [segmentor.decode_head, segmentor.auxiliary_head]

    def _segmentation_losses(self, logits: List[Tensor], data_samples: SampleList) -> Dict[str, Tensor]:
        """What the heads' own losses say of logits that are there already."""
        losses: Dict[str, Tensor] = {}
        for level, head, level_logits in zip(LEVELS, self._heads(), logits):
            losses.update(add_prefix(head.loss_by_feat(level_logits, data_samples), level))
        return losses

    def _at_map_size(self, logits: List[Tensor], images: Tensor) -> List[Tensor]:
        """Bring every level to the size of the images, or to that of the main level; in float32 at least."""
        size = images.shape[2:] if self.upsample_maps else logits[0].shape[2:]
        return [
            resize(at_least_float32(level), size=size, mode='bilinear', align_corners=head.align_corners, warning=False)
            for head, level in zip(self._heads(), logits)
        ]

    def _agreement_losses(self, logits: List[Tensor], probs: List[Tensor], iteration: int) -> Dict[str, Tensor]:
        """Terms on the target that need no discriminator: entropy, and divergence between the heads."""
        losses: Dict[str, Tensor] = {}
        if self.entropy is not None:
            for level, prob, weight in zip(LEVELS, probs, self.entropy.at(iteration)):
                losses[f'{level}.loss_ent'] = weight * entropy_loss(prob)
        if self.kl is not None:
            losses['loss_kl'] = self.kl.at(iteration)[0] * self.kl_form(*logits)
        return losses

    def _adversarial_losses(self, maps: List[Tensor], seen: List[Tensor], scores: Sequence,
                            iteration: int) -> Dict[str, Tensor]:
        """The target's maps should be taken for the source's; gradients go to the maps alone, not to discriminators.

        Args:
            maps (list[Tensor]): Each level's maps, in the segmentor's graph.
            seen (list[Tensor]): The same, detached: what the discriminators were given.
            scores (Sequence): What they said of it.
            iteration (int): Decides the weights.
        """
        losses = [gan_loss(level, SOURCE, self.gan_objective) for level in scores]
        # one level's loss does not depend on the others' maps; scaled, since float16 loses small gradients
        gradients = torch.autograd.grad(torch.stack(losses).sum() * _GRADIENT_SCALE, seen, retain_graph=True)
        return {
            f'{level}.loss_adv': _KnownGradient.apply(level_maps, loss.detach() * weight,
                                                      gradient * (weight / _GRADIENT_SCALE))
            for level, level_maps, loss, gradient, weight in zip(LEVELS, maps, losses, gradients,
                                                                 self.adversarial.at(iteration))
        }

    def _discriminator_losses(self, source_scores: Sequence,
                              target_scores: Sequence) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Sum over the levels of the mean over both domains, and what is logged."""
        logs: Dict[str, Tensor] = {}
        losses = []
        for level, source, target in zip(LEVELS, source_scores, target_scores):
            losses.append(0.5 * (gan_loss(source, SOURCE, self.gan_objective) +
                                 gan_loss(target, TARGET, self.gan_objective)))
            logs[f'{level}.loss'] = losses[-1].detach()
            logs[f'{level}.acc_source'] = gan_accuracy(source, SOURCE, self.gan_objective)
            logs[f'{level}.acc_target'] = gan_accuracy(target, TARGET, self.gan_objective)
        return torch.stack(losses).sum(), logs

    def _check_optimizers(self, optim_wrapper: Any) -> None:
        wanted = ['segmentor'] if self.discriminators is None else ['segmentor', 'discriminators']
        given = list(optim_wrapper.optim_wrappers) if isinstance(optim_wrapper, OptimWrapperDict) else []
        if sorted(given) != sorted(wanted):
            raise TypeError(f'AdversarialSegmentor needs an optimizer for each of {wanted}, got '
                            f'{given or type(optim_wrapper).__name__}. Set optim_wrapper=dict(constructor='
                            '"PerChildOptimWrapperConstructor", ...) with one entry for each.')


class _KnownGradient(torch.autograd.Function):
    """A loss whose gradient with respect to its input was computed before."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tuple[Tensor, None, None]:
        return grad_output * ctx.saved_tensors[0], None, None


def _unwrap(module: nn.Module) -> nn.Module:
    return module.module if is_model_wrapper(module) else module


def _for_branches(data_preprocessor: Optional[dict]) -> Optional[dict]:
    """MMSegmentation's preprocessor, made to take several branches; another one stays as it is."""
    if data_preprocessor is None or data_preprocessor.get('type') != 'SegDataPreProcessor':
        return data_preprocessor
    return {**data_preprocessor, 'type': 'DomainDataPreProcessor'}


def _check_choice(name: str, value: Any, known: Iterable[str]) -> None:
    if value not in known:
        raise ValueError(f'{name}={value!r}; known are {sorted(known)}.')


def _check_levels(name: str, count: int) -> None:
    if count != len(LEVELS):
        raise ValueError(f'{name} has {count} entries for {len(LEVELS)} levels (main and auxiliary head). Give one for '
                         'each.')


def _check_branches(branches: Dict[str, dict], joint_forward: bool) -> None:
    missing = [name for name in ('source', 'target') if name not in branches]
    if missing:
        raise ValueError(f'the batch has no {" and no ".join(missing)} branch, only {sorted(branches)}. Train on '
                         'dict(type="DomainPairDataset", source=..., target=...).')
    if any('gt_sem_seg' in sample for sample in branches['target']['data_samples']):
        raise ValueError('the target branch carries `gt_sem_seg`: its labels would leak into training. Take label '
                         'loading out of its pipeline, or pass those images as `labeled_target`.')
    sizes = {name: tuple(branch['inputs'].shape[2:]) for name, branch in branches.items()}
    if joint_forward and len(set(sizes.values())) > 1:
        raise ValueError(f'joint_forward=True needs images of one size (height, width), got {sizes}. Crop or resize '
                         'the branches to the same size, or set joint_forward=False.')
