"""One discriminator for each level of the segmentor."""
from typing import List, Optional, Sequence, Union

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class MultiLevelDiscriminator(BaseModule):
    """One discriminator for each level, all of the same kind, without shared weights.

    Args:
        in_channels (int): Channels of the maps: the number of classes.
        num_levels (int): Number of levels, main and auxiliary. Defaults to 2.
        discriminator (dict, optional): Config of a discriminator, without `in_channels`. Defaults to
            `dict(type='FCDiscriminator')`.
        init_cfg (dict, optional): MMEngine's initialisation. Defaults to None.

    Source: Tsai et al., "Learning to Adapt Structured Output Space", CVPR 2018, section 4.2.
    """

    def __init__(self,
                 in_channels: int,
                 num_levels: int = 2,
                 discriminator: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        one = discriminator or dict(type='FCDiscriminator')
        self.levels = nn.ModuleList(MODELS.build({**one, 'in_channels': in_channels}) for _ in range(num_levels))

    def forward(self, maps: Sequence[Tensor]) -> List[Union[Tensor, List[Tensor]]]:
        """Compute the scores of the maps of every level.

        Args:
            maps (Sequence[Tensor]): For each level (N, in_channels, H_i, W_i), main first.

        Returns:
            list: For each level the output of its discriminator: scores, or a list of scores for each scale.

        Raises:
            ValueError: if the number of maps is not the number of levels.
        """
        if len(maps) != len(self.levels):
            raise ValueError(f'{len(maps)} maps for {len(self.levels)} discriminators. Set num_levels='
                             f'{len(maps)}, the number of levels of the segmentor.')
        return [discriminator(level) for discriminator, level in zip(self.levels, maps)]
