"""A trained model that predicts images in memory or in files."""
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from torch import Tensor

from ..datasets.unlabeled import prediction_pipeline
from ..engine.launch import load_config
from ..models.checkpoint_fit import data_metainfo
from ..models.trained import build_original, load_checkpoint
from ..pseudo_labels.predict import Labeler, predict_images
from ..utils.console import quiet_while
from ..utils.predicting import predicting_alike
from ..utils.progress import Progress
from .image_samples import ImageLike, ImageSample, ImageSamples
from .result import PredictionResult

_CHUNK = 4  # batches of images that are loaded before they are grouped by size


class Predictor:
    """A trained model that predicts images as in testing: with the test pipeline and the `test_cfg` of its config.

    Neither the data of the config nor labels are needed. Predictions have the size of the image.

    Args:
        config (str | PathLike | Config): The config of the model, or of a model that `tools/export_segmentor.py` wrote.
        checkpoint (str | PathLike): Its weights. They are compared with the config first.
        device (str | torch.device, optional): Such as 'cpu' or 'cuda:1'. Defaults to the best device.
        allow_partial (bool): Whether the checkpoint may differ from the config; what fits is loaded. Defaults to False.
        cfg_options (dict, optional): Dotted keys to override, if `config` is a path.

    Attributes:
        classes (tuple[str]): Name of each train id: those of the config's test data, or else of the checkpoint.
        palette (tuple): RGB colour of each train id, 0-255.

    Raises:
        OSError: if a file does not exist.
        ValueError: if the checkpoint does not match the config, or the test pipeline cannot be used for prediction.

    Example:
        >>> predictor = Predictor('configs/udas/gta2cs_uda.py', 'iter_8000.pth')
        >>> result = predictor('street.jpg')
        >>> result.mask, result.confidence, result.overlay()
    """

    def __init__(self,
                 config: Union[str, 'os.PathLike[str]', Config],
                 checkpoint: Union[str, 'os.PathLike[str]'],
                 device: Optional[Union[str, torch.device]] = None,
                 allow_partial: bool = False,
                 cfg_options: Optional[Dict[str, Any]] = None) -> None:
        if isinstance(config, Config):
            init_default_scope(config.get('default_scope') or 'mmseg')
            self.cfg = config
        else:
            self.cfg = load_config(os.fspath(config), cfg_options=cfg_options)
        self.pipeline = prediction_pipeline(self.cfg)
        content = load_checkpoint(os.fspath(checkpoint))
        with quiet_while():
            model = build_original(self.cfg, content, allow_partial)
        self.labeler = Labeler.of(model.to(get_device() if device is None else device))
        self.classes, self.palette = _classes(self.cfg, content.get('meta') or {}, self.labeler.segmentor.num_classes)
        self.labeler.check(self.classes)

    def __call__(self, image: Union[ImageLike, Sequence[ImageLike]],
                 batch_size: int = 1) -> Union[PredictionResult, List[PredictionResult]]:
        """Predict an image, or a list of images of any sizes.

        Args:
            image (str | PathLike | np.ndarray | PIL.Image.Image | Sequence): Path; (H, W, 3) uint8 BGR, as OpenCV reads
                it; (H, W) uint8, grey; an image of Pillow; or a list of these.
            batch_size (int): Number of images of a list that are predicted at once if the network sees them at the same
                size. Defaults to 1.

        Returns:
            PredictionResult | list[PredictionResult]: The prediction, or that of each image of the list.

        Raises:
            OSError: if a file cannot be read.
            ValueError: if an image is damaged, or of a type that cannot be used.
        """
        with quiet_while():
            if isinstance(image, (str, os.PathLike, np.ndarray, Image.Image)):
                return next(self._results([image], 1))
            progress = Progress('predicting', len(image))
            results: List[PredictionResult] = []
            for result in self._results(image, batch_size):
                results.append(result)
                progress.update(len(results))
            return results

    def predict(self, samples: Sequence[ImageSample],
                with_confidence: bool = True) -> Iterator[Tuple[Tensor, Optional[Tensor]]]:
        """Predict samples of the same size in one batch; see `predict_images`."""
        return predict_images(self.labeler, [sample.packed for sample in samples], with_confidence)

    def result(self, sample: ImageSample, prediction: Tuple[Tensor, Optional[Tensor]]) -> PredictionResult:
        """Return the result for a sample and its label and confidence."""
        label, sure = (None if part is None else part.cpu().numpy() for part in prediction)
        assert label is not None
        return PredictionResult(label, sure, sample.pixels.numpy(), self.classes, self.palette)

    def _results(self, images: Sequence[ImageLike], batch_size: int) -> Iterator[PredictionResult]:
        """Yield the result of each image in their order."""
        loader = ImageSamples(images, self.pipeline)
        for first in range(0, len(images), _CHUNK * batch_size):
            chunk = range(first, min(len(images), first + _CHUNK * batch_size))
            groups: Dict[Tuple[int, ...], List[ImageSample]] = {}
            for number in chunk:
                sample = loader.load(images[number], number)
                groups.setdefault(size_of(sample), []).append(sample)
            found: Dict[int, PredictionResult] = {}
            with predicting_alike():
                for group in groups.values():
                    for start in range(0, len(group), batch_size):
                        batch = group[start:start + batch_size]
                        for sample, prediction in zip(batch, self.predict(batch)):
                            found[sample.number] = self.result(sample, prediction)
            yield from (found[number] for number in chunk)


def size_of(sample: ImageSample) -> Tuple[int, ...]:
    """Return the size at which the network sees an image; images of the same size can be predicted in one batch."""
    return tuple(sample.packed['inputs'].shape)


def _classes(cfg: Config, meta: Mapping[str, Any], count: int) -> Tuple[Tuple[str, ...], Tuple[Sequence[int], ...]]:
    """Return names and colours: those of the config's data, of the checkpoint, or `class <id>` and random colours."""
    found = data_metainfo(cfg) or meta.get('dataset_meta') or {}
    classes = found.get('classes') or meta.get('CLASSES') or [f'class {number}' for number in range(count)]
    palette = found.get('palette') or meta.get('PALETTE') or []
    if len(palette) < len(classes):  # MMSegmentation's own random colours, always the same
        palette = DATASETS.build(dict(type='BaseSegDataset', metainfo=dict(classes=tuple(classes)), lazy_init=True,
                                      pipeline=[])).metainfo['palette']
    return (tuple(map(str, classes)),
            tuple(tuple(int(value) for value in color) for color in palette[:len(classes)]))
