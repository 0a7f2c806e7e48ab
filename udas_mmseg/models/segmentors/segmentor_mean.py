"""A segmentor that predicts the mean of two networks."""
import math
from typing import Any, Dict, List, Union

import torch
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn


@MODELS.register_module()
class SegmentorMean(BaseSegmentor):
    """Predicts the mean of the probabilities of two segmentors of the same config; it is not trained.

    `CrossPseudoSupervision` with `predict_with='mean'` validates, labels and predicts with it. Its logits are the
    logarithm of the mean probabilities, whose softmax therefore is this mean.

    Args:
        network (dict | Sequence[nn.Module]): Config of an MMSegmentation `EncoderDecoder`, which is built twice, or two
            segmentors.
        data_preprocessor (dict | nn.Module, optional): Defaults to none.
    """
    trained_by = 'CrossPseudoSupervision'

    def __init__(self, network: Any, data_preprocessor: Union[dict, nn.Module, None] = None) -> None:
        super().__init__(data_preprocessor)
        self.first, self.second = ([MODELS.build(network) for _ in range(2)] if isinstance(network, dict) else network)
        for name in ('align_corners', 'num_classes', 'out_channels'):
            setattr(self, name, getattr(self.first, name))

    @property
    def decode_head(self) -> nn.Module:
        """The main head of the first network."""
        return self.first.decode_head

    def extract_feat(self, inputs: Tensor) -> Any:
        """Compute the features of the first network."""
        return self.first.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_data_samples: SampleList) -> Tensor:
        """Compute the logits (N, C, H, W) of images (N, 3, H, W)."""
        return log_mean(*self._of_each('encode_decode', inputs, batch_data_samples))

    def inference(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        """Compute the logits (N, C, H, W) of images (N, 3, H, W), in windows if the segmentors predict in windows."""
        return log_mean(*self.inference_of_each(inputs, batch_img_metas))

    def inference_of_each(self, inputs: Tensor, batch_img_metas: List[dict]) -> List[Tensor]:
        """Compute the logits (N, C, H, W) of each of the two, of which `inference` gives the mean."""
        return self._of_each('inference', inputs, batch_img_metas)

    def _of_each(self, method: str, *args: Any) -> List[Any]:
        """Call a method of both networks."""
        return [getattr(one, method)(*args) for one in (self.first, self.second)]

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict images (N, 3, H, W), as `EncoderDecoder.predict` does."""
        if data_samples is None:
            whole = dict(ori_shape=inputs.shape[2:], img_shape=inputs.shape[2:], pad_shape=inputs.shape[2:],
                         padding_size=[0, 0, 0, 0])
            metas: List[dict] = [whole] * len(inputs)
        else:
            metas = [sample.metainfo for sample in data_samples]
        return self.postprocess_result(self.inference(inputs, metas), data_samples)

    def postprocess_result(self, seg_logits: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """See `BaseSegmentor`."""
        return self.first.postprocess_result(seg_logits, data_samples)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Union[Tensor, List[Tensor]]:
        first, second = self._of_each('_forward', inputs, data_samples)
        if isinstance(first, Tensor):
            return log_mean(first, second)
        return [log_mean(*levels) for levels in zip(first, second)]

    def loss(self, inputs: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Raise an error: the mean is not trained."""
        raise NotImplementedError(f'{type(self).__name__} only predicts. Train with {self.trained_by}.')


def log_mean(first: Tensor, second: Tensor) -> Tensor:
    """Return the logarithm of the mean of two softmax distributions.

    Args:
        first (Tensor): (N, C, H, W), unnormalised.
        second (Tensor): Of the same shape.

    Returns:
        Tensor: (N, C, H, W); its softmax is the mean.
    """
    return torch.logaddexp(first.log_softmax(1), second.log_softmax(1)) - math.log(2)
