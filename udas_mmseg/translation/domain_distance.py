"""Distances between two sets of images: of their colours, and of the features of a network."""
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

import cv2
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..models.predictor import predictor_config
from ..models.trained import build_original, load_checkpoint

_LONGEST = 128  # number of pixels that are used along the longer side of an image


class ColorStatistics:
    """Mean and covariance of the CIE Lab pixels of a set of images, all with the same weight.

    Pixels are sampled in a regular pattern, at most 128 along the longer side, which is enough for a mean and a 3x3
    covariance. They are not averaged, because this would reduce the variance of large images only.

    Example:
        >>> source, target = ColorStatistics(), ColorStatistics()
        >>> source.add(image)
        >>> source.distance(target)
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = np.zeros(3)
        self._products = np.zeros((3, 3))

    def add(self, image: np.ndarray) -> None:
        """Add an image.

        Args:
            image (np.ndarray): (H, W, 3) uint8 BGR, assumed to be sRGB.

        Raises:
            ValueError: if the shape or type is another one.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f'an image is {image.dtype} of shape {image.shape}; it must be uint8 (H, W, 3), BGR.')
        # an odd step meets every place of the 8x8 blocks of JPEG and of the 2x2 patterns of generators
        step = -(-max(image.shape[:2]) // _LONGEST) | 1
        picked = np.ascontiguousarray(image[::step, ::step])
        # float32, because OpenCV rounds the Lab of uint8 images and scales its L to 0-255
        lab = cv2.cvtColor(picked.astype(np.float32) / 255, cv2.COLOR_BGR2Lab).reshape(-1, 3).astype(np.float64)
        self.count += 1
        self._sum += lab.mean(0)
        self._products += lab.T @ lab / len(lab)

    @property
    def mean(self) -> np.ndarray:
        """(3,) L in 0-100, a and b in about -128..127.

        Raises:
            ValueError: if no image was added.
        """
        if not self.count:
            raise ValueError('no image was added, so there are no statistics.')
        return self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(3, 3), over all sampled pixels of the set. Raises a ValueError like `mean`."""
        mean = self.mean
        return self._products / self.count - np.outer(mean, mean)

    def merge(self, other: 'ColorStatistics') -> 'ColorStatistics':
        """Return the statistics of the images of both sets."""
        both = ColorStatistics()
        both.count = self.count + other.count
        both._sum, both._products = self._sum + other._sum, self._products + other._products
        return both

    def distance(self, other: 'ColorStatistics') -> float:
        """Compute the `frechet_distance` between two sets, in Lab units; a difference of about 2.3 is just visible."""
        return frechet_distance(self.mean, self.covariance, other.mean, other.covariance)


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """Compute the Fréchet distance d between two Gaussians (not d^2 as in FID, so that it has the unit of the values).

    d^2 = |mean1 - mean2|^2 + tr(cov1 + cov2 - 2 (cov1^1/2 cov2 cov1^1/2)^1/2). The matrix in the last root is symmetric
    and has no negative eigenvalues, so the trace of its root is the sum of the roots of its eigenvalues.

    Args:
        mean1 (np.ndarray): (C,).
        cov1 (np.ndarray): (C, C), symmetric, positive semidefinite.
        mean2 (np.ndarray): (C,).
        cov2 (np.ndarray): (C, C), symmetric, positive semidefinite.

    Returns:
        float: d >= 0.

    Source: Dowson and Landau, J. Multivariate Analysis 1982; Heusel et al., NeurIPS 2017.
    """
    values, vectors = np.linalg.eigh(cov1)
    root1 = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root1 @ cov2 @ root1).clip(0)).sum()
    squared = np.sum((mean1 - mean2)**2) + np.trace(cov1) + np.trace(cov2) - 2 * shared
    return float(np.sqrt(max(squared, 0)))


def kernel_distance(features1: np.ndarray, features2: np.ndarray, chunk: int = 1024) -> float:
    """Compute the squared maximum mean discrepancy of two sets of features, for the kernel (x.y / C + 1)^3.

    The estimate is unbiased: it is the mean over all pairs of different samples. For two sets of the same domain, it is
    0 on average and may be negative. FID has no such estimate: its covariance of C features needs more than C images.
    With fewer images, FID is larger by an amount that depends on the images, so comparisons of a few hundred images are
    wrong. All pairs are used instead of random subsets as in KID, so the result does not depend on a seed.

    Args:
        features1 (np.ndarray): (N, C), N >= 2.
        features2 (np.ndarray): (M, C), M >= 2.
        chunk (int): Number of rows of the kernel matrix that are in memory at once; the result does not depend on it.
            Defaults to 1024: 0.2 GB for 25,000 images.

    Raises:
        ValueError: if there are fewer than two rows, C differs, or a feature is not finite.

    Source: Binkowski et al., Demystifying MMD GANs, ICLR 2018 (KID).
    """
    first, second = (np.asarray(features, np.float64) for features in (features1, features2))
    if first.ndim != 2 or second.ndim != 2 or min(len(first), len(second)) < 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f'features of shapes {first.shape} and {second.shape}; they must be (N, C) and (M, C), of at '
                         'least two images each.')
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError('there are features that are not finite. Was the network trained until its loss was not '
                         'finite any more?')
    within = [(_kernel_sum(each, each, chunk) - _kernel(np.einsum('nc,nc->n', each, each), each.shape[1]).sum())
              / (len(each) * (len(each) - 1)) for each in (first, second)]
    return float(sum(within) - 2 * _kernel_sum(first, second, chunk) / (len(first) * len(second)))


def _kernel(products: np.ndarray, channels: int) -> np.ndarray:
    base = products / channels + 1
    return base * base * base


def _kernel_sum(first: np.ndarray, second: np.ndarray, chunk: int) -> float:
    """Sum the kernel over all pairs."""
    return sum(float(_kernel(first[row:row + chunk] @ second.T, first.shape[1]).sum())
               for row in range(0, len(first), chunk))


class FeatureNetwork(NamedTuple):
    """A backbone for features, the preprocessor of its images, and a description of both."""
    backbone: nn.Module
    preprocessor: nn.Module
    description: str


def build_backbone(cfg: Config, checkpoint: Optional[str] = None, device: Optional[str] = None) -> FeatureNetwork:
    """Build the backbone of a segmentor with trained weights.

    Args:
        cfg (Config): Config whose `model` is a segmentor, or has one under `segmentor` like `AdversarialSegmentor`.
        checkpoint (str, optional): Checkpoint of the whole trained model. Defaults to None: the weights of the
            `init_cfg` of the config.
        device (str, optional): Device of the network. Defaults to the best one.

    Raises:
        OSError: if a file of weights cannot be read.
        ValueError: if there is no backbone or no preprocessor, the checkpoint does not match, or weights are random.
    """
    if not cfg.get('model'):
        raise ValueError('the config has no `model`, so it has no backbone for features. Use one of a segmentor.')
    segmentor = predictor_config(cfg)[0]
    if 'backbone' not in segmentor:
        raise ValueError(f'the model {segmentor.get("type")} has no backbone for features. Give the config of a '
                         'segmentor that has one.')
    if not segmentor['data_preprocessor']:
        raise ValueError('the config has no `model.data_preprocessor`, so it is unknown how the images of its '
                         'backbone are normalised. Add one with `mean`, `std` and `bgr_to_rgb`.')
    # no padding as in testing, because features are averaged over the whole input
    preprocessor = {key: value for key, value in segmentor['data_preprocessor'].items() if key != 'test_cfg'}
    if checkpoint is None:
        backbone, weights = _pretrained_backbone(segmentor), _weights_name(segmentor)
    else:
        backbone, weights = build_original(cfg, load_checkpoint(checkpoint)).backbone, checkpoint
    device = device or get_device()
    backbone.to(device).train(False)  # not chained, because `train` of MMSegmentation's MobileNetV2 returns None
    return FeatureNetwork(backbone, MODELS.build(ConfigDict(preprocessor)).to(device),
                          f'{type(backbone).__name__}, weights {weights}')


def _pretrained_backbone(segmentor: Dict[str, Any]) -> nn.Module:
    """Build the initialised backbone, and check that no weights are random.

    It is built twice with different random numbers: weights that differ were not loaded from a file. MMEngine only logs
    a warning about weights that are missing in a file or have another shape, and uses random ones.
    """
    built: List[nn.Module] = []
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('ERROR')  # MMEngine would list every weight twice
    try:
        with torch.random.fork_rng():
            for seed in range(2):
                torch.manual_seed(seed)
                model = MODELS.build(ConfigDict(segmentor))
                model.init_weights()
                built.append(model.backbone)
    finally:
        logger.setLevel(level)
    other = dict(built[1].named_parameters())
    random = [name for name, weight in built[0].named_parameters() if not torch.equal(weight, other[name])]
    if random:
        raise ValueError(f'{len(random)} of {len(other)} weights of the backbone are random, such as {random[0]}, and '
                         'features of random weights are meaningless. Set `model.backbone.init_cfg=dict(type='
                         '"Pretrained", checkpoint=...)` to a file that has them, or use the checkpoint of a trained '
                         'model.')
    return built[0]


def _weights_name(segmentor: Dict[str, Any]) -> str:
    """Return the file of a segmentor's weights; the file of the whole segmentor is loaded last."""
    for part in (segmentor, segmentor['backbone']):
        init_cfg = part.get('init_cfg') or []
        for step in [init_cfg] if isinstance(init_cfg, dict) else init_cfg:
            if 'checkpoint' in step:
                return step['checkpoint']
        if isinstance(part.get('pretrained'), str):
            return part['pretrained']
    return 'of its own'


def extract_features(network: FeatureNetwork,
                     images: Iterable[np.ndarray],
                     short_side: int = 256,
                     batch_size: int = 8) -> np.ndarray:
    """Compute the features of the last stage of a backbone, averaged over each image.

    Images are resized to the shorter side `short_side` with their aspect ratio, so that sets of different resolutions
    have the same scale. They are not cropped or padded, because the average works for any shape. Consecutive images of
    the same shape form a batch.

    Args:
        network (FeatureNetwork): See `build_backbone`.
        images (Iterable[np.ndarray]): (H, W, 3) uint8 BGR; read one after the other.
        short_side (int): Length of the shorter side in pixels. Defaults to 256.
        batch_size (int): Number of images in a batch. Defaults to 8.

    Returns:
        np.ndarray: (N, C) float32.

    Raises:
        ValueError: if there are no images.
    """
    features: List[np.ndarray] = []
    was_training = network.backbone.training
    network.backbone.eval()
    try:
        with torch.inference_mode():
            for batch in _batches(images, short_side, batch_size):
                inputs = network.preprocessor(dict(inputs=batch), False)['inputs']
                outputs = network.backbone(inputs)
                last = outputs if isinstance(outputs, Tensor) else outputs[-1]
                features.append(last.float().mean((2, 3)).cpu().numpy())
    finally:
        network.backbone.train(was_training)
    if not features:
        raise ValueError('there are no images to compute features of.')
    return np.concatenate(features)


def _batches(images: Iterable[np.ndarray], short_side: int, batch_size: int) -> Iterator[List[Tensor]]:
    """Iterate over lists of (3, H, W) images of the same shape."""
    batch: List[Tensor] = []
    for image in images:
        scale = short_side / min(image.shape[:2])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        sample = torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1)))
        if batch and (len(batch) == batch_size or sample.shape != batch[0].shape):
            yield batch
            batch = []
        batch.append(sample)
    if batch:
        yield batch
