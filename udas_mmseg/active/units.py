"""Units that a person labels: points, regions or images that follow from the scores of an image."""
from typing import Tuple

import numpy as np
from mmengine.registry import Registry

from .pixels import class_regions, cosine_to_mean, share_out, top_pixels
from .scores import check_at_least, image_score

UNIT_MAKERS = Registry('unit maker', scope='mmseg', locations=['udas_mmseg.active.units'])
Units = Tuple[np.ndarray, np.ndarray]


class UnitMaker:
    """Rule that turns the scores of the pixels of an image into units.

    Attributes:
        unit (str): 'points', 'regions' or 'images'.
    """

    unit = 'regions'

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image.

        Args:
            scores (np.ndarray): (H, W) float32; -inf for pixels that may not be selected.
            probs (np.ndarray): (C, H, W) float32, the mean of the classifiers.

        Returns:
            tuple: The numbers of the units (H, W) int32, 0 outside of them, and the usefulness (K,) of the units 1 to
                K. Every unit has pixels.
        """
        raise NotImplementedError


@UNIT_MAKERS.register_module()
class ClassRegions(UnitMaker):
    """Segment based labels (SPL): the pixels that may be selected, as connected regions of one predicted class.

    Pixels are connected with their 8 neighbours. The usefulness of a region is the mean score of its pixels.

    Args:
        min_pixels (int): Regions with fewer pixels are dropped, because a person can hardly label them. Defaults to 16;
            1 keeps all, as in the paper.

    Raises:
        ValueError: if `min_pixels` is not an integer of 1 or more.

    Source: LabOR (Shin et al., ICCV 2021), segment based pixel labelling.
    """

    def __init__(self, min_pixels: int = 16) -> None:
        check_at_least(type(self).__name__, min_pixels=(min_pixels, 1))
        self.min_pixels = min_pixels

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image; see `UnitMaker`."""
        return class_regions(np.isfinite(scores), scores, probs.argmax(axis=0), self.min_pixels)


@UNIT_MAKERS.register_module()
class TopRegions(UnitMaker):
    """The pixels with the highest scores, as connected regions of one predicted class; see `ClassRegions`.

    Args:
        share (float): Share of the pixels of the image, above 0 and at most 1. Defaults to 0.022, the share of SPL.
        min_pixels (int): Regions with fewer pixels are dropped. Defaults to 16.

    Raises:
        ValueError: if a value is outside its range.
    """

    def __init__(self, share: float = 0.022, min_pixels: int = 16) -> None:
        check_at_least(type(self).__name__, min_pixels=(min_pixels, 1))
        if not 0 < share <= 1:
            raise ValueError(f'TopRegions: share={share}; it must be above 0 and at most 1.')
        self.share, self.min_pixels = share, min_pixels

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image; see `UnitMaker`."""
        chosen = np.zeros(scores.shape, bool)
        chosen.ravel()[top_pixels(scores, round(self.share * scores.size))] = True
        return class_regions(chosen, scores, probs.argmax(axis=0), self.min_pixels)


@UNIT_MAKERS.register_module()
class TopPoints(UnitMaker):
    """The pixels with the highest scores, one unit each. Of equal scores, the first ones in reading order are chosen.

    Args:
        points_per_image (int): Number of points, 1 or more. Defaults to 40.

    Raises:
        ValueError: if it is not an integer of 1 or more.
    """

    unit = 'points'

    def __init__(self, points_per_image: int = 40) -> None:
        check_at_least(type(self).__name__, points_per_image=(points_per_image, 1))
        self.points_per_image = points_per_image

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image; see `UnitMaker`."""
        places = top_pixels(scores, self.points_per_image)
        return _points(places, scores.shape), scores.ravel()[places]


@UNIT_MAKERS.register_module()
class PrototypePoints(UnitMaker):
    """Point based labels (PPL): for each predicted class, the pixels that represent its uncertain pixels best.

    Uncertain pixels are those that may be selected. The prototype of a class is the mean probability vector of its
    uncertain pixels, and the pixels whose vectors have the highest cosine similarity to it are chosen; of equal ones,
    the first in reading order. The paper does not say how many points each class gets: here all get the same number,
    the larger classes one more if there is a rest, and what a class with too few pixels cannot use goes to the others.

    The first point of each class is more useful than the second point of any class, and so on: the usefulness is the
    similarity minus the number of better points of the class.

    Args:
        points_per_image (int): Number of points, 1 or more. Defaults to 40.

    Raises:
        ValueError: if it is not an integer of 1 or more.

    Source: LabOR (Shin et al., ICCV 2021), point based pixel labelling.
    """

    unit = 'points'

    def __init__(self, points_per_image: int = 40) -> None:
        check_at_least(type(self).__name__, points_per_image=(points_per_image, 1))
        self.points_per_image = points_per_image

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image; see `UnitMaker`."""
        uncertain = np.flatnonzero(np.isfinite(scores))
        vectors = probs.reshape(len(probs), -1)[:, uncertain].astype(np.float64)  # (C, P)
        label = vectors.argmax(axis=0)
        counts = share_out(self.points_per_image, np.bincount(label, minlength=len(probs)).tolist())
        places, usefulness = [np.zeros(0, np.int64)], [np.zeros(0)]
        for number, count in enumerate(counts):
            members = np.flatnonzero(label == number)
            if count:
                similarity = cosine_to_mean(vectors[:, members])
                best = np.argsort(-similarity, kind='stable')[:count]
                places.append(uncertain[members[best]])
                usefulness.append(similarity[best] - np.arange(count))
        return _points(np.concatenate(places), scores.shape), np.concatenate(usefulness)


@UNIT_MAKERS.register_module()
class WholeImages(UnitMaker):
    """All pixels of the image as one unit. Its usefulness is the mean score of all pixels, see `image_score`."""

    unit = 'images'

    def __call__(self, scores: np.ndarray, probs: np.ndarray) -> Units:
        """Return the units of an image; see `UnitMaker`."""
        return np.ones(scores.shape, np.int32), np.array([image_score(scores)])


def _points(places: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    """Number the pixels at flat indices from 1: (H, W) int32."""
    numbers = np.zeros(shape, np.int32)
    numbers.ravel()[places] = np.arange(1, len(places) + 1)
    return numbers
