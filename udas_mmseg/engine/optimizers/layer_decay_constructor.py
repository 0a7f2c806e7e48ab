"""Learning rates that decrease from the last to the first layer of a backbone."""
from typing import Any, Dict, List, Optional, Union

from mmengine.optim import DefaultOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from ...utils.processes import unwrap


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor, which also multiplies the rates of a backbone's layers by powers of a number below 1.

    With d = `layer_decay` and L blocks, the learning rate of block i, from 0, is multiplied by d^(L - i), that of
    embeddings and tokens by d^(L + 1), and that of the last norm by 1. The other settings of `paramwise_cfg`, such as
    `custom_keys` with `lr_mult` and `decay_mult`, are those of MMEngine and are multiplied with it.

    MMSegmentation's `LearningRateDecayOptimizerConstructor` has a fixed list of backbones and only works with a
    segmentor that is the whole model.

    Args:
        optim_wrapper_cfg (dict): Config of the optimizer wrapper.
        paramwise_cfg (dict): `layer_decay`, in (0, 1], and entries of MMEngine's constructor.

    Raises:
        ValueError: if `layer_decay` is missing or outside its range, or the backbone has no `layer_of`.

    Example:
        >>> optim_wrapper = dict(
        >>>     constructor='LayerDecayConstructor', optimizer=dict(type='AdamW', lr=5e-5),
        >>>     paramwise_cfg=dict(layer_decay=0.9, custom_keys=dict(backbone=dict(lr_mult=0.1))))

    Source: Bao et al., "BEiT", ICLR 2022, appendix; Clark et al., "ELECTRA", ICLR 2020.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: Optional[dict] = None) -> None:
        if 'lr' not in optim_wrapper_cfg.get('optimizer', {}):
            raise ValueError('LayerDecayConstructor: optim_wrapper.optimizer has no `lr`, which is multiplied for each '
                             'layer. Set it, for example optimizer=dict(type="AdamW", lr=5e-5).')
        # an entry, because MMEngine's constructor does not call `add_params` without any
        settings: Dict[str, Any] = dict(dict(bypass_duplicate=False), **(paramwise_cfg or {}))
        self.layer_decay: Any = settings.pop('layer_decay', None)
        if not isinstance(self.layer_decay, (int, float)) or not 0 < self.layer_decay <= 1:
            raise ValueError(f'LayerDecayConstructor: paramwise_cfg.layer_decay={self.layer_decay}: it must be above 0 '
                             'and at most 1, for example 0.9. Without layer-wise rates, leave out `constructor`.')
        super().__init__(optim_wrapper_cfg, settings)

    def add_params(self, params: List[dict], module: nn.Module, prefix: str = '',
                   is_dcn_module: Optional[Union[int, float]] = None) -> None:
        """Add a group for each parameter, and multiply the rates of those of the backbone."""
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix:  # a child, in the recursion
            return
        segmentor: Any = module
        while hasattr(segmentor, 'segmentor'):  # not `predictor_of`, which may be a teacher
            segmentor = unwrap(segmentor.segmentor)
        backbone: Any = getattr(segmentor, 'backbone', None)
        if not hasattr(backbone, 'layer_of'):
            raise ValueError(f'LayerDecayConstructor: the backbone {type(backbone).__name__} does not say which layer '
                             'a parameter belongs to (`layer_of`). Use TimmVisionTransformer, or leave out '
                             '`constructor`.')
        factors: Dict[int, float] = {
            id(parameter): self.layer_decay**(backbone.num_layers + 1 - backbone.layer_of(name))
            for name, parameter in backbone.named_parameters()
        }
        for group in params:
            factor = factors.get(id(group['params'][0]))
            if factor is not None:
                group['lr'] = group.get('lr', self.optimizer_cfg['lr']) * factor
