"""Resizing that averages over the pixels that it removes, in place of skipping them."""
from typing import Optional, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.image import rescale_size
from mmseg.datasets.transforms import Resize
from mmseg.registry import TRANSFORMS

from ..image_files import resize_nearest


def resize_antialiased(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image as Pillow's bicubic resampling does: shrinking averages over all pixels, enlarging interpolates.

    torch's kernel for 8-bit images gives the values of Pillow up to two grey levels (more at edges where values are
    clipped to 0 or 255), in an eighth of its time. `cv2.INTER_AREA` is slower unless the factor is 2, and repeats
    pixels when it enlarges.

    Args:
        image (np.ndarray): (H, W) or (H, W, C) uint8.
        height (int): New height in pixels.
        width (int): New width in pixels.

    Returns:
        np.ndarray: (height, width[, C]) uint8; the argument itself if it has this size.

    Raises:
        ValueError: if the image is not uint8.
    """
    if image.dtype != np.uint8:
        raise ValueError(f'AntialiasedResize: the image is {image.dtype}, but uint8 is needed. Load it without '
                         '`to_float32`, and resize it before transforms that change the type.')
    if image.shape[:2] == (height, width):
        return image
    # channels-last format, as in the array, in which torch also returns the result
    batch = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(image)))[None].permute(0, 3, 1, 2)
    resized = F.interpolate(batch, size=(height, width), mode='bicubic', align_corners=False, antialias=True)
    array = resized.permute(0, 2, 3, 1)[0].numpy().reshape(height, width, *image.shape[2:])
    return np.ascontiguousarray(array)


@TRANSFORMS.register_module()
class AntialiasedResize(Resize):
    """MMSegmentation's `Resize` with antialiasing, for any factor: small objects stay visible, and noise is averaged.

    The default of `Resize`, OpenCV's bilinear sampling, reads two pixels in each direction whatever the factor is. From
    2048x1024 to 640x360, poles of two pixels can vanish, and half of the pixels are never read. Images are resized as
    with `Resize(backend='pillow', interpolation='bicubic')`, as in the public code of AdaptSegNet, and faster. Labels
    are resized with nearest neighbour, at the centres of the pixels of the resized image.

    Required keys: `img` (H, W) or (H, W, C) uint8. Modified keys: `img`, `img_shape`, `scale`, `scale_factor`,
    `keep_ratio`, and the labels (H, W) in `seg_fields`.

    Args:
        scale (int | tuple[int, int], optional): (width, height), or both; with `keep_ratio`, the largest of them.
        scale_factor (float | tuple[float, float], optional): Factors of the width and the height, in place of `scale`.
        keep_ratio (bool): Whether to keep the aspect ratio. Defaults to False.

    Raises:
        ValueError: if neither `scale` nor `scale_factor` is given; for an image that is not uint8.

    Example:
        >>> dict(type='AntialiasedResize', scale=(640, 360), keep_ratio=False)
        >>> dict(type='RandomResize', resize_type='AntialiasedResize', scale=(640, 360), ratio_range=(0.5, 2.0))
    """

    def __init__(self,
                 scale: Optional[Union[int, Tuple[int, int]]] = None,
                 scale_factor: Optional[Union[float, Tuple[float, float]]] = None,
                 keep_ratio: bool = False) -> None:
        if scale is None and scale_factor is None:
            raise ValueError('AntialiasedResize has neither scale nor scale_factor. Set one, such as scale=(640, 360).')
        super().__init__(scale, scale_factor, keep_ratio, backend='pillow', interpolation='bicubic')

    def _resize_img(self, results: dict) -> None:
        image = results['img']
        height, width = image.shape[:2]
        new = rescale_size((width, height), results['scale']) if self.keep_ratio else results['scale']
        results['img'] = resize_antialiased(image, new[1], new[0])
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (new[0] / width, new[1] / height)
        results['keep_ratio'] = self.keep_ratio

    def _resize_seg(self, results: dict) -> None:
        for key in results.get('seg_fields', ()):
            results[key] = resize_nearest(results[key], *results['img_shape'])
