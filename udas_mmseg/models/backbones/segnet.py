"""SegNet: a decoder that puts features back where the encoder's max pooling took them from."""
from typing import Any, List, Sequence, Tuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class SegNet(BaseModule):
    """Encoder and decoder of SegNet, without the classifier, which is a `SegNetHead`.

    The encoder is the convolutional part of VGG-16 with batch norm. Each stage of the decoder unpools with the indices
    of the max pooling of the same stage, so that values return to the pixels that they came from and all others are 0,
    and convolves the result. Images may have any size of at least 32x32 pixels.

    The module `features` has torchvision's names, so that its `vgg16_bn` can be loaded:
    `init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16_bn')`.

    Args:
        channels (Sequence[int]): Channels of each stage, from the image to the deepest one. Defaults to VGG-16's.
        num_convs (Sequence[int]): Number of 3x3 convolutions of each stage, in the encoder and in the decoder, where
            the last one of the first stage is the classifier. Defaults to VGG-16's.
        init_cfg (dict, optional): Initial weights. Defaults to PyTorch's.

    Raises:
        ValueError: if the two sequences differ in length.

    Source: Badrinarayanan et al., "SegNet", TPAMI 2017, section 3.
    """

    def __init__(self,
                 channels: Sequence[int] = (64, 128, 256, 512, 512),
                 num_convs: Sequence[int] = (2, 2, 3, 3, 3),
                 init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(num_convs):
            raise ValueError(f'channels={tuple(channels)} and num_convs={tuple(num_convs)} must have one number for '
                             'each stage.')
        encoder: List[nn.Module] = []
        decoder: List[nn.Module] = []
        before = 3
        for number, (width, count) in enumerate(zip(channels, num_convs)):
            encoder += [*_convs([before] + [width] * count), nn.MaxPool2d(2, return_indices=True)]
            # backwards: the last convolution leads to the width of the stage before, or is the classifier
            widths = [width] * count + [before] if number else [width] * count
            decoder.insert(0, nn.Sequential(*_convs(widths, bias=False)))
            before = width
        self.features = nn.Sequential(*encoder)
        self.decoder = nn.ModuleList(decoder)

    def forward(self, image: Tensor) -> Tuple[Tensor, ...]:
        """Compute features.

        Args:
            image (Tensor): (N, 3, H, W), normalised.

        Returns:
            tuple[Tensor]: The features of each stage of the decoder, from the deepest one (stride 16) to the last one,
            which has the size of the image (stride 1).
        """
        pooled = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                size = image.shape[-2:]
                image, indices = layer(image)
                pooled.append((indices, size))
            else:
                image = layer(image)
        outputs = []
        for stage, (indices, size) in zip(self.decoder, reversed(pooled)):
            image = stage(F.max_unpool2d(image, indices, 2, 2, output_size=size))
            outputs.append(image)
        return tuple(outputs)


def _convs(widths: Sequence[int], bias: bool = True) -> List[nn.Module]:
    """Return 3x3 convolutions from each width to the next one, each with batch norm and ReLU."""
    layers: List[nn.Module] = []
    for width, following in zip(widths, widths[1:]):
        layers += [nn.Conv2d(width, following, 3, padding=1, bias=bias), nn.BatchNorm2d(following), nn.ReLU(True)]
    return layers
