"""Training on pseudo-labels with less weight where the heads disagree."""
from typing import Any, Dict, Optional

import torch
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

from ..losses import rectified_cross_entropy
from ..softmax_heads import check_softmax_heads
from .multi_level import MultiLevelEncoderDecoder


@MODELS.register_module()
class RectifiedEncoderDecoder(MultiLevelEncoderDecoder):
    """A `MultiLevelEncoderDecoder` that is trained with `rectified_cross_entropy`: stage 2 of Seg-Uncertainty.

    Its training data are target images with pseudo-labels as labels. The loss of each head is weighted with its
    `loss_decode.loss_weight`; other settings of `loss_decode` are not used. `predict` is unchanged.

    Raises:
        ValueError: as for `MultiLevelEncoderDecoder`, or if a head has one output channel.

    Source: Zheng and Yang, "Rectifying Pseudo Label Learning via Uncertainty Estimation", IJCV 2021, section 3.3.
    """

    def __init__(self, backbone: dict, decode_head: dict, auxiliary_head: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(backbone, decode_head, auxiliary_head, **kwargs)
        check_softmax_heads(dict(decode_head=self.decode_head, auxiliary_head=self.auxiliary_head), type(self).__name__)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Compute the rectified losses of both heads.

        Args:
            inputs (Tensor): (N, 3, H, W), preprocessed images.
            data_samples (list[SegDataSample]): With `gt_sem_seg`, the pseudo-labels; 255 is ignored.

        Returns:
            dict[str, Tensor]: `decode.loss_rect` and `aux.loss_rect`.
        """
        label = torch.stack([sample.gt_sem_seg.data for sample in data_samples]).squeeze(1)
        heads = [self.decode_head, self.auxiliary_head]
        main, aux = (
            resize(logits, size=label.shape[1:], mode='bilinear', align_corners=head.align_corners,
                   warning=False)
            for head, logits in zip(heads, self._forward(inputs)))
        ignore = self.decode_head.ignore_index
        return {
            'decode.loss_rect': heads[0].loss_decode.loss_weight * rectified_cross_entropy(main, aux, label, ignore),
            'aux.loss_rect': heads[1].loss_decode.loss_weight * rectified_cross_entropy(aux, main, label, ignore)
        }
