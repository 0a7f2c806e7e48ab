"""Adaptation by discriminators on the output of every level."""
import contextlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmseg.models import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, add_prefix
from torch import Tensor, nn

from ...utils.processes import keep_names_in_parallel, unwrap
from ..backward import backward_without_update
from ..data_preprocessor import for_branches
from ..losses.entropy import self_information
from ..losses.gan import OBJECTIVES, SOURCE, TARGET, gan_accuracy, gan_loss
from ..losses.precision import at_least_float32
from .branches import SUPERVISED, heads_of, segmentation_losses, split_forward, take_segmentor_weights
from .checks import check_branches, check_choice, check_levels, check_optimizers
from .loss_term import KL_FORMS, LEVELS, LossTerm, agreement_losses
from .multi_level import MultiLevelEncoderDecoder

_GRADIENT_SCALE = 1024.
_ADAPT_MAPS = {'softmax': lambda prob: prob, 'self_information': self_information}


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
            statistics, so that the difference between them is not left to the weights, and the activations of one
            are freed before the other is computed.
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
        super().__init__(for_branches(data_preprocessor or own_preprocessor), init_cfg)
        if MODELS.get(segmentor.get('type', '')) is EncoderDecoder:
            segmentor['type'] = 'MultiLevelEncoderDecoder'
        check_choice('adapt_map', adapt_map, _ADAPT_MAPS)
        check_choice('gan_objective', gan_objective, OBJECTIVES)
        self.segmentor = MODELS.build(segmentor)
        if not isinstance(self.segmentor, MultiLevelEncoderDecoder):
            raise ValueError(f'the segmentor is a {type(self.segmentor).__name__}, which does not give the logits of '
                             'its auxiliary head. Use EncoderDecoder with one auxiliary_head, or derive yours from '
                             'MultiLevelEncoderDecoder.')
        self.discriminators: Any = None
        if discriminators is not None:
            self.discriminators = MODELS.build({'in_channels': self.segmentor.out_channels, **discriminators})
            check_levels('discriminators', len(self.discriminators.levels))
        self.adapt_map = _ADAPT_MAPS[adapt_map]
        self.gan_objective = gan_objective
        self.adversarial = LossTerm.from_config('adversarial', adversarial or dict(weight=(0.001, 0.0002)), len(LEVELS))
        self.entropy = None if entropy is None else LossTerm.from_config('entropy', entropy, len(LEVELS))
        self.kl: Optional[LossTerm] = None
        self.kl_form = None if kl is None else kl.get('form')
        if kl is not None:
            check_choice('kl.form', self.kl_form, KL_FORMS)
            self.kl = LossTerm.from_config('kl', {key: value for key, value in kl.items() if key != 'form'}, 1)
        self.adapts = not (self.discriminators is None and self.entropy is None and self.kl is None)
        self.upsample_maps = upsample_maps
        self.joint_forward = joint_forward
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        keep_names_in_parallel(self)

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
        return unwrap(self.segmentor)(inputs, data_samples, mode=mode)

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
        children = ['segmentor'] if self.discriminators is None else ['segmentor', 'discriminators']
        check_optimizers(optim_wrapper, children)
        branches = self.data_preprocessor(data, True)
        check_branches(branches, self.joint_forward)
        order = [name for name in (*SUPERVISED, 'target') if name in branches]
        groups = [order] if self.joint_forward else [[name] for name in order]
        trained = [group for group in groups if group != ['target'] or self.adapts]
        logs: Dict[str, Tensor] = {}
        for group in groups:
            if group not in trained:  # nothing is asked of the target: it only passes through batch norm
                with torch.no_grad():
                    self._forward_branches({name: branches[name]['inputs'] for name in group})
                continue
            is_last = group is trained[-1]
            with self._segmentor_context(optim_wrapper['segmentor'], is_last):
                logits = self._forward_branches({name: branches[name]['inputs'] for name in group})
                labeled = {name: branches[name] for name in group if name in SUPERVISED}
                losses = segmentation_losses(self._heads(), labeled, logits)
            if 'source' in group:
                source_logits = [level.detach() for level in logits['source']]
            gradients: List[Tensor] = []
            if 'target' in group:
                target_losses, gradients, target_scores = self._adapt(logits['target'], branches, optim_wrapper)
                losses.update(target_losses)
            loss, group_logs = self.parse_losses(losses)
            group_logs = {name: value.detach() for name, value in group_logs.items()}
            logs.update(group_logs, loss=logs.get('loss', 0) + group_logs['loss'])
            # what is added has the gradient that was computed before
            loss = loss + sum((level * gradient).sum() for level, gradient in zip(logits.get('target', ()), gradients))
            del losses, logits  # they hold on to the graph
            if is_last:
                optim_wrapper['segmentor'].update_params(loss)
            else:
                backward_without_update(optim_wrapper['segmentor'], loss)
        if self.discriminators is not None:
            logs.update(self._train_discriminators(source_logits, branches, target_scores, optim_wrapper))
        return logs

    @contextlib.contextmanager
    def _segmentor_context(self, optim_wrapper: OptimWrapper, is_last: bool) -> Iterator[None]:
        """Precision and gradient synchronisation of one of several backwards in a step: the last one synchronises."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(optim_wrapper.optim_context(self.segmentor))
            if not is_last and is_model_wrapper(self.segmentor):
                stack.enter_context(self.segmentor.no_sync())
            yield

    def _forward_branches(self, images: Dict[str, Tensor]) -> Dict[str, List[Tensor]]:
        """Logits of every level for each branch, from one forward for all of them."""
        return split_forward(lambda batch: self.segmentor(batch, mode='tensor'), images, self.memory_format)

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Weights of a segmentor alone (trained on the source only, say) are taken for the segmentor's."""
        take_segmentor_weights(state_dict, prefix, ('segmentor', 'discriminators'))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _heads(self) -> Dict[str, nn.Module]:
        return heads_of(unwrap(self.segmentor))

    def _at_map_size(self, logits: List[Tensor], images: Tensor) -> List[Tensor]:
        """Bring every level to the size of the images, or to that of the main level; in float32 at least."""
        size = images.shape[2:] if self.upsample_maps else logits[0].shape[2:]
        return [
            resize(at_least_float32(level), size=size, mode='bilinear', align_corners=head.align_corners, warning=False)
            for head, level in zip(self._heads().values(), logits)
        ]

    def _maps(self, logits: List[Tensor]) -> List[Tensor]:
        return [self.adapt_map(level.softmax(dim=1)) for level in logits]

    def _adapt(self, logits: List[Tensor], branches: Dict[str, dict],
               optim_wrapper: OptimWrapperDict) -> Tuple[Dict[str, Tensor], List[Tensor], Sequence]:
        """The target's terms and their gradient with respect to the logits.

        The gradient is computed here and now, so that what was upsampled to the size of the images is freed before
        the segmentor's own backward, which is when memory is short.

        Returns:
            tuple: Weighted losses without gradient; the gradient of their sum for each level (none if there is nothing
            to adapt by); the discriminators' scores, in their graph, for their own loss.
        """
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        leaves = [at_least_float32(level).detach().requires_grad_() for level in logits]
        target = self._at_map_size(leaves, branches['target']['inputs'])
        losses = agreement_losses(target, iteration, self.entropy, self.kl, self.kl_form)
        outputs = [loss for loss in losses.values() if loss.requires_grad]
        gradients = [torch.ones_like(loss) for loss in outputs]
        scores: Sequence = ()
        if self.discriminators is not None:
            maps = self._maps(target)
            del target  # large
            seen = [level.detach().requires_grad_() for level in maps]
            with optim_wrapper['discriminators'].optim_context(self.discriminators):
                scores = self.discriminators(seen)
            weights = self.adversarial.at(iteration)
            adversarial = [gan_loss(level, SOURCE, self.gan_objective) for level in scores]
            for name, weight, loss in zip(LEVELS, weights, adversarial):
                losses[f'{name}.loss_adv'] = weight * loss
            if any(weights):
                # of the maps alone, not of the discriminators; scaled, since float16 loses small gradients
                scaled = torch.autograd.grad(torch.stack(adversarial).sum() * _GRADIENT_SCALE, seen, retain_graph=True)
                outputs += maps
                gradients += [level * (weight / _GRADIENT_SCALE) for level, weight in zip(scaled, weights)]
        if outputs:
            gradients = list(torch.autograd.grad(outputs, leaves, gradients))
        else:  # every weight is 0 now
            gradients = [torch.zeros_like(leaf) for leaf in leaves]
        return {f'target.{name}': loss.detach() for name, loss in losses.items()}, gradients, scores

    def _train_discriminators(self, source_logits: List[Tensor], branches: Dict[str, dict], target_scores: Sequence,
                              optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """A step of the discriminators, by the mean of both domains' losses, summed over the levels."""
        with torch.no_grad():
            maps = self._maps(self._at_map_size(source_logits, branches['source']['inputs']))
        with optim_wrapper['discriminators'].optim_context(self.discriminators):
            source_scores = self.discriminators(maps)
        logs: Dict[str, Tensor] = {}
        losses = []
        for level, source, target in zip(LEVELS, source_scores, target_scores):
            losses.append(0.5 * (gan_loss(source, SOURCE, self.gan_objective) +
                                 gan_loss(target, TARGET, self.gan_objective)))
            logs[f'{level}.loss'] = losses[-1].detach()
            logs[f'{level}.acc_source'] = gan_accuracy(source, SOURCE, self.gan_objective)
            logs[f'{level}.acc_target'] = gan_accuracy(target, TARGET, self.gan_objective)
        optim_wrapper['discriminators'].update_params(torch.stack(losses).sum())
        return add_prefix(logs, 'discriminators')
