"""A segmentor that trains on batches with several branches: the base of every method."""
from typing import Any, Dict, List, Optional, Sequence, Union

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, is_model_wrapper
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, add_prefix
from torch import Tensor, nn

from ...datasets.branches import BRANCHES
from ...utils.processes import keep_names_in_parallel, unwrap
from ..data_preprocessor import for_branches
from ..predictor import SEGMENTOR_PREFIX
from ..teachers import EMATeacher
from ..terms import LossTerm, Outputs, Term, TermContext, build_terms
from ..terms.loss_term import Weight
from .branches import heads_of, segmentation_losses, split_forward
from .checks import check_branches, check_terms_have_branches, is_labeled
from .state_dicts import drop_other_children, take_segmentor_weights


@MODELS.register_module()
class BranchSegmentor(BaseModel):
    """A segmentor, trained by its own losses on every labelled branch, and by loss terms on any branch.

    A step is one forward, one loss and one optimizer, as MMEngine has it by default: gradient accumulation, AMP and
    `MMDistributedDataParallel` are the stock ones. A branch without labels and without a term passes through batch
    norm only. Batches are those of `DomainPairDataset`. Methods derive from this class: `AdversarialSegmentor` with
    several optimizers, `StudentTeacherSegmentor` with labels by a teacher.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder` with any number of auxiliary heads.
        data_preprocessor (dict, optional): Defaults to the segmentor's own, made to take several branches.
        terms (Sequence[dict | Term]): Loss terms, each a config such as `dict(type='EntropyTerm', weight=0.001,
            begin=0, ramp=0, branch='target')`. A term on a branch with labels works on the heads' logits, so that the
            segmentor must not have its own `loss` then. Defaults to none.
        branch_weights (dict, optional): Weights of the supervised losses by branch: a number, or `dict(weight, begin,
            ramp)`. Those that are not given are 1.
        joint_forward (bool): Whether all branches go through the segmentor in one batch, normalised with common batch
            statistics (faster). Defaults to False: one after the other in the order of `BRANCHES`, each normalised
            with its own, the target's last, so that the running statistics end nearer to the target's.
        channels_last (bool): Memory layout of networks and images; the arithmetic is the same. Defaults to True.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for unknown branches, negative weights, or terms that do not fit the segmentor.
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
        super().__init__(for_branches(data_preprocessor or own_preprocessor), init_cfg)
        unknown = sorted(set(branch_weights or {}) - set(BRANCHES))
        if unknown:
            raise ValueError(f'branch_weights has {unknown}; known branches are {list(BRANCHES)}.')
        given = {**{name: branch.weight for name, branch in BRANCHES.items()}, **(branch_weights or {})}
        self.branch_weights = {name: LossTerm.from_config(f'branch_weights.{name}', weight)
                               for name, weight in given.items()}
        # first, so that the same seed gives the same initial weights with and without terms
        self.segmentor = MODELS.build(segmentor)
        self.terms = build_terms(terms, heads_of(self.segmentor))
        self.joint_forward = joint_forward
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        keep_names_in_parallel(self)

    @property
    def predictor(self) -> nn.Module:
        """The network that predicts: in validation, when labels are made, and as what is exported."""
        return unwrap(self.segmentor)

    @classmethod
    def predictor_prefix(cls, cfg: dict) -> str:
        """Prefix of the weights of `predictor` in a checkpoint of the model with this config."""
        return SEGMENTOR_PREFIX

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """Losses of a batch of branches, or predictions for images.

        Args:
            inputs (Tensor, optional): (N, 3, H, W) preprocessed images of an ordinary batch.
            data_samples (list[SegDataSample], optional): Their meta information, and labels for a loss.
            mode (str): 'loss', 'predict' (list of `SegDataSample`) or 'tensor' (the segmentor's logits).
            **branches: For 'loss': the branches of the batch, each with `inputs` and `data_samples`, as the
                preprocessor makes them of batches of `DomainPairDataset`.

        Returns:
            dict[str, Tensor]: Losses as `<branch>.<head>.<loss>` and `<branch>.<loss of a term>`, weighted. In other
                modes the output of the segmentor.

        Raises:
            ValueError: for branches that do not fit; see the message.
        """
        if mode == 'loss' and branches:
            return self.branch_losses(branches)
        network = self.segmentor if mode == 'loss' else self.predictor
        return network(inputs, data_samples, mode=mode)

    def branch_losses(self, branches: Dict[str, dict]) -> Dict[str, Tensor]:
        """All losses of a preprocessed batch, weighted."""
        if is_model_wrapper(self.segmentor):
            raise ValueError(f'{type(self).__name__} has one optimizer and trains in ordinary data parallel. Take '
                             'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") out of the config.')
        self.check(branches)
        context = self.new_context(branches)
        losses = self.prepare(context)
        for group in self.groups(context.branches):  # with what was added to the batch
            losses.update(self._group_losses(group, context))
        return losses

    def check(self, branches: Dict[str, dict]) -> None:
        """Refuse batches that the method cannot train on."""
        check_branches(branches, self.joint_forward)
        # a term that replaces the supervised loss has nothing to replace where the branch is missing
        check_terms_have_branches([term for term in self.terms if not term.replaces_supervised], branches)

    def prepare(self, context: TermContext) -> Dict[str, Tensor]:
        """Change a step's branches before they are forwarded: label, mix or add some. Returns values to log."""
        return {}

    def groups(self, branches: Dict[str, dict]) -> List[List[str]]:
        """Names of the branches that go through the segmentor together, group by group; added branches come last."""
        order = sorted(branches, key=lambda name: list(BRANCHES).index(name) if name in BRANCHES else len(BRANCHES))
        return [order] if self.joint_forward else [[name] for name in order]

    def learns_from(self, group: Sequence[str], branches: Dict[str, dict]) -> bool:
        """Whether any of these branches has a loss, supervised or by a term, or is needed by one."""
        used = {name for term in self.terms for name in (term.branch, *term.needs)}
        return any(is_labeled(branches[name]) or name in used for name in group)

    def new_context(self, branches: Dict[str, dict], upsample: bool = True) -> TermContext:
        """A step in which nothing was forwarded yet."""
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        return TermContext(dict(branches), self.heads, iteration, self.forward_images, self.teacher, upsample)

    @property
    def heads(self) -> Dict[str, nn.Module]:
        """The segmentor's heads, by the names that prefix their losses; the main one first."""
        return heads_of(unwrap(self.segmentor))

    def forward_images(self, images: Tensor) -> Outputs:
        """Logits of each head, and features, for preprocessed images (N, 3, H, W)."""
        features = self.segmentor.extract_feat(images.contiguous(memory_format=self.memory_format))
        logits = [head(features) for head in self.heads.values()]
        stages = [features] if isinstance(features, Tensor) else list(features)
        return Outputs(logits, stages if all(isinstance(stage, Tensor) for stage in stages) else None)

    def forward_group(self, group: Sequence[str], context: TermContext) -> None:
        """Let branches go through the segmentor in one batch, and note the outputs."""
        context.add(split_forward(self.forward_images, {name: context.images(name) for name in group}))

    def losses_of(self, names: Sequence[str], context: TermContext) -> Dict[str, Tensor]:
        """Weighted losses of branches that were forwarded: supervised where there are labels, then the terms."""
        replaced = {term.branch for term in self.terms if term.replaces_supervised}
        labeled = {name: context.branches[name] for name in names
                   if name not in replaced and is_labeled(context.branches[name])}
        losses = segmentation_losses(context.heads, labeled, context.logits, context.pixel_weights)
        losses = self._weighted(losses, context.iteration)  # terms have their own weights
        for name in names:
            losses.update(self.term_losses(name, context))
        return losses

    def term_losses(self, branch: str, context: TermContext) -> Dict[str, Tensor]:
        """Weighted losses of all terms on a branch, as `<branch>.<loss>`."""
        losses: Dict[str, Tensor] = {}
        for term in self.terms:
            if term.branch == branch:
                of_term = add_prefix(term(context), branch)
                if set(of_term) & set(losses):
                    raise ValueError(f'several terms give {sorted(set(of_term) & set(losses))}. Give each term on the '
                                     f'branch {branch} another name.')
                losses.update(of_term)
        return losses

    def _group_losses(self, group: List[str], context: TermContext) -> Dict[str, Tensor]:
        """Losses of branches that go through the segmentor together."""
        labeled = [name for name in group if is_labeled(context.branches[name])]
        terms = [term for term in self.terms if term.branch in group]
        needed = any(name in term.needs for term in self.terms for name in group)
        if not self.learns_from(group, context.branches):
            # without a loss, the images only update the statistics of batch norm
            with torch.no_grad():
                self.forward_group(group, context)
            return {}
        weighted = [name for name in group if name in context.pixel_weights]
        if len(group) == 1 and not terms and not weighted and not needed:
            # through the segmentor, which may have another loss than its heads (`RectifiedEncoderDecoder`)
            name, = group
            images = context.images(name).contiguous(memory_format=self.memory_format)
            losses = add_prefix(self.segmentor.loss(images, context.branches[name]['data_samples']), name)
            return self._weighted(losses, context.iteration)
        if weighted or needed or (labeled and not all(term.replaces_supervised for term in terms)):
            self._check_plain_loss(labeled)
        self.forward_group(group, context)
        return self.losses_of(group, context)

    def _check_plain_loss(self, labeled: Sequence[str]) -> None:
        """Refuse to replace a segmentor's own loss by those of its heads."""
        if type(self.segmentor).loss is not EncoderDecoder.loss and not self.joint_forward:
            raise ValueError(f'{type(self.segmentor).__name__} has its own loss, but terms or pixel weights on the '
                             f'labelled branches {list(labeled)} need the losses of its heads. Use EncoderDecoder or '
                             'MultiLevelEncoderDecoder.')

    def _weighted(self, losses: Dict[str, Tensor], iteration: int) -> Dict[str, Tensor]:
        """Multiply losses `<branch>....` by the weights of their branches; the rest, such as accuracies, stays."""
        weights = {name: weight.at(iteration)[0] for name, weight in self.branch_weights.items()}
        return {
            key: value * weights.get(key.split('.')[0], 1.0) if 'loss' in key else value
            for key, value in losses.items()
        }

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, local_metadata: dict, strict: bool,
                              missing_keys: List[str], unexpected_keys: List[str], error_msgs: List[str]) -> None:
        """Take weights of a segmentor alone, and of other methods without their further children."""
        take_segmentor_weights(state_dict, prefix)
        # before the rest: a teacher without weights begins with those of the segmentor
        self.load_outside_children(state_dict, prefix, missing_keys, unexpected_keys)
        drop_other_children(state_dict, prefix, [*self._modules, *self._parameters, *self._buffers])
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                                      error_msgs)

    def load_outside_children(self, state_dict: Dict[str, Tensor], prefix: str, missing_keys: List[str],
                              unexpected_keys: List[str]) -> None:
        """Load what the method keeps outside of its children, and take it out of the state dict."""
