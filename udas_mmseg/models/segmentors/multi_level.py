"""A segmentor that returns the logits of every level."""
from typing import Any, List, Optional

from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList
from torch import Tensor, nn

from .auxiliary_head import auxiliary_head_advice

LEVELS = ('decode', 'aux')  # main and auxiliary head, as MMSegmentation prefixes their losses


@MODELS.register_module()
class MultiLevelEncoderDecoder(EncoderDecoder):
    """MMSegmentation's `EncoderDecoder` with exactly one auxiliary head, whose logits are available too.

    `loss` and `predict` are those of MMSegmentation: the losses of both heads are added, and the main head predicts.
    The weight of the auxiliary loss, lambda_seg, is the head's `loss_decode.loss_weight`. `mode='tensor'` returns the
    logits of every level, which adversarial training in output space needs.

    Args:
        backbone (dict): Backbone config.
        decode_head (dict): Main head; its `in_index` is usually the last stage.
        auxiliary_head (dict): One auxiliary head; its `in_index` is usually the stage before.
        **kwargs: Further arguments of `EncoderDecoder` (`data_preprocessor`, `neck`, `train_cfg`, `test_cfg`, ...).

    `test_cfg.aux_weight` (default 0) adds the logits of the auxiliary head to those of the main one with this weight
    when an image is predicted. MRNet labels images with 0.5.

    Raises:
        ValueError: if there is not exactly one auxiliary head, or the heads have different numbers of classes.

    Source: Tsai et al., "Learning to Adapt Structured Output Space", CVPR 2018, section 4.2 (multi-level); Zheng and
    Yang, "Unsupervised Scene Adaptation with Memory Regularization in vivo", IJCAI 2020 (both heads predict).
    """

    def __init__(self, backbone: dict, decode_head: dict, auxiliary_head: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(backbone, decode_head, auxiliary_head=auxiliary_head, **kwargs)
        if not self.with_auxiliary_head:
            raise ValueError(f'{type(self).__name__} needs exactly one auxiliary_head, and the segmentor has none. '
                             f'{auxiliary_head_advice(self)}')
        if isinstance(self.auxiliary_head, nn.ModuleList):
            raise ValueError(f'{type(self).__name__} needs exactly one auxiliary_head, a dict; the segmentor has '
                             f'{len(self.auxiliary_head)}. Keep the one whose logits are adapted.')
        if self.auxiliary_head.out_channels != self.out_channels:
            raise ValueError(f'decode_head has {self.out_channels} output channels, auxiliary_head has '
                             f'{self.auxiliary_head.out_channels}. Give both the same num_classes.')

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        """Compute the logits of the prediction, (N, C, H, W) at the size of the images; see the class."""
        weight = (self.test_cfg or {}).get('aux_weight', 0)
        if not weight:
            return super().encode_decode(inputs, batch_img_metas)
        features = self.extract_feat(inputs)
        main, auxiliary = (head.predict(features, batch_img_metas, self.test_cfg)
                           for head in (self.decode_head, self.auxiliary_head))
        return main + weight * auxiliary

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> List[Tensor]:
        """Compute the logits of every level.

        Args:
            inputs (Tensor): (N, 3, H, W), preprocessed images.
            data_samples (list[SegDataSample], optional): Not used.

        Returns:
            list[Tensor]: (N, C, H_i, W_i) logits, unnormalised, at each head's own resolution; the main head first.
        """
        features = self.extract_feat(inputs)
        return [self.decode_head(features), self.auxiliary_head(features)]
