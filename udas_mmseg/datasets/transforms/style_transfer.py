"""Transforms that give a source image the style of a target image, without training."""
from typing import Sequence, Tuple, Union

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .checks import check_image, check_probability

# A channel with a smaller standard deviation in Lab units is constant: OpenCV gives up to 0.02 for a and b of greys.
_FLAT = 0.05


def swap_low_amplitudes(source: np.ndarray, target: np.ndarray, half_width: int) -> np.ndarray:
    """Replace the amplitudes of the lowest frequencies of an image by those of another image, and keep all phases.

    Args:
        source (np.ndarray): (H, W, C), any range.
        target (np.ndarray): (H, W, C), the same range.
        half_width (int): Frequencies (h, w) in cycles per image with |h| <= half_width and |w| <= half_width are
            replaced. 0 replaces only the mean of each channel. Values above min(H, W) // 2 add nothing along the
            shorter side.

    Returns:
        np.ndarray: (H, W, C) float32, not clipped.

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020, equations 1 and 2.
    """
    height, width = source.shape[:2]
    spectra = [np.fft.rfft2(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)) for image in (source, target)]
    # The spectrum of a real image is Hermitian, so the half with w >= 0 determines it. Negative h are at the end.
    rows = np.abs(np.fft.fftfreq(height, 1 / height)).round() <= half_width
    columns = slice(0, half_width + 1)
    ours, theirs = (spectrum[:, rows, columns] for spectrum in spectra)
    spectra[0][:, rows, columns] = np.abs(theirs) * np.exp(1j * np.angle(ours))
    mixed = np.fft.irfft2(spectra[0], s=(height, width), axes=(1, 2))
    return mixed.transpose(1, 2, 0).astype(np.float32, copy=False)


def fourier_amplitude_transfer(source: np.ndarray, target: np.ndarray, beta: float) -> np.ndarray:
    """Give a source image the low-frequency amplitudes of a target image, and so its illumination and colours.

    The window is the square |h|, |w| <= floor(beta * min(H, W)) around the zero frequency. The paper's equation 1 has
    the rectangle |h| <= beta H, |w| <= beta W; a square treats all directions in the image equally.

    Args:
        source (np.ndarray): (H, W, 3) uint8.
        target (np.ndarray): (H, W, 3) uint8, with the size and channel order of the source.
        beta (float): Half the window's width relative to the shorter side, from 0 to 0.5. The paper uses 0.01, 0.05
            and 0.09 at 1024x512. If `beta * min(H, W)` is below 1, only the zero frequency (the mean colour) is
            replaced; 0.5 replaces all frequencies along the shorter side.

    Returns:
        np.ndarray: (H, W, 3) uint8, clipped to 0-255 and rounded.

    Raises:
        ValueError: if the images have different shapes.

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020, equations 1-3.
    """
    if source.shape != target.shape:
        raise ValueError(f'the source image is {source.shape} and the target image {target.shape}. Resize the target '
                         'to the size of the source, as `FourierAmplitudeTransfer` does.')
    return _to_uint8(swap_low_amplitudes(source, target, int(beta * min(source.shape[:2]))))


def lab_statistics_transfer(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Give each CIE Lab channel of a source image the mean and standard deviation of a target image.

    Reinhard et al. match them in the colour space l-alpha-beta; CIE Lab separates lightness and colour in the same way.
    If a channel of the source is constant, it becomes the target's mean.

    Args:
        source (np.ndarray): (H, W, 3) uint8, BGR.
        target (np.ndarray): (H', W', 3) uint8, BGR; its size may differ.

    Returns:
        np.ndarray: (H, W, 3) uint8, BGR. Colours outside the gamut are clipped, which slightly changes the statistics.

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer Graphics and Applications, 2001.
    """
    lab = _to_lab(source)
    mean, deviation = _statistics(lab)
    wanted_mean, wanted_deviation = _statistics(_to_lab(target))
    scale = np.where(deviation > _FLAT, wanted_deviation / np.maximum(deviation, _FLAT), 0.0)
    lab *= scale.astype(np.float32)
    lab += (wanted_mean - scale * mean).astype(np.float32)
    return _to_uint8(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR) * np.float32(255))


def _to_lab(image: np.ndarray) -> np.ndarray:
    """Convert (H, W, 3) uint8 BGR to float32 Lab: L from 0 to 100, a and b from about -127 to 127."""
    return cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2Lab)


def _statistics(image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each channel, (C,) float64 each."""
    mean, deviation = cv2.meanStdDev(image)
    return mean[:, 0], deviation[:, 0]


def _to_uint8(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def fit_size(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Resize an image to the size of another one; with averaging if it shrinks, because bilinear would skip pixels."""
    height, width = like.shape[:2]
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


class StyleTransfer(BaseTransform):
    """Gives `img` the style of the image in `mix_results[0]`; subclasses implement `restyle`.

    Required keys: `img` (H, W, 3) uint8 BGR; `mix_results`, a list whose first entry is a sample with an `img` of
    the same kind, as added by `DomainMixDataset` or MMSegmentation's `MultiImageMixDataset`. Modified key: `img`.
    Labels do not change. Random decisions use NumPy's global generator.

    Args:
        prob (float): Probability of changing a sample, from 0 to 1. Defaults to 1.0.

    Raises:
        ValueError: if `prob` is outside [0, 1].
    """

    def __init__(self, prob: float = 1.0) -> None:
        check_probability(type(self).__name__, 'prob', prob)
        self.prob = prob

    def restyle(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the source (H, W, 3) uint8 BGR in the style of the target (H', W', 3)."""
        raise NotImplementedError

    def transform(self, results: dict) -> dict:
        """Change `results['img']`; see the class.

        Raises:
            ValueError: if there is no target image, or an image is not (H, W, 3) uint8.
        """
        source, target = self._images(results)
        if np.random.rand() < self.prob:
            results['img'] = self.restyle(source, target)
        return results

    def _images(self, results: dict) -> Tuple[np.ndarray, np.ndarray]:
        name = type(self).__name__
        if not results.get('mix_results') or 'img' not in results['mix_results'][0]:
            raise ValueError(f"{name} has no target image: `mix_results` of {results.get('img_path', 'the sample')} is "
                             f"missing or has no `img`. Put {name} into the `pipeline` of dict(type='DomainMixDataset',"
                             ' dataset=<source>, target=<target>); its `target` must load images.')
        partner = results['mix_results'][0]
        for sample in (results, partner):
            check_image(name, sample['img'], sample.get('img_path', 'an image'))
        return results['img'], partner['img']

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'


@TRANSFORMS.register_module()
class FourierAmplitudeTransfer(StyleTransfer):
    """FDA: replace the low-frequency amplitudes of a source image by those of a target image.

    A target image of another size is resized to that of the source. See `fourier_amplitude_transfer` for the window,
    and `StyleTransfer` for the keys.

    Args:
        beta (float | Sequence[float]): Half the window's width relative to the shorter side, from 0 to 0.5, or a range
            (lowest, highest) from which it is drawn uniformly. The effect depends on the number of frequencies
            floor(beta * min(H, W)), so small images need a larger beta. Defaults to 0.01.
        prob (float): Probability of changing a sample, from 0 to 1. Defaults to 1.0.

    Raises:
        ValueError: if `beta` is neither a number in [0, 0.5] nor a range in it, or `prob` is outside [0, 1].

    Source: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020.
    """

    def __init__(self, beta: Union[float, Sequence[float]] = 0.01, prob: float = 1.0) -> None:
        super().__init__(prob)
        limits = (beta, beta) if isinstance(beta, (int, float)) else tuple(beta)
        if len(limits) != 2 or not 0 <= limits[0] <= limits[1] <= 0.5:
            raise ValueError(f'FourierAmplitudeTransfer: beta={beta}. Allowed are a number from 0 (mean colour only) '
                             'to 0.5 (all frequencies along the shorter side), or a range (lowest, highest) of such.')
        self.beta = limits

    def restyle(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """See `fourier_amplitude_transfer`."""
        return fourier_amplitude_transfer(source, fit_size(target, source), np.random.uniform(*self.beta))

    def __repr__(self) -> str:
        return f'{type(self).__name__}(beta={self.beta}, prob={self.prob})'


@TRANSFORMS.register_module()
class LabStatisticsTransfer(StyleTransfer):
    """Give each Lab channel of a source image the mean and standard deviation of a target image.

    See `lab_statistics_transfer`, and `StyleTransfer` for the keys.

    Args:
        prob (float): Probability of changing a sample, from 0 to 1. Defaults to 1.0.

    Raises:
        ValueError: if `prob` is outside [0, 1].

    Source: Reinhard et al., "Color Transfer between Images", IEEE Computer Graphics and Applications, 2001.
    """

    def restyle(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """See `lab_statistics_transfer`."""
        return lab_statistics_transfer(source, target)
