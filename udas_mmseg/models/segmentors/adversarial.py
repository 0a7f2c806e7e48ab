"""Adaptation with discriminators on the output of every level."""
import contextlib
from dataclasses import replace
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList
from torch import Tensor

from ..backward import backward_without_update
from ..losses.entropy import self_information
from ..losses.gan import OBJECTIVES, SOURCE, discriminator_loss, gan_loss
from ..losses.precision import at_least_float32
from ..softmax_heads import check_softmax_heads
from ..terms import LossTerm, Outputs, Term, TermContext
from ..terms.agreement import agreement_terms
from ..terms.loss_term import Weight
from .branch_segmentor import BranchSegmentor
from .checks import check_both_domains, check_choice, check_from_zero, check_levels, check_optimizers
from .multi_level import LEVELS, MultiLevelEncoderDecoder

_GRADIENT_SCALE = 1024.
_ADAPT_MAPS = {'softmax': lambda prob: prob, 'self_information': self_information}


class _Adaptation(NamedTuple):
    """Weighted losses on the target, their gradients with respect to each level's logits, and discriminator scores."""
    losses: Dict[str, Tensor]
    gradients: List[Tensor]
    scores: Sequence


@MODELS.register_module()
class AdversarialSegmentor(BranchSegmentor):
    """A segmentor that learns to give similar outputs on source and target images.

    AdaptSegNet, AdvEnt, MinEnt, MRNet and the adaptation module of UDAS are configs of this class. A training step has
    two parts:

    1. The segmentor is trained with its own losses on the source (and on other labelled branches in the batch) and with
       terms on the target: an adversarial term (the discriminators should mistake the target for the source), entropy,
       a divergence between both heads, and those in `terms`.
    2. The discriminators learn to distinguish the domains, on the same predictions, which are detached.

    Each discriminator processes the target's maps only once: the same forward pass gives the gradient that adapts the
    segmentor and, later, the loss of the discriminator. Batches are those of `DomainPairDataset`. Validation and
    inference use the segmentor.

    Args:
        segmentor (dict): Config of an MMSegmentation segmentor with a decode head and one auxiliary head. An
            `EncoderDecoder` is built as `MultiLevelEncoderDecoder`, which also gives the auxiliary logits.
        discriminators (dict, optional): Usually `dict(type='MultiLevelDiscriminator')`; `in_channels` is taken from
            the segmentor. Defaults to None: no adversarial term (MinEnt).
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        adapt_map (str): Input of the discriminators: 'softmax' (AdaptSegNet) or 'self_information' (AdvEnt).
        gan_objective (str): 'vanilla' or 'lsgan'.
        adversarial (dict): `LossTerm` of the adversarial term, with a weight for each level. Defaults to the published
            lambda_adv, 0.001 and 0.0002. The discriminators train from the first iteration, even if the term begins
            later.
        gradient_penalty (float): `penalty` of `discriminator_loss`; 0.01 in MRNet's code. Defaults to 0.
        entropy (dict, optional): `LossTerm` of the target's entropy, with a weight for each level. Defaults to None.
        kl (dict, optional): `LossTerm` of the divergence between both heads on the target, with one weight, and its
            `form`: see `HeadDivergenceTerm`. Defaults to None.
        terms (Sequence[dict | Term]): Additional loss terms, see `BranchSegmentor`. They get no features, and on the
            target only the gradient of the logits is used. They must not have parameters. Defaults to none.
        branch_weights (dict, optional): See `BranchSegmentor`.
        upsample_maps (bool): Whether the target's terms and the discriminators use logits that are upsampled to the
            image (True, as published) or have the resolution of the main head (faster). The segmentation loss is not
            affected.
        joint_forward (bool): Whether source and target pass through the segmentor in one batch and are normalised with
            common batch statistics, which is faster. Defaults to False, as published: each domain is normalised with
            its own statistics, so the weights need not adapt to the difference between them, and the activations of
            one domain are freed before those of the other are computed.
        channels_last (bool): Whether networks and images use the channels-last memory format. The arithmetic is the
            same, but convolutions are faster on most CPUs and on GPUs with mixed precision. Defaults to True.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value that is not listed above, or weights or discriminators whose number is not that of the
            levels.

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
                 gradient_penalty: float = 0.0,
                 entropy: Optional[dict] = None,
                 kl: Optional[dict] = None,
                 terms: Sequence[Union[dict, Term]] = (),
                 branch_weights: Optional[Dict[str, Weight]] = None,
                 upsample_maps: bool = True,
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        check_choice('adapt_map', adapt_map, _ADAPT_MAPS)
        check_choice('gan_objective', gan_objective, OBJECTIVES)
        if MODELS.get(segmentor.get('type', '')) is EncoderDecoder:
            segmentor = {**segmentor, 'type': 'MultiLevelEncoderDecoder'}
        super().__init__(segmentor, data_preprocessor, [*agreement_terms(entropy, kl), *terms], branch_weights,
                         joint_forward, channels_last, init_cfg)
        if not isinstance(self.segmentor, MultiLevelEncoderDecoder):
            raise ValueError(f'the segmentor is a {type(self.segmentor).__name__}, which does not give the logits of '
                             'its auxiliary head. Use EncoderDecoder with one auxiliary_head, or derive yours from '
                             'MultiLevelEncoderDecoder.')
        needy = [type(term).__name__ for term in self.terms
                 if term.needs or (term.forwards_itself and term.branch == 'target') or list(term.parameters())]
        if needy:
            raise ValueError(f'AdversarialSegmentor cannot train the terms {needy}: it frees each branch before the '
                             'next one, uses only the gradient of the logits of the target, and has no optimizer for '
                             'the parameters of terms. Use BranchSegmentor.')
        self.discriminators: Any = None
        if discriminators is not None:
            check_softmax_heads(self.heads, 'the adversarial term')
            built = MODELS.build({'in_channels': self.segmentor.out_channels, **discriminators})
            self.discriminators = built.to(memory_format=self.memory_format)
            check_levels('discriminators', len(self.discriminators.levels))
        self.adapt_map = _ADAPT_MAPS[adapt_map]
        check_from_zero('gradient_penalty', gradient_penalty)
        self.gan_objective, self.gradient_penalty = gan_objective, gradient_penalty
        self.adversarial = LossTerm.from_config('adversarial', adversarial or dict(weight=(0.001, 0.0002)), len(LEVELS))
        self.upsample_maps = upsample_maps

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
            **branches: Not allowed; a data-parallel wrapper that trains through `forward` passes them.

        Raises:
            RuntimeError: for `mode='loss'`, because this model needs `train_step` and an optimizer for each child.
        """
        if mode == 'loss' or branches:
            raise RuntimeError('AdversarialSegmentor trains in `train_step`, but `forward(mode="loss")` was called: '
                               'MMDistributedDataParallel does so, and would leave out every adversarial term. Set '
                               'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") in the config.')
        return super().forward(inputs, data_samples, mode)

    def train_step(self, data: Dict[str, dict], optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """Train the segmentor and the discriminators for one step.

        Args:
            data (dict): A batch of `DomainPairDataset`: `source`, `target` and perhaps `labeled_target`.
            optim_wrapper (OptimWrapperDict): One wrapper for each child, from `PerChildOptimWrapperConstructor`.

        Returns:
            dict[str, Tensor]: Values to log: every loss term by domain and level, weighted as in `loss` (the
            segmentor's total), and the discriminators' losses and their accuracy on each domain.

        Raises:
            ValueError: if the target has labels, a branch is missing, or a joint forward gets several sizes.
            TypeError: if a child has no wrapper.
        """
        children = ['segmentor'] if self.discriminators is None else ['segmentor', 'discriminators']
        check_optimizers(optim_wrapper, children)
        branches = self.data_preprocessor(data, True)
        self.check(branches)
        groups = self.groups(branches)
        trained = [group for group in groups if self.learns_from(group, branches)]
        logs: Dict[str, Tensor] = {}
        for group in groups:
            # a new context for each group, so that activations are freed before the next forward
            context = self.new_context(branches, self.upsample_maps)
            if group not in trained:  # without a loss, the images only update the statistics of batch norm
                with torch.no_grad():
                    self.forward_group(group, context)
                continue
            group_logs, group_scores = self._train_group(group, context, optim_wrapper, group is trained[-1])
            logs.update(group_logs, loss=logs.get('loss', 0) + group_logs['loss'])
            if 'source' in group:  # for the discriminators, which must not send gradients back
                source_logits = [level.detach() for level in context.logits['source']]
            if 'target' in group:
                target_scores = group_scores
        if self.discriminators is not None:
            logs.update(self._train_discriminators(source_logits, branches, target_scores, optim_wrapper))
        return logs

    def learns_from(self, group: Sequence[str], branches: Dict[str, dict]) -> bool:
        """Whether any of these branches has a loss; the discriminators give one to the target."""
        adapts = self.discriminators is not None and 'target' in group
        return adapts or super().learns_from(group, branches)

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that a batch has both domains."""
        check_both_domains(branches)
        super().check(branches)

    def forward_images(self, images: Tensor) -> Outputs:
        """Compute the logits of each level, through `__call__`, as data-parallel wrappers need it; without features."""
        return Outputs(self.segmentor(images.contiguous(memory_format=self.memory_format), mode='tensor'))

    @contextlib.contextmanager
    def _segmentor_context(self, optim_wrapper: OptimWrapper, is_last: bool) -> Iterator[None]:
        """Set precision and gradient synchronisation of one of several backward passes; the last one synchronises."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(optim_wrapper.optim_context(self.segmentor))
            if not is_last and is_model_wrapper(self.segmentor):
                stack.enter_context(self.segmentor.no_sync())
            yield

    def _train_group(self, group: List[str], context: TermContext, optim_wrapper: OptimWrapperDict,
                     is_last: bool) -> Tuple[Dict[str, Tensor], Sequence]:
        """Backpropagate the losses of branches that are forwarded together, and update the segmentor after the last.

        Returns:
            tuple[dict, Sequence]: Values to log, including `loss`, and the discriminators' scores of the target.
        """
        with self._segmentor_context(optim_wrapper['segmentor'], is_last):
            self.forward_group(group, context)
            # the target's terms are computed later, outside of mixed precision
            losses = self.losses_of([name for name in group if name != 'target'], context)
        adaptation = self._adapt(context, optim_wrapper) if 'target' in group else _Adaptation({}, [], ())
        loss, logs = self.parse_losses({**losses, **adaptation.losses})
        logs = {name: value.detach() for name, value in logs.items()}
        # the gradient of this sum with respect to the target's logits is the one computed in `_adapt`
        loss = loss + sum((level * gradient).sum()
                          for level, gradient in zip(context.logits.get('target', ()), adaptation.gradients))
        if is_last:
            optim_wrapper['segmentor'].update_params(loss)
        else:  # one step of the optimizer for all groups
            backward_without_update(optim_wrapper['segmentor'], loss)
        return logs, adaptation.scores

    def _maps(self, logits: List[Tensor]) -> List[Tensor]:
        return [self.adapt_map(level.softmax(dim=1)) for level in logits]

    def _adapt(self, context: TermContext, optim_wrapper: OptimWrapperDict) -> _Adaptation:
        """Compute the target's terms and their gradient with respect to the logits.

        The gradient is computed immediately, so that tensors at the size of the images are freed before the backward
        pass of the segmentor, which needs the most memory.

        Returns:
            _Adaptation: Weighted losses without gradient; the gradient of their sum for each level; the
                discriminators' scores, in their graph, for their own loss (none without discriminators).
        """
        # cut off from the segmentor: the terms' graph ends at these leaves
        leaves = [at_least_float32(level).detach().requires_grad_() for level in context.logits['target']]
        of_target = replace(context, outputs={'target': Outputs(leaves)})
        losses = self.term_losses('target', of_target)
        outputs = [loss for name, loss in losses.items() if 'loss' in name and loss.requires_grad]
        gradients = [torch.ones_like(loss) for loss in outputs]
        scores: Sequence = ()
        if self.discriminators is not None:
            maps = self._maps(of_target.resized('target'))
            del of_target  # large
            seen = [level.detach().requires_grad_() for level in maps]
            with optim_wrapper['discriminators'].optim_context(self.discriminators):
                scores = self.discriminators(seen)
            weights = self.adversarial.at(context.iteration)
            adversarial = [gan_loss(level, SOURCE, self.gan_objective) for level in scores]
            losses.update((f'target.{name}.loss_adv', weight * loss)
                          for name, weight, loss in zip(LEVELS, weights, adversarial))
            if any(weights):
                # of the maps alone, not of the discriminators; scaled, since float16 loses small gradients
                scaled = torch.autograd.grad(torch.stack(adversarial).sum() * _GRADIENT_SCALE, seen, retain_graph=True)
                outputs += maps
                gradients += [level * (weight / _GRADIENT_SCALE) for level, weight in zip(scaled, weights)]
        if outputs:
            found = torch.autograd.grad(outputs, leaves, gradients, allow_unused=True)
        else:  # every weight is 0 now
            found = [None for _ in leaves]
        # a term may leave a head alone
        whole = [torch.zeros_like(leaf) if value is None else value for leaf, value in zip(leaves, found)]
        return _Adaptation({name: loss.detach() for name, loss in losses.items()}, whole, scores)

    def _train_discriminators(self, source_logits: List[Tensor], branches: Dict[str, dict], target_scores: Sequence,
                              optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """Train the discriminators for one step, with the mean of both domains' losses, summed over the levels."""
        with torch.no_grad():
            context = self.new_context(branches, self.upsample_maps)
            context.add({'source': Outputs(source_logits)})
            maps = self._maps(context.resized('source'))
        maps = [level.requires_grad_(self.gradient_penalty > 0) for level in maps]
        with optim_wrapper['discriminators'].optim_context(self.discriminators):
            source_scores = self.discriminators(maps)
        found = {level: discriminator_loss(source, target, seen, self.gan_objective, self.gradient_penalty)
                 for level, source, target, seen in zip(LEVELS, source_scores, target_scores, maps)}
        optim_wrapper['discriminators'].update_params(torch.stack([values['loss'] for values in found.values()]).sum())
        return {f'discriminators.{level}.{name}': value.detach()
                for level, values in found.items() for name, value in values.items()}
