"""A segmentor that fuses the predictions for a small image of the whole and for large crops of its parts."""
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmseg.models import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList, add_prefix
from torch import Tensor

from ...utils.randomness import child_generator
from ..multi_resolution import (
    Size,
    averaged_windows,
    draw_corners,
    fuse_resolutions,
    pasted,
    scaled_corners,
    window_corners,
)
from ..outputs import DetailOutputs, Outputs, losses_of_heads
from .branches import heads_of, stages_of


class _Context(NamedTuple):
    """The small images, their features, logits (N, C, h, w) and attention (N, C, h, w), and the pixels of a cell."""
    images: Tensor
    features: Any
    logits: Tensor
    attention: Tensor
    cell: Size


@MODELS.register_module()
class HRDAEncoderDecoder(EncoderDecoder):
    """An `EncoderDecoder` that sees an image at two resolutions (HRDA).

    The context is the whole image, scaled down, and shows what is around; the detail is a crop of the image itself and
    shows small objects. Both pass through the same backbone and decode head. A scale attention, computed for each class
    from the features of the context, decides where the prediction for the detail replaces that for the context.

    - In training, the detail is one random crop of each image. Outside of it, the prediction is that for the context.
      The loss is (1 - `detail_weight`) times that of the fused prediction, plus `detail_weight` times that of the crop.
    - In prediction, the detail is the average of windows that overlap by half and cover the image. This is also what a
      teacher labels with.

    All other arguments, and the names of the weights, are those of `EncoderDecoder`, so that any of its configs becomes
    HRDA by another `type`. Auxiliary heads get the features of the context. With `test_cfg=dict(mode='slide', ...)`,
    each of MMSegmentation's windows is an image as above; as published, these have the size of the images in training.

    Args:
        backbone (dict): Backbone config.
        decode_head (dict): Main head. It must give logits with whole cells of pixels, see `divisor`.
        scale_attention (dict, optional): A decode head whose logits, after a sigmoid, are the attention. `num_classes`
            is that of the main head. Defaults to None: the config of the main head, as published for DeepLabv2.
        detail_size (int | tuple[int, int]): Height and width of the detail in pixels. Defaults to 512.
        detail_weight (float): Weight of the loss on the detail, in [0, 1]. Defaults to 0.1.
        downscale (int): Factor by which the context is smaller than the image, at least 2. Defaults to 2.
        divisor (int): Height, width and corners of the detail, and the size of images in training, are multiples of it.
            It must be a multiple of the side, in pixels of the image, of a cell of the main head's logits for the
            context: 8 for heads at stride 4, 16 for stride 8. Images that are predicted are padded. Defaults to 8.
        **kwargs: Further arguments of `EncoderDecoder` (`auxiliary_head`, `data_preprocessor`, `neck`, ...).

    Raises:
        ValueError: for a value outside its range; in training, if the images are smaller than the detail or not
            divisible; in both, if the cells of the logits do not fit `divisor`, or an image is smaller than it.

    Source: Hoyer et al., "HRDA: Context-Aware High-Resolution Domain-Adaptive Semantic Segmentation", ECCV 2022.
    """

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 scale_attention: Optional[dict] = None,
                 detail_size: Union[int, Tuple[int, int]] = 512,
                 detail_weight: float = 0.1,
                 downscale: int = 2,
                 divisor: int = 8,
                 **kwargs: Any) -> None:
        super().__init__(backbone, decode_head, **kwargs)
        self.detail_size = _checked_sizes(detail_size, downscale, divisor)
        if not 0 <= detail_weight <= 1:
            raise ValueError(f'HRDAEncoderDecoder: detail_weight={detail_weight}: it must be in [0, 1]. HRDA has 0.1.')
        self.detail_weight = detail_weight
        self.downscale = downscale
        self.divisor = divisor
        classes = dict(num_classes=self.num_classes, out_channels=self.out_channels)
        self.scale_attention = MODELS.build({**(scale_attention or decode_head), **classes})

    def training_outputs(self, images: Tensor) -> Outputs:
        """Compute the fused logits, those of the auxiliary heads, and the logits of the detail; see `outputs_of`.

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.
        """
        size: Size = tuple(images.shape[2:])
        self._check_training_size(size)
        context = self._context(images)
        corners = draw_corners(len(images), size, self.detail_size, self.divisor, child_generator())
        detail = DetailOutputs(images, corners, self.detail_size, self.detail_weight)
        crops = torch.stack(detail.crop(list(images))).contiguous(memory_format=_format_of(images))
        detail = detail._replace(logits=self.decode_head(self.extract_feat(crops)))
        fused = self._fused_with_crops(context, detail, size)
        others = [head(context.features) for head in list(heads_of(self).values())[1:]]
        return Outputs([fused, *others], stages_of(context.features), context.images, detail)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> Dict[str, Tensor]:
        """Compute the losses of all heads; those of the detail have the prefix `decode.detail`."""
        losses: Dict[str, Tensor] = {}
        of_heads = losses_of_heads(heads_of(self), self.training_outputs(inputs), data_samples)
        for name, of_head in of_heads.items():
            losses.update(add_prefix(of_head, name))
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        """Compute the fused logits of whole images, (N, C, H, W), at the size of the images."""
        size = [length + more for length, more in zip(inputs.shape[2:], self._padding(inputs))]
        fused = self._forward(inputs)
        logits = resize(fused, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
        return logits[:, :, :inputs.shape[2], :inputs.shape[3]]

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        """Compute the fused logits of whole images at the resolution of the head, of images padded to `divisor`."""
        below, right = self._padding(inputs)
        images = F.pad(inputs, (0, right, 0, below), mode='replicate') if below or right else inputs
        size: Size = tuple(images.shape[2:])
        window = (min(self.detail_size[0], size[0]), min(self.detail_size[1], size[1]))
        context = self._context(images)
        corners = window_corners(size, window, self.divisor)
        crops = [images[:, :, top:top + window[0], left:left + window[1]] for top, left in corners]
        logits = self.decode_head(self.extract_feat(torch.cat(crops)))
        cell = self._cell(window, logits)
        detail = averaged_windows(logits, scaled_corners(corners, cell), _in_cells(size, cell))
        return fuse_resolutions(context.logits, context.attention, detail, self.align_corners)

    def _context(self, images: Tensor) -> _Context:
        """Compute the logits and the attention for small images."""
        height, width = images.shape[2:]
        size = (height // self.downscale, width // self.downscale)
        small = resize(images, size=size, mode='bilinear', align_corners=False)
        features = self.extract_feat(small)
        logits = self.decode_head(features)
        attention = self.scale_attention(features).sigmoid()
        return _Context(small, features, logits, attention, self._cell((height, width), logits))

    def _fused_with_crops(self, context: _Context, detail: DetailOutputs, size: Size) -> Tensor:
        """Fuse the logits of whole images with those of a crop of each; the attention outside of the crop is 0."""
        cell, attention = self._cell(self.detail_size, detail.logits), context.attention
        box = torch.ones_like(attention[:, :1, :1, :1]).expand(-1, -1, *_in_cells(self.detail_size, context.cell))
        inside = pasted(box, scaled_corners(detail.corners, context.cell), _in_cells(size, context.cell))
        detailed = pasted(detail.logits, scaled_corners(detail.corners, cell), _in_cells(size, cell))
        return fuse_resolutions(context.logits, attention * inside, detailed, self.align_corners)

    def _cell(self, size: Size, logits: Tensor) -> Size:
        """Return height and width, in pixels of the image, of a cell of logits for a part of this size."""
        cells = logits.shape[2:]
        sides = [length // count for length, count in zip(size, cells)]
        if any(length % count for length, count in zip(size, cells)) or any(self.divisor % side for side in sides):
            found = ' x '.join(f'{length / count:g}' for length, count in zip(size, cells))
            raise ValueError(f'HRDAEncoderDecoder: {size[0]} x {size[1]} pixels (height x width) have logits of '
                             f'{cells[0]} x {cells[1]} cells, so that a cell has {found} pixels, which does not divide '
                             f'divisor={self.divisor}. Set divisor to a multiple of it: 16 for heads at stride 8.')
        return sides[0], sides[1]

    def _padding(self, images: Tensor) -> Tuple[int, int]:
        """Return how many rows and columns are missing until the size is divisible."""
        height, width = images.shape[2:]
        if min(height, width) < self.divisor:
            raise ValueError(f'HRDAEncoderDecoder: an image of {height} x {width} pixels (height x width) is smaller '
                             f'than divisor={self.divisor}, too small for a context. Use larger images.')
        return -height % self.divisor, -width % self.divisor

    def _check_training_size(self, size: Size) -> None:
        given = f'the images in training are {size[0]} x {size[1]} (height x width)'
        if any(length < part for length, part in zip(size, self.detail_size)):
            raise ValueError(f'HRDAEncoderDecoder: detail_size={self.detail_size}, but {given}: the detail is a crop '
                             'of them. Use a smaller detail_size, or larger crops in the pipeline: 512 and 1024 were '
                             'published.')
        if any(length % self.divisor for length in size):
            raise ValueError(f'HRDAEncoderDecoder: {given}, and must be divisible by divisor={self.divisor}. Change '
                             'the crop in the pipeline, and `size` of the data_preprocessor.')


def _checked_sizes(detail_size: Union[int, Tuple[int, int]], downscale: int, divisor: int) -> Size:
    """Check the sizes that do not depend on images, and return that of the detail."""
    if downscale < 2 or divisor < 1 or divisor % downscale:
        raise ValueError(f'HRDAEncoderDecoder: downscale={downscale} and divisor={divisor}: the first must be 2 or '
                         'more, and divide the second, so that the context has whole pixels. HRDA has 2 and 8.')
    size = (detail_size, detail_size) if isinstance(detail_size, int) else tuple(detail_size)
    if len(size) != 2 or any(side < 1 or side % divisor for side in size):
        raise ValueError(f'HRDAEncoderDecoder: detail_size={detail_size}: give a number, or height and width, '
                         f'divisible by divisor={divisor}.')
    return size[0], size[1]


def _in_cells(size: Size, cell: Size) -> Size:
    return size[0] // cell[0], size[1] // cell[1]


def _format_of(images: Tensor) -> torch.memory_format:
    return torch.channels_last if images.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
