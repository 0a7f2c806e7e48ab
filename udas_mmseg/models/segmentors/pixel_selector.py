"""Two classifiers on a shared backbone that disagree about uncertain pixels: the pixel selector of LabOR."""
from functools import partial
from typing import Any, Dict, Optional, Sequence

import torch
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList
from torch import Tensor, nn

from ...utils.processes import unwrap
from ..losses import classifier_discrepancy
from ..outputs import Outputs
from ..predictor import MEAN_PREFIX, SECOND_HEAD_PREFIX, SEGMENTOR_PREFIX
from ..terms import LossTerm, Term, TermContext, build_terms
from ..terms.loss_term import Weight
from .branch_segmentor import BranchSegmentor
from .branches import inside_images, split_forward, stages_of
from .checks import check_choice, check_has_branches, check_networks_differ
from .classifier_mean import ClassifierMean, SecondClassifier, with_both_heads, with_head
from .multi_level import MultiLevelEncoderDecoder

_PREFIXES = dict(first=SEGMENTOR_PREFIX, second=SECOND_HEAD_PREFIX, mean=MEAN_PREFIX)  # of each `predict_with`
CLASSIFIERS, ALL = 'classifiers', 'all'  # what maximises the discrepancy
_UNLABELED = 'target'


class NegativeDiscrepancy(Term):
    """The negative discrepancy of the first and the last head, averaged over the pixels that are not padding."""
    name = 'loss_discrepancy'
    needs_softmax = True

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the loss, and the discrepancy for the log."""
        first, *_, last = context.resized(self.branch)
        inside = inside_images(context.branches[self.branch], context.images(self.branch))
        discrepancy = classifier_discrepancy(first, last, inside)
        return {self.name: -discrepancy, 'discrepancy': discrepancy.detach()}


@MODELS.register_module()
class PixelSelector(BranchSegmentor):
    """A segmentor with a second main head. Both heads learn the same labels, and differ as much as possible elsewhere.

    L = sum over labelled branches of [CE(p_1, y) + CE(p_2, y)] - w d(p_1, p_2), with the discrepancy d, the mean
    absolute difference of the probabilities, on `target` images. Pixels for which both heads then predict different
    classes are uncertain, and LabOR lets a person label these. `udas_mmseg.pseudo_labels.predict.predict_heads` gives
    both maps of probabilities.

    A batch has `target` and at least one labelled branch: `pseudo_labeled` (LabOR), and perhaps `source` and
    `labeled_target`. The losses of auxiliary heads are added as usual.

    Gradients: those of the labels reach all weights. With `discrepancy_updates='classifiers'`, that of the discrepancy
    only reaches both main heads; backbone and neck are forwarded on `target` without a gradient, as in step B of
    maximum classifier discrepancy (MCD), where the classifiers maximise the discrepancy for fixed features. With 'all',
    it also reaches backbone and neck. LabOR maximises the discrepancy as MCD does; which weights get its gradient is
    not known to us. The default is 'classifiers', because a backbone that maximises it, too, can make any pixel
    uncertain. MCD's step C, in which the backbone minimises the discrepancy, is left out.

    The branches are forwarded one after the other, `target` last, and each is normalised with its own batch statistics.
    In checkpoints, the second head is `second.decode_head`, and the rest is `segmentor`, as in other methods. A
    checkpoint of another method gives its weights to `segmentor`, and the second head keeps its own initial weights.

    Args:
        segmentor (dict): Config of an MMSegmentation `EncoderDecoder`, whose `decode_head` is built twice. The heads
            must have random initial weights.
        data_preprocessor (dict, optional): Defaults to that of the segmentor, extended to several branches.
        discrepancy_weight (float | dict): w, or `dict(weight, begin, ramp)`. Before `begin`, target images only update
            the statistics of batch norm. Defaults to 1.
        discrepancy_updates (str): 'classifiers' or 'all', see above. Defaults to 'classifiers'.
        predict_with (str): 'first', 'second' or 'mean' (of the probabilities of both): the classifier for validation,
            labelling and export. Both maps of probabilities are only available with 'mean', which cannot be exported to
            plain MMSegmentation. The same checkpoint works with each of them. Defaults to 'mean'.
        branch_weights (dict, optional): See `BranchSegmentor`; weights of the losses on labels.
        channels_last (bool): See `BranchSegmentor`.
        init_cfg (dict, optional): MMEngine's initialisation.

    Raises:
        ValueError: for a value outside its range, or a segmentor that computes losses or predictions in another way
            than `EncoderDecoder`; in training, if both heads have the same weights, or the batch has no `target` or no
            labels.

    Source: Shin et al., "LabOR: Labeling Only if Required for Domain Adaptive Semantic Segmentation", ICCV 2021
    (losses 5 and 6); Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018,
    sections 3.2 and 3.3.
    """

    def __init__(self,
                 segmentor: dict,
                 data_preprocessor: Optional[dict] = None,
                 discrepancy_weight: Weight = 1.0,
                 discrepancy_updates: str = CLASSIFIERS,
                 predict_with: str = 'mean',
                 branch_weights: Optional[Dict[str, Weight]] = None,
                 channels_last: bool = True,
                 init_cfg: Optional[dict] = None) -> None:
        check_choice('predict_with', predict_with, _PREFIXES)
        check_choice('discrepancy_updates', discrepancy_updates, (CLASSIFIERS, ALL))
        schedule = LossTerm.from_config('discrepancy_weight', discrepancy_weight)
        super().__init__(segmentor, data_preprocessor, (), branch_weights, False, channels_last, init_cfg)
        _check_segmentor(self.segmentor)
        self.second = SecondClassifier(segmentor['decode_head'])
        self.second.to(memory_format=self.memory_format)
        term = NegativeDiscrepancy(schedule.weight, schedule.begin, schedule.ramp, _UNLABELED)
        self.terms = build_terms([term], self.heads)
        self.discrepancy_updates = discrepancy_updates
        self.predict_with = predict_with
        self._differ = False  # whether this is known of the classifiers

    @property
    def heads(self) -> Dict[str, nn.Module]:
        """The segmentor's heads, by the prefixes of their losses, and the second main head at the end."""
        return {**super().heads, 'second': unwrap(self.second).decode_head}

    @property
    def networks(self) -> Dict[str, nn.Module]:
        """The segmentor with both main heads joined, whose statistics of batch norm can be replaced."""
        return dict(both=with_both_heads(unwrap(self.segmentor), unwrap(self.second)))

    @property
    def predictor(self) -> nn.Module:
        """The segmentor with the first or with the second head, or the mean of both."""
        segmentor, second = unwrap(self.segmentor), unwrap(self.second)
        if self.predict_with == 'mean':
            return ClassifierMean([segmentor, second])
        return segmentor if self.predict_with == 'first' else with_head(segmentor, second.decode_head)

    @classmethod
    def predictor_prefix(cls, cfg: dict) -> str:
        """Prefix of the weights of `predictor` in a checkpoint of the model with this config."""
        return _PREFIXES[cfg.get('predict_with', 'mean')]

    @classmethod
    def predictor_config(cls, cfg: dict) -> dict:
        """Config of `predictor` in the model with this config."""
        segmentor = cfg['segmentor']
        if cfg.get('predict_with', 'mean') != 'mean':
            return segmentor
        return dict(type='ClassifierMean', network=segmentor, data_preprocessor=segmentor.get('data_preprocessor'))

    def forward(self,
                inputs: Optional[Tensor] = None,
                data_samples: OptSampleList = None,
                mode: str = 'tensor',
                **branches: Any) -> Any:
        """See `BranchSegmentor`; the losses need a batch of branches."""
        check_has_branches(self, mode, branches, 'pseudo_labeled=..., target=...')
        return super().forward(inputs, data_samples, mode, **branches)

    def check(self, branches: Dict[str, dict]) -> None:
        """Check that the heads differ, and that the batch has labels and unlabelled target images."""
        if not self._differ:
            first, *_, last = self.heads.values()
            check_networks_differ(first, last, 'classifiers',
                                  'their discrepancy is 0 and has no gradient, so they would stay equal')
            self._differ = True
        has_labels = any(self.is_supervised(name, branches) for name in branches if name != _UNLABELED)
        if _UNLABELED not in branches or not has_labels:
            raise ValueError('PixelSelector maximises the discrepancy of its classifiers on `target` images, and '
                             'trains both on the labels of other branches, but the batch has '
                             f'{sorted(branches)}. Train on dict(type="DomainPairDataset", pseudo_labeled=..., '
                             'target=...).')
        super().check(branches)

    def uses_outputs(self, name: str, context: TermContext) -> bool:
        """Whether the losses of a branch need outputs of the heads: always, as the segmentor's do not have all."""
        return True

    def forward_images(self, images: Tensor, fixed_features: bool = False) -> Outputs:
        """Compute the logits of each head, and features, for preprocessed images (N, 3, H, W).

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.
            fixed_features (bool): Whether gradients end at the heads. Defaults to False.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not fixed_features):
            features = self.segmentor.extract_feat(images.contiguous(memory_format=self.memory_format))
        return Outputs([head(features) for head in self.heads.values()], stages_of(features))

    def forward_group(self, group: Sequence[str], context: TermContext) -> None:
        """Pass branches through the network in one batch, and store the outputs; see the class for gradients."""
        is_labeled = any(self.is_supervised(name, context.branches) for name in group)
        forward = partial(self.forward_images,
                          fixed_features=self.discrepancy_updates == CLASSIFIERS and not is_labeled)
        context.add(split_forward(forward, {name: context.images(name) for name in group}))


def _check_segmentor(segmentor: nn.Module) -> None:
    """Check that a second main head can be added to a segmentor."""
    kind = type(segmentor)
    known = (EncoderDecoder.encode_decode, MultiLevelEncoderDecoder.encode_decode)
    if kind.loss is not EncoderDecoder.loss or kind.encode_decode not in known:
        raise ValueError(f'PixelSelector adds a second decode_head to a segmentor, but {kind.__name__} has its own '
                         'way of computing losses or predictions. Use EncoderDecoder or MultiLevelEncoderDecoder.')
    if (segmentor.test_cfg or {}).get('aux_weight', 0):
        raise ValueError(f'test_cfg.aux_weight={segmentor.test_cfg["aux_weight"]}: PixelSelector predicts with its '
                         'main heads alone. Remove aux_weight.')
