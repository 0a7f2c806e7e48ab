"""The class shares of unlabelled images, estimated with a teacher, and the correction of its predictions by them."""
import math
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ..datasets.image_views import ImageViewsDataset
from ..models.max_confidence import softmax_with_temperature
from ..utils.indices import spread_evenly
from ..utils.prediction_loop import Unreadable
from .predict import Labeler, infer

_PIXELS = 2000  # of an image, on a grid
_LEAST = 1e-6  # smallest share of a class in the source, and smallest quotient of shares
_TOLERANCE, _MOST_STEPS = 1e-7, 1000


@dataclass(frozen=True)
class PriorCorrection:
    """Correction of a teacher's probabilities p(c | x), which are multiplied by (pi_target(c) / pi_source(c))^strength.

    They are normalised afterwards. pi_target is estimated on the images that are labelled, without their labels, see
    `estimate_prior`.

    Args:
        source (Sequence[float]): (C, ) share of the pixels of each class in the images with which the teacher was
            trained, 0 or more; they are normalised.
        strength (float): In (0, 1]; values below 1 correct less. Defaults to 1.
        images (int): Number of images, evenly spread, on which the shares are estimated; 1 or more. Defaults to 200.

    Raises:
        ValueError: if a value is not allowed.

    Source: Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities: A
        Simple Procedure", Neural Computation 2002, equation 2.4.
    """
    source: Tuple[float, ...]
    strength: float = 1.0
    images: int = 200

    def __post_init__(self) -> None:
        if not len(self.source) > 1 or not all(0 <= share < math.inf for share in self.source) or not sum(self.source):
            raise ValueError(f'prior.source={self.source!r}: it must be the share of each class, 0 or more.')
        if not 0 < self.strength <= 1:
            raise ValueError(f'prior.strength={self.strength!r}: allowed are numbers above 0, up to 1.')
        if not isinstance(self.images, int) or self.images < 1:
            raise ValueError(f'prior.images={self.images!r}: allowed are whole numbers from 1.')

    @classmethod
    def from_config(cls, given: Any) -> Optional['PriorCorrection']:
        """Build it from the option `prior`, a dict or None.

        Raises:
            ValueError: for another value, an unknown entry, or a value that is not allowed.
        """
        if given is None:
            return None
        known = list(cls.__dataclass_fields__)
        if not isinstance(given, Mapping) or not {*given} <= {*known} or 'source' not in given:
            raise ValueError(f'prior={given!r}: it must be a dict with `source`, and perhaps other entries of '
                             f'{", ".join(known)}.')
        return cls(**{**given, 'source': tuple(given['source'])})

    def shift(self, target: Tensor) -> Tensor:
        """Return what is added to the logits (C, ) for the shares of the target (C, ); 0 for unknown classes."""
        known = _normalised(self.source, target)
        return torch.where(known > 0, self.strength * (target / known.clamp(min=_LEAST)).clamp(min=_LEAST).log(),
                           torch.zeros_like(known))


def estimate_prior(probs: Tensor, source: Sequence[float]) -> Tensor:
    """Estimate the shares of the classes in data with other shares than the training data, by EM.

    E: p'(c | x) = p(c | x) pi(c) / pi_source(c), normalised over c. M: pi(c) = mean over x of p'(c | x). It starts at
    pi_source and increases the likelihood of the data at each step, if p(c | x) are the probabilities for the source
    and p(x | c) is the same in both domains. Confident mistakes of the teacher are therefore not noticed.

    Args:
        probs (Tensor): (N, C) in [0, 1], predictions of the teacher.
        source (Sequence[float]): (C, ) shares in its training data. Classes of which the source has less than a
            millionth are left out: their quotient would be arbitrary.

    Returns:
        Tensor: (C, ) float64 in [0, 1], which sums to 1; 0 for classes that are left out.

    Source: Saerens, Latinne and Decaestecker, Neural Computation 2002, equation 2.9.
    """
    probs = probs.double()
    known = _normalised(source, probs)
    prior = known
    for _ in range(_MOST_STEPS):
        corrected = probs * (prior / known.clamp(min=_LEAST))
        found = (corrected / corrected.sum(dim=1, keepdim=True).clamp(min=torch.finfo(probs.dtype).tiny)).mean(dim=0)
        found = found / found.sum()
        if (found - prior).abs().max() < _TOLERANCE:
            return found
        prior = found
    return prior


def _normalised(shares: Sequence[float], like: Tensor) -> Tensor:
    """Return shares of classes as a tensor (C, ) that sums to 1; those below a millionth are 0."""
    values = torch.as_tensor(shares, dtype=like.dtype, device=like.device)
    values = values / values.sum()
    values = torch.where(values < _LEAST, torch.zeros_like(values), values)
    return values / values.sum()


def correct_prior(labeler: Labeler, images: ImageViewsDataset, correction: PriorCorrection,
                  temperature: float = 1.0) -> Tuple[Labeler, List[float]]:
    """Estimate the class shares of some images, and return a labeler that is corrected by them.

    Call it in every process; all get the same result.

    Args:
        labeler (Labeler): The teacher, in evaluation mode, with a softmax.
        images (ImageViewsDataset): The images; the first view of each is used. Unreadable ones are left out.
        correction (PriorCorrection): The settings.
        temperature (float): Temperature of the softmax. Defaults to 1.0.

    Returns:
        tuple[Labeler, list[float]]: The corrected labeler, and the estimated share of each class.

    Raises:
        ValueError: if the number of classes differs, or no image can be read.
    """
    classes = labeler.segmentor.num_classes
    if len(correction.source) != classes:
        raise ValueError(f'prior.source has {len(correction.source)} shares, and the model {classes} classes. Give '
                         'one for each class.')
    found = []
    for number in spread_evenly(len(images), correction.images):
        image = images[number]
        if not isinstance(image, Unreadable):
            with torch.no_grad():
                logits, _ = infer(labeler, image.samples[:1])
            pixels = softmax_with_temperature(logits, temperature)[0].flatten(1)
            found.append(pixels[:, ::max(1, pixels.shape[1] // _PIXELS)].T.cpu())
    if not found:
        raise ValueError('prior: none of the images can be read, so the class shares cannot be estimated.')
    target = estimate_prior(torch.cat(found), correction.source)
    shift = temperature * correction.shift(target)  # of the logits, which are divided by the temperature
    return labeler._replace(shift=shift.float().to(logits.device)), target.tolist()
