"""A segmentor that trains on batches with several branches; the base class of all methods."""
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, is_model_wrapper
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, add_prefix
from torch import Tensor, nn

from ...compat import fastest_memory_format
from ...datasets.branches import BRANCHES
from ...utils.processes import keep_names_in_parallel, strip_wrappers, unwrap
from ..data_preprocessor import for_branches, merged
from ..norm_statistics import norm_layers, normalising_by_batch
from ..predictor import SEGMENTOR_PREFIX
from ..teachers import EMATeacher
from ..terms import LossTerm, Outputs, Term, TermContext, build_terms
from ..terms.agreement import MissingHeadError
from ..terms.context import FeatureNoise
from ..terms.loss_term import Weight
from .auxiliary_head import auxiliary_head_advice
from .branches import (
    has_loss_of_heads,
    has_plain_heads,
    heads_of,
    noise_of_batch,
    outputs_of,
    segmentation_losses,
    split_forward,
)
from .checks import check_branches, check_terms_have_branches, is_labeled
from .state_dicts import drop_other_children, take_segmentor_weights


@MODELS.register_module()
class BranchSegmentor(BaseModel):
    """A segmentor that is trained with its own losses on every labelled branch, and with loss terms on any branch.

    There is one loss and one optimizer, so MMEngine's gradient accumulation, AMP and `MMDistributedDataParallel` can be
    used. A branch without labels and without a term only updates the statistics of batch norm. Batches are those of
    `DomainPairDataset`. Methods derive from this class: `AdversarialSegmentor` has several optimizers,
    `StudentTeacherSegmentor` uses labels from a teacher.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        data_preprocessor (dict, optional): Entries that replace those of the segmentor's own, which is extended to
            several branches. Defaults to the segmentor's own.
        terms (Sequence[dict | Term]): Loss terms, each a config such as `dict(type='EntropyTerm', weight=0.001,
            begin=0, ramp=0, branch='target')`. Terms on labelled branches use the logits of the heads, so they do not
            work with a segmentor that has its own `loss`. Defaults to none.
        branch_weights (dict, optional): Weights of the supervised losses by branch: a number, or `dict(weight, begin,
            ramp)`. The default of each is 1.
        joint_forward (bool): Whether all branches pass through the segmentor in one batch and are normalised with
            common batch statistics. Defaults to False: one after the other, in the order of `BRANCHES`, each with its
            own statistics. The target is last, so the running statistics are closer to those of the target.
        channels_last (bool): Whether networks and images use the channels-last memory format if it is safe, see
            `fastest_memory_format`; the arithmetic is the same. Defaults to True.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for unknown branches, negative weights, or terms that do not work with the segmentor.
    """

    teacher: Optional[EMATeacher] = None  # for methods that have one

    def __init__(self,
                 segmentor: dict,
                 data_preprocessor: Optional[dict] = None,
                 terms: Sequence[Union[dict, Term]] = (),
                 branch_weights: Optional[Dict[str, Weight]] = None,
                 joint_forward: bool = False,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        segmentor = dict(segmentor)
        own_preprocessor = segmentor.pop('data_preprocessor', None)
        super().__init__(for_branches(merged(own_preprocessor, data_preprocessor)), init_cfg)
        unknown = sorted(set(branch_weights or {}) - set(BRANCHES))
        if unknown:
            raise ValueError(f'branch_weights has {unknown}; known branches are {list(BRANCHES)}.')
        given = {**{name: branch.weight for name, branch in BRANCHES.items()}, **(branch_weights or {})}
        self.branch_weights = {name: LossTerm.from_config(f'branch_weights.{name}', weight)
                               for name, weight in given.items()}
        # first, so that the same seed gives the same initial weights with and without terms
        self.segmentor = MODELS.build(segmentor)
        try:
            self.terms = build_terms(terms, heads_of(self.segmentor))
        except MissingHeadError as error:
            raise ValueError(f'{error} {auxiliary_head_advice(self.segmentor)}') from error
        self._prepare_terms()
        self.joint_forward = joint_forward
        self.memory_format = fastest_memory_format(self) if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        keep_names_in_parallel(self)

    def init_weights(self) -> None:
        """Initialise the weights, for example with pretrained ones."""
        super().init_weights()
        self._prepare_terms()

    def _prepare_terms(self) -> None:
        for term in self.terms:
            term.prepare(unwrap(self.segmentor))

    @property
    def predictor(self) -> nn.Module:
        """The network that is used for validation, labelling and export."""
        return unwrap(self.segmentor)

    @classmethod
    def predictor_prefix(cls, cfg: dict) -> str:
        """Prefix of the weights of `predictor` in a checkpoint of the model with this config."""
        return SEGMENTOR_PREFIX

    @classmethod
    def predictor_config(cls, cfg: dict) -> dict:
        """Config of `predictor` in the model with this config."""
        return cfg['segmentor']

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """Compute the losses of a batch of branches, or predictions for images.

        Args:
            inputs (Tensor, optional): (N, 3, H, W) preprocessed images of an ordinary batch.
            data_samples (list[SegDataSample], optional): Their meta information, and labels for a loss.
            mode (str): 'loss', 'predict' (list of `SegDataSample`) or 'tensor' (the segmentor's logits).
            **branches: For 'loss': the branches of the batch, each with `inputs` and `data_samples`, as the
                preprocessor makes them of batches of `DomainPairDataset`.

        Returns:
            dict[str, Tensor]: Weighted losses with the names `<branch>.<head>.<loss>` and `<branch>.<loss of a term>`.
                In the other modes, the output of the segmentor.

        Raises:
            ValueError: if the branches cannot be trained on; see the message.
        """
        if mode == 'loss' and branches:
            return self.branch_losses(branches)
        network = self.segmentor if mode == 'loss' else self.predictor
        return network(inputs, data_samples, mode=mode)

    def branch_losses(self, branches: Dict[str, dict]) -> Dict[str, Tensor]:
        """Compute all weighted losses of a preprocessed batch."""
        context, losses = self.begin_step(branches)
        for group in self.groups(context.branches):  # including branches that were added to the batch
            losses.update(self.group_losses(group, context))
        return losses

    def begin_step(self, branches: Dict[str, dict]) -> Tuple[TermContext, Dict[str, Tensor]]:
        """Check and prepare a preprocessed batch. Returns the context of the step, and values to log."""
        if is_model_wrapper(self.segmentor):
            raise ValueError(f'{type(self).__name__} has one optimizer and trains with ordinary data parallelism. '
                             'Remove model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") from the config.')
        self.check(branches)
        context = self.new_context(branches)
        return context, self.prepare(context)

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that the method can train on a batch."""
        check_branches(branches, self.joint_forward)
        check_terms_have_branches([term for term in self.terms if not term.optional], branches)

    def prepare(self, context: TermContext) -> Dict[str, Tensor]:
        """Label, mix or add branches before they are forwarded. Returns values to log."""
        return {}

    def groups(self, branches: Dict[str, dict]) -> List[List[str]]:
        """Return the groups of branches that pass through the segmentor together; added branches are last."""
        order = sorted(branches, key=lambda name: list(BRANCHES).index(name) if name in BRANCHES else len(BRANCHES))
        return [order] if self.joint_forward else [[name] for name in order]

    def is_supervised(self, name: str, branches: Dict[str, dict]) -> bool:
        """Whether the heads have their own losses on a branch: if it has labels."""
        return is_labeled(branches[name])

    def learns_from(self, group: Sequence[str], branches: Dict[str, dict]) -> bool:
        """Whether any of these branches has a loss, supervised or from a term, or is needed by a term."""
        used = {name for term in self.terms for name in (term.branch, *term.needs)}
        return any(self.is_supervised(name, branches) or name in used for name in group)

    def new_context(self, branches: Dict[str, dict], upsample: bool = True) -> TermContext:
        """Return the context of a step in which nothing was forwarded yet."""
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        return TermContext(
            dict(branches), self.heads, iteration, self.forward_images, self.forward_view, self.teacher, upsample,
            preprocessor=self.data_preprocessor)

    @property
    def heads(self) -> Dict[str, nn.Module]:
        """The segmentor's heads, by the prefixes of their losses; the main head first."""
        return heads_of(unwrap(self.segmentor))

    def forward_images(self, images: Tensor) -> Outputs:
        """Compute the logits of each head, and features, for preprocessed images (N, 3, H, W)."""
        return outputs_of(self.segmentor, images.contiguous(memory_format=self.memory_format))

    def _forward_noisy(self, images: Tensor, noise: FeatureNoise) -> Outputs:
        return outputs_of(self.segmentor, images.contiguous(memory_format=self.memory_format), noise)

    def forward_view(self, images: Tensor) -> Outputs:
        """Compute the same for a further view of images, which does not count in the running statistics."""
        norms = [norm for norm in norm_layers(self.segmentor) if norm.training]
        with normalising_by_batch(norms):
            return self.forward_images(images)

    def forward_group(self, group: Sequence[str], context: TermContext) -> None:
        """Pass branches through the network of a context in one batch, and store the outputs."""
        images = {name: context.images(name) for name in group}
        noise = noise_of_batch({name: len(batch) for name, batch in images.items()}, context.feature_noise)
        context.add(split_forward(partial(self._forward_noisy, noise=noise) if noise else context.forward, images))

    def losses_of(self, names: Sequence[str], context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted losses of branches that were forwarded: supervised losses (with labels) and terms."""
        replaced = {term.branch for term in self.terms if term.replaces_supervised}
        labeled = {name: context.branches[name] for name in names
                   if name not in replaced and self.is_supervised(name, context.branches)}
        losses = segmentation_losses(context.heads, labeled, context.outputs, context.pixel_weights)
        losses = self._weighted(losses, context.iteration)  # terms have their own weights
        for name in names:
            losses.update(self.term_losses(name, context))
        return losses

    def term_losses(self, branch: str, context: TermContext) -> Dict[str, Tensor]:
        """Compute the weighted losses of all terms on a branch, with the names `<branch>.<loss>`."""
        losses: Dict[str, Tensor] = {}
        for term in self.terms:
            if term.branch == branch:
                of_term = add_prefix(term(context), branch)
                if set(of_term) & set(losses):
                    raise ValueError(f'several terms have the losses {sorted(set(of_term) & set(losses))}. Use another '
                                     f'name for each term on the branch {branch}.')
                losses.update(of_term)
        return losses

    def uses_outputs(self, name: str, context: TermContext) -> bool:
        """Whether the losses of a branch need outputs of the heads: they are not what `segmentor.loss` computes."""
        return any(name in entries for entries in (context.pixel_weights, context.soft_labels, context.feature_noise))

    def updates_statistics(self, name: str) -> bool:
        """Whether a branch passes through the segmentor even if no loss uses its outputs, for batch norm."""
        return True

    def group_losses(self, group: List[str], context: TermContext) -> Dict[str, Tensor]:
        """Compute the losses of branches that pass through the segmentor together."""
        labeled = [name for name in group if self.is_supervised(name, context.branches)]
        terms = [term for term in self.terms if term.branch in group]
        needed = any(name in term.needs for term in self.terms for name in group)
        if not (labeled or needed or any(not term.forwards_itself for term in terms)):
            passing = [name for name in group if self.updates_statistics(name)]
            if passing:
                with torch.no_grad():  # without a loss, the images only update the statistics of batch norm
                    self.forward_group(passing, context)
            return self.losses_of(group, context)  # of terms that forward other images
        alone = len(group) == 1 and not terms and not needed and not self.uses_outputs(group[0], context)
        if alone and not has_plain_heads(self.segmentor):  # it may have its own loss (`RectifiedEncoderDecoder`)
            name, = group
            images = context.images(name).contiguous(memory_format=self.memory_format)
            losses = add_prefix(self.segmentor.loss(images, context.branches[name]['data_samples']), name)
            return self._weighted(losses, context.iteration)
        replaced = {term.branch for term in terms if term.replaces_supervised}
        self._check_plain_loss([name for name in labeled if name not in replaced])
        self.forward_group(group, context)
        losses = self.losses_of(group, context)
        if alone:  # no term needs the outputs
            context.forget(group)
        return losses

    def _check_plain_loss(self, labeled: Sequence[str]) -> None:
        """Check that the segmentor does not have its own loss, which the losses of its heads would replace."""
        if labeled and not has_loss_of_heads(self.segmentor):
            raise ValueError(f'{type(self.segmentor).__name__} has its own loss, but joint_forward, and terms or pixel '
                             f'weights on the labelled branches {list(labeled)}, need the losses of its heads. Use '
                             'EncoderDecoder or MultiLevelEncoderDecoder.')

    def _weighted(self, losses: Dict[str, Tensor], iteration: int) -> Dict[str, Tensor]:
        """Multiply losses `<branch>....` by the weights of their branches; other values, such as accuracies, stay."""
        weights = {name: weight.at(iteration)[0] for name, weight in self.branch_weights.items()}
        return {key: value * weights.get(key.split('.')[0], 1.0) if 'loss' in key else value
                for key, value in losses.items()}

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, local_metadata: dict, strict: bool,
                              missing_keys: List[str], unexpected_keys: List[str], error_msgs: List[str]) -> None:
        """Also accept the weights of a plain segmentor, and those of other methods without their other children."""
        strip_wrappers(self, state_dict, prefix)  # the hook that does it is called too late for what follows
        take_segmentor_weights(state_dict, prefix)
        # before the rest: a teacher without weights starts with those of the segmentor
        self.load_outside_children(state_dict, prefix, missing_keys, unexpected_keys)
        drop_other_children(state_dict, prefix, [*self._modules, *self._parameters, *self._buffers])
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                                      error_msgs)

    def load_outside_children(self, state_dict: Dict[str, Tensor], prefix: str, missing_keys: List[str],
                              unexpected_keys: List[str]) -> None:
        """Load weights that the method stores outside its children, and remove them from the state dict."""
