"""Two classifiers on a shared backbone, and a segmentor that predicts their mean."""
import copy
from typing import Any, List, Sequence, Union

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .segmentor_mean import SegmentorMean


class SecondClassifier(BaseModule):
    """A further main head for the features of a segmentor.

    It has the name `decode_head`, so that the rules of optimizers for main heads, such as their learning rate, also
    apply to it.

    Args:
        decode_head (dict): Config of the head.
    """

    def __init__(self, decode_head: dict) -> None:
        super().__init__()
        self.decode_head = MODELS.build(decode_head)


class JoinedHeads(nn.Module):
    """Several main heads as one, whose logits are joined along the channels.

    Args:
        heads (Sequence[nn.Module]): MMSegmentation's decode heads of the same config.
    """

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.align_corners, self.num_classes = heads[0].align_corners, heads[0].num_classes
        self.out_channels = sum(head.out_channels for head in heads)

    def forward(self, features: Any) -> Tensor:
        """Compute the logits (N, sum of C, h, w) for the features of a backbone."""
        return torch.cat([head(features) for head in self.heads], dim=1)

    def predict(self, features: Any, batch_img_metas: List[dict], test_cfg: Any) -> Tensor:
        """Compute the logits (N, sum of C, H, W) at the size of the images."""
        return torch.cat([head.predict(features, batch_img_metas, test_cfg) for head in self.heads], dim=1)


def with_head(network: nn.Module, head: nn.Module) -> nn.Module:
    """Return a segmentor with another main head. It shares all other parts, and their weights, with the network.

    Args:
        network (EncoderDecoder): It is not changed.
        head (nn.Module): The main head.
    """
    other = copy.copy(network)
    other._modules = {**network._modules, 'decode_head': head}
    other.out_channels = head.out_channels
    return other


def with_both_heads(network: nn.Module, second: nn.Module) -> nn.Module:
    """Return a segmentor whose logits are those of its own main head and of a `SecondClassifier`, joined.

    Args:
        network (EncoderDecoder): It is not changed.
        second (SecondClassifier): Has the other head.
    """
    return with_head(network, JoinedHeads([network.decode_head, second.decode_head]))


@MODELS.register_module()
class ClassifierMean(SegmentorMean):
    """Predicts the mean of the probabilities of two classifiers with a shared backbone; it is not trained.

    `PixelSelector` with `predict_with='mean'` validates, labels and predicts with it. Its logits are the logarithm of
    the mean probabilities. `inference_of_each` computes the logits of both classifiers with one pass through the
    backbone.

    Args:
        network (dict | Sequence[nn.Module]): Config of an MMSegmentation `EncoderDecoder`, whose `decode_head` is built
            twice, or a segmentor and a `SecondClassifier`.
        data_preprocessor (dict | nn.Module, optional): Defaults to none.
    """
    trained_by = 'PixelSelector'

    def __init__(self, network: Any, data_preprocessor: Union[dict, nn.Module, None] = None) -> None:
        if isinstance(network, dict):
            network = [MODELS.build(network), SecondClassifier(network['decode_head'])]
        super().__init__(network, data_preprocessor)

    def _of_each(self, method: str, *args: Any) -> List[Any]:
        """Call a method of the network with both heads, and split the result."""
        joined = getattr(with_both_heads(self.first, self.second), method)(*args)
        if isinstance(joined, Tensor):
            return list(joined.chunk(2, dim=1))
        main, *auxiliary = joined
        return [[part, *auxiliary] for part in main.chunk(2, dim=1)]
