"""Images of any origin as samples of a test pipeline, together with their original pixels."""
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmseg.registry import TRANSFORMS
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from ..utils.prediction_loop import Unreadable

ImageLike = Union[str, 'os.PathLike[str]', np.ndarray, Image.Image]


class ImageSample(NamedTuple):
    """An image for a network.

    `packed` has the format of `PackSegInputs`, and `pixels` are the original ones, (H, W, 3) uint8 BGR.
    """
    number: int
    packed: dict
    pixels: Tensor


class ImageSamples(Dataset):
    """Images as `ImageSample`, or as `Unreadable` with the reason.

    Args:
        images (Sequence): Paths, or images as in `load`.
        pipeline (Sequence[dict]): A pipeline of `prediction_pipeline`.
    """

    def __init__(self, images: Sequence[ImageLike], pipeline: Sequence[Dict[str, Any]]) -> None:
        self.images = images
        self._steps = [TRANSFORMS.build(step) for step in pipeline]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Union[ImageSample, Unreadable]:
        image = self.images[index]
        try:
            return self.load(image, index)
        except (OSError, ValueError) as error:  # among them SampleError, and images of 16 bits
            named = isinstance(image, (np.ndarray, Image.Image)) or os.fspath(image) in str(error)
            return Unreadable(index, str(error) if named else f'{image}: {error}')

    def load(self, image: ImageLike, number: int = 0) -> ImageSample:
        """Load an image and apply the pipeline.

        Args:
            image (str | PathLike | np.ndarray | PIL.Image.Image): Path; (H, W, 3) uint8 BGR, as OpenCV reads it; (H, W)
                uint8, grey; or an image of Pillow.
            number (int): Number of the image. Defaults to 0.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if the image is damaged or of another type; see `LoadVerifiedImage`.
        """
        results, steps = self._begin(image)
        pixels = results.get('img')
        for step in steps:
            results = step(results)
            if results is None:
                raise ValueError(f'{type(step).__name__} of the test pipeline returns no sample.')
            if pixels is None and 'img' in results:
                pixels = results['img']
        return ImageSample(number, results, torch.from_numpy(_three_channels(pixels)))

    def _begin(self, image: ImageLike) -> Tuple[Dict[str, Any], List[Any]]:
        """Return the input of the pipeline and the steps to apply, without the loader if the image is an array."""
        results: Dict[str, Any] = dict(label_map=None, reduce_zero_label=False, seg_fields=[])
        if not isinstance(image, (np.ndarray, Image.Image)):
            return dict(results, img_path=os.fspath(image)), self._steps
        pixels: np.ndarray = as_bgr(image)
        floats = any(step.to_float32 for step in self._steps if isinstance(step, LoadImageFromFile))
        results.update(img=pixels.astype(np.float32) if floats else pixels, img_path=None,
                       img_shape=pixels.shape[:2], ori_shape=pixels.shape[:2])
        return results, [step for step in self._steps if not isinstance(step, LoadImageFromFile)]


def as_bgr(image: Union[np.ndarray, Image.Image]) -> np.ndarray:
    """Return an image in memory as (H, W, 3) uint8 BGR; see `ImageSamples.load`.

    Raises:
        ValueError: if it is an array of another type or shape.
    """
    if isinstance(image, Image.Image):
        return np.ascontiguousarray(np.asarray(ImageOps.exif_transpose(image).convert('RGB'))[..., ::-1])
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.ndim == 3 and image.shape[2] == 3) or image.size == 0:
        raise ValueError(f'the image is {image.shape} {image.dtype}: allowed are (H, W, 3) uint8 in the order blue, '
                         'green, red, as cv2.imread returns it, (H, W) uint8, paths, and images of Pillow.')
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _three_channels(pixels: Optional[np.ndarray]) -> np.ndarray:
    """Return a copy of the pixels that a loader read as (H, W, 3) uint8."""
    if pixels is None:
        raise ValueError('the test pipeline loads no image. It must begin with LoadVerifiedImage.')
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    channels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    return np.array(channels, np.uint8)
