"""Two networks that label each other's images: cross pseudo supervision."""
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Sequence, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList
from torch import Tensor, nn

from ...datasets.branches import known_branch
from ...datasets.label_maps import IGNORE
from ...utils.processes import unwrap
from ...utils.randomness import child_generator
from ..losses.precision import at_least_float32
from ..mixing import mix, multi_box_masks
from ..outputs import Outputs
from ..predictor import MEAN_PREFIX, SECOND_PREFIX, SEGMENTOR_PREFIX
from ..softmax_heads import check_softmax_heads
from ..terms import LossTerm, TermContext
from ..terms.loss_term import Weight
from .branch_segmentor import BranchSegmentor
from .branches import heads_of, inside_images, outputs_of
from .checks import check_choice, check_has_branches, check_networks_differ
from .segmentor_mean import SegmentorMean

_PREFIXES = dict(first=SEGMENTOR_PREFIX, second=SECOND_PREFIX, mean=MEAN_PREFIX)  # of each `predict_with`
Labels = Dict[str, Tensor]  # network -> (N, H, W) int64, the classes that it predicts; 255 in the padding


@MODELS.register_module()
class CrossPseudoSupervision(BranchSegmentor):
    """Two networks of one config with different initial weights, each of which learns from the other one's labels.

    L = L_s + lambda (L_cps^l + L_cps^u). L_s are the losses of both networks on the labelled branches. In L_cps, the
    class that one network predicts at each pixel is the label of the other one, without a gradient: on labelled images
    (L_cps^l) and on unlabelled ones (L_cps^u), with the main heads and the mean cross-entropy over all pixels of a
    branch that are not padding, also those whose annotated label is 255.

    A batch may have any branches: `labeled_target` and `target` (semi-supervised learning), also `source`
    (semi-supervised domain adaptation), or `source` and `pseudo_labeled` (a student in rounds of self-training). There
    is one optimizer. In checkpoints, the networks are `segmentor` and `second`; other methods load the first one. A
    checkpoint with one network gives its weights to the first, and the second one keeps its own initial weights.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder`, which is built twice. Pretrained backbones may
            be equal; the heads must have random initial weights.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        cps_weight (float | dict): lambda, or `dict(weight, begin, ramp)`. Before `begin`, both networks are only
            trained on labels, and unlabelled images only update the statistics of batch norm. Defaults to 1.5.
        cps_branches (Sequence[str], optional): Branches on which the networks label each other. Defaults to all in the
            batch. The public code has only `('target', )` if it mixes images.
        cut_mix (bool | Mapping): Whether `target` images are mixed: boxes of each image are replaced by those of the
            next one in the batch. Both networks label the unmixed images, and their labels are mixed in the same way.
            A dict has the arguments `boxes` and `share` of `multi_box_masks`. Defaults to False.
        second_init_cfg (dict, optional): MMEngine's initialisation of the second network instead of that of
            `segmentor`. If `load_from` has a trained segmentor for the first one, `dict(type='Pretrained',
            checkpoint='other_seed.pth')` has another one for the second, with `prefix='segmentor.'` if it is the
            checkpoint of another method. Defaults to None.
        predict_with (str): 'first', 'second' or 'mean' (of the probabilities of both): the network for validation,
            labelling and export. The mean cannot be exported to plain MMSegmentation. Defaults to 'first'.
        branch_weights (dict, optional): See `BranchSegmentor`; weights of the losses in L_s.
        joint_forward (bool): See `BranchSegmentor`. Defaults to False, as published.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range; in training, if both networks have the same weights, if `cut_mix` has
            less than two target images, or if a branch of `cps_branches` is missing.

    Source: Chen et al., "Semi-Supervised Semantic Segmentation with Cross Pseudo Supervision", CVPR 2021, section 3;
    French et al., BMVC 2020 (CutMix).
    """

    def __init__(self,
                 segmentor: dict,
                 data_preprocessor: Optional[dict] = None,
                 cps_weight: Weight = 1.5,
                 cps_branches: Optional[Sequence[str]] = None,
                 cut_mix: Union[bool, Mapping[str, Any]] = False,
                 second_init_cfg: Optional[dict] = None,
                 predict_with: str = 'first',
                 branch_weights: Optional[Dict[str, Weight]] = None,
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        check_choice('predict_with', predict_with, _PREFIXES)
        super().__init__(segmentor, data_preprocessor, (), branch_weights, joint_forward, channels_last, init_cfg)
        check_softmax_heads(dict(decode_head=self.segmentor.decode_head), type(self).__name__)
        self._check_plain_loss(['labeled_target'])
        second = {key: value for key, value in segmentor.items() if key != 'data_preprocessor'}
        if second_init_cfg is not None:
            second['init_cfg'] = second_init_cfg
        self.second = MODELS.build(second)
        self.second.to(memory_format=self.memory_format)
        self.cps_weight = LossTerm.from_config('cps_weight', cps_weight)
        self.cps_branches = None if cps_branches is None else [known_branch(name).name for name in cps_branches]
        self.cut_mix = None if cut_mix is False else dict({} if cut_mix is True else cut_mix)
        if self.cut_mix is not None:
            multi_box_masks(0, (1, 1), np.random.default_rng(0), **self.cut_mix)  # checks the arguments
        self.predict_with = predict_with
        self._differ = False  # whether this is known of the networks

    @property
    def networks(self) -> Dict[str, nn.Module]:
        """Both networks, by name."""
        return dict(first=unwrap(self.segmentor), second=unwrap(self.second))

    @property
    def predictor(self) -> nn.Module:
        """The first or the second network, or their mean."""
        networks = self.networks
        return SegmentorMean(list(networks.values())) if self.predict_with == 'mean' else networks[self.predict_with]

    @classmethod
    def predictor_prefix(cls, cfg: dict) -> str:
        """Prefix of the weights of `predictor` in a checkpoint of the model with this config."""
        return _PREFIXES[cfg.get('predict_with', 'first')]

    @classmethod
    def predictor_config(cls, cfg: dict) -> dict:
        """Config of `predictor` in the model with this config."""
        segmentor = cfg['segmentor']
        if cfg.get('predict_with') != 'mean':
            return segmentor
        return dict(type='SegmentorMean', network=segmentor, data_preprocessor=segmentor.get('data_preprocessor'))

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """See `BranchSegmentor`; the losses need a batch of branches."""
        check_has_branches(self, mode, branches, 'labeled_target=..., target=...')
        return super().forward(inputs, data_samples, mode, **branches)

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that the networks differ, and that the batch has the branches on which they label each other."""
        super().check(branches)
        if not self._differ:
            check_networks_differ(*self.networks.values())
            self._differ = True
        needed = [*(self.cps_branches or ()), *([] if self.cut_mix is None else ['target'])]
        missing = [name for name in needed if name not in branches]
        if missing:
            raise ValueError(f'cps_branches={self.cps_branches} and cut_mix={self.cut_mix} need the branch '
                             f'{missing[0]}, and the batch has {sorted(branches)}. Add it to '
                             'train_dataloader.dataset, or remove it from cps_branches and set cut_mix=False.')
        if self.cut_mix is not None and len(branches['target']['inputs']) < 2:
            raise ValueError('cut_mix mixes two target images, and the batch of each process has one. Set '
                             'train_dataloader.batch_size=2 or more, or cut_mix=False.')

    def branch_losses(self, branches: Dict[str, dict]) -> Dict[str, Tensor]:
        """Compute the weighted losses of both networks on a preprocessed batch, and the share of equal predictions."""
        context, losses = self.begin_step(branches)
        contexts = {name: self._context_of(network, context) for name, network in self.networks.items()}
        weight, = self.cps_weight.at(context.iteration)
        taught = [name for name in branches if self.cps_branches is None or name in self.cps_branches] if weight else []
        labels = {} if self.cut_mix is None or 'target' not in taught else dict(target=self._mix_target(contexts))
        for group in self.groups(branches):
            # without a loss, the images only update the statistics of batch norm
            has_loss = any(name in taught or self.is_supervised(name, branches) for name in group)
            with torch.set_grad_enabled(has_loss and torch.is_grad_enabled()):
                for of_network in contexts.values():
                    self.forward_group(group, of_network)
        for network, of_network in contexts.items():
            supervised = self.losses_of(list(branches), of_network)
            losses.update((key.replace('.', f'.{network}.', 1), value) for key, value in supervised.items())
        for name in taught:
            losses.update(self._cps_losses(name, contexts, weight, labels.get(name)))
        return losses

    def _context_of(self, network: nn.Module, context: TermContext) -> TermContext:
        """Return the context of a step for one of the networks."""

        def forward(images: Tensor) -> Outputs:
            return outputs_of(network, images.contiguous(memory_format=self.memory_format))

        return replace(context, branches=dict(context.branches), heads=heads_of(network), forward=forward, outputs={})

    def _cps_losses(self, branch: str, contexts: Mapping[str, TermContext], weight: float,
                    labels: Optional[Labels]) -> Dict[str, Tensor]:
        """Compute lambda L_cps of both networks on a branch, with the labels of mixed images or of the outputs."""
        logits = {name: _main_logits(context, branch, context.outputs[branch]) for name, context in contexts.items()}
        if labels is None:
            labels = {name: _classes(context, branch, logits[name]) for name, context in contexts.items()}
        losses = {f'{branch}.{name}.loss_cps':
                  weight * F.cross_entropy(logits[name], labels[other], ignore_index=IGNORE)
                  for name, other in zip(labels, reversed(labels))}
        inside = labels['first'] != IGNORE
        agreeing = (labels['first'] == labels['second']) & inside
        return {**losses, f'{branch}.agreement': agreeing.sum() / inside.sum()}

    @torch.no_grad()
    def _mix_target(self, contexts: Mapping[str, TermContext]) -> Labels:
        """Label the target images with both networks, and replace images by mixtures; the labels of the mixtures."""
        labels: Labels = {}
        for name, context in contexts.items():
            outputs = context.forward(context.images('target'))
            labels[name] = _classes(context, 'target', _main_logits(context, 'target', outputs))
        torch.clear_autocast_cache()  # older versions of torch would reuse the weights cast here, without a gradient
        images = contexts['first'].images('target')
        mask = multi_box_masks(len(images), tuple(images.shape[2:]), child_generator(), device=images.device,
                               **(self.cut_mix or {}))
        mixtures = mix(images, images.roll(-1, 0), mask)
        for context in contexts.values():
            context.branches['target'] = {**context.branches['target'], 'inputs': mixtures}
        return {name: mix(label, label.roll(-1, 0), mask) for name, label in labels.items()}


def _main_logits(context: TermContext, branch: str, outputs: Outputs) -> Tensor:
    """Return the logits of the main head at the size of the images of a branch, (N, C, H, W), at least float32."""
    head = next(iter(context.heads.values()))
    return resize(at_least_float32(outputs.logits[0]), size=context.images(branch).shape[2:], mode='bilinear',
                  align_corners=head.align_corners, warning=False)


def _classes(context: TermContext, branch: str, logits: Tensor) -> Tensor:
    """Return the classes with the highest logits, (N, H, W) int64, without a gradient; padding is ignored."""
    inside = inside_images(context.branches[branch], context.images(branch))
    return logits.detach().argmax(1).masked_fill(~inside, IGNORE)
