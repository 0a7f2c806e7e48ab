"""Distance between the features of the segmentor and those of its pretrained backbone, on chosen classes."""
import copy
from typing import Any, Dict, List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..losses.precision import at_least_float32
from .context import TermContext
from .term import Term


def cells_of_classes(label: Tensor, size: Sequence[int], classes: Sequence[int], min_share: float) -> Tensor:
    """Find the cells of a feature map that are filled by one of some classes.

    Args:
        label (Tensor): (N, H, W) int64 in {0..C-1, 255}.
        size (Sequence[int]): (h, w), the height and width of the feature map.
        classes (Sequence[int]): The classes.
        min_share (float): Smallest share of a cell's pixels that the class must have, above 0.5.

    Returns:
        Tensor: (N, h, w) bool.
    """
    one_hot = torch.stack([label == number for number in classes], dim=1)
    shares = F.adaptive_avg_pool2d(one_hot.float(), tuple(size))
    return shares.amax(dim=1) >= min_share


@MODELS.register_module()
class FeatureDistanceTerm(Term):
    """Distance between the features of the segmentor and those of a frozen copy of its pretrained backbone.

    The distance is the L2 norm over the channels, averaged over the cells of the feature map in which one of the chosen
    classes fills at least `min_share`. It keeps what the backbone has learnt from ImageNet about things such as cars
    and trains, which the source alone would replace.

    The copy is made after the pretrained weights were loaded and before a checkpoint is, so that it is the same after
    resuming and with `load_from`. It is not in checkpoints, is always in eval mode and gets no gradients.

    Args:
        classes (Sequence[int]): Train ids of the chosen classes. DAFormer uses the things of Cityscapes,
            (6, 7, 11, 12, 13, 14, 15, 16, 17, 18).
        weight (float): Weight of the term. Defaults to 0.005.
        stage (int): Index of the feature map among the outputs of the backbone. Defaults to -1, the last one.
        min_share (float): In (0.5, 1]. Defaults to 0.75.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A labelled branch. Defaults to 'source'.

    Raises:
        ValueError: if an argument is outside its range, or if the segmentor has a neck or a backbone without pretrained
            weights: distances to random features would be useless.

    Source: Hoyer et al., "DAFormer", CVPR 2022, section 3.3.
    """
    name = 'loss_feature_distance'

    def __init__(self,
                 classes: Sequence[int],
                 weight: float = 0.005,
                 stage: int = -1,
                 min_share: float = 0.75,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'source') -> None:
        super().__init__(weight, begin, ramp, branch)
        if not classes or any(not 0 <= number < 255 for number in classes):
            raise ValueError(f'FeatureDistanceTerm: classes={tuple(classes)}: give at least one train id, 0 to 254.')
        if not 0.5 < min_share <= 1:
            raise ValueError(f'FeatureDistanceTerm: min_share={min_share}: it must be above 0.5, so that a cell has '
                             'one class, and at most 1.')
        self.classes = tuple(classes)
        self.stage = stage
        self.min_share = min_share
        # in a list, so that it is not a child: neither the optimizer nor train() nor checkpoints have it
        self._frozen: List[nn.Module] = []

    def check(self, heads: Dict[str, nn.Module]) -> None:
        """Check that the heads know the classes."""
        super().check(heads)
        wrong = [number for number in self.classes if number >= heads['decode'].num_classes]
        if wrong:
            raise ValueError(f'FeatureDistanceTerm: classes has {wrong}, but the head has '
                             f'{heads["decode"].num_classes} classes. Allowed are 0 to '
                             f'{heads["decode"].num_classes - 1}.')

    def prepare(self, segmentor: nn.Module) -> None:
        """Copy the backbone, whose weights were just loaded."""
        if not _is_pretrained(segmentor.backbone):
            raise ValueError('FeatureDistanceTerm: the backbone has no pretrained weights, and distances to random '
                             'features would be useless. Set backbone=dict(..., init_cfg=dict(type="Pretrained", '
                             'checkpoint=FILE)), or remove the term. A student of self-training with init="scratch" '
                             'has no `init_cfg`: use init="imagenet" or init="teacher".')
        if getattr(segmentor, 'with_neck', False):
            raise ValueError('FeatureDistanceTerm: the segmentor has a neck, which has no pretrained weights to '
                             'compare with. Use a segmentor without neck, or remove the term.')
        frozen = copy.deepcopy(segmentor.backbone).requires_grad_(False)
        frozen.eval()  # backbones of MMSegmentation return nothing
        self._frozen = [frozen]

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the mean distance; 0 if no cell has one of the classes."""
        features = context.features[self.branch]
        if features is None:
            raise ValueError('FeatureDistanceTerm: this method does not give features to its terms. Use '
                             'OnlineSelfTrainingSegmentor, StudentTeacherSegmentor or BranchSegmentor.')
        with torch.no_grad():
            pretrained = self._frozen[0](context.feature_images(self.branch))[self.stage]
        ours = at_least_float32(features[self.stage])
        distances = (ours - at_least_float32(pretrained)).norm(dim=1)
        cells = cells_of_classes(context.label(self.branch), distances.shape[1:], self.classes, self.min_share)
        return {self.name: (distances * cells).sum() / cells.sum().clamp(min=1)}

    def _apply(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Move or convert the frozen copy together with the model."""
        for network in self._frozen:
            network._apply(fn)
        return super()._apply(fn, *args, **kwargs)


def _is_pretrained(backbone: nn.Module) -> bool:
    """Whether the initialisation of a backbone loads weights."""
    configs: Optional[Union[dict, Sequence[dict]]] = getattr(backbone, 'init_cfg', None)
    return any(cfg.get('type') == 'Pretrained' for cfg in ([configs] if isinstance(configs, dict) else configs or ()))
