"""Options of labelling images with a trained model."""
from dataclasses import dataclass
from typing import Any, Dict, Optional

from ..datasets.image_views import build_augment
from .agreement import HEADS, Agreement, without_defaults
from .predict import MERGES
from .prior import PriorCorrection

_DEFAULT_AUGMENT = dict(type='SegAutoAugment', policy='imagenet')


@dataclass(frozen=True)
class LabelingOptions:
    """Options of labelling a data set.

    Args:
        views (int): Number of views of each image, including the image itself. UDAS merges 3. Defaults to 3.
        augment (dict, optional): Config of the `SegAugment` that produces the other views. Defaults to AutoAugment's
            ImageNet policy.
        seed (int): Seed of the augmentation, 0 or more. Defaults to 0.
        temperature (float): Temperature of the softmax, above 0. Values below 1 raise the confidences. Defaults to 1.0.
        batch_size (int): Number of images whose views are predicted at once. Defaults to 1.
        workers (int): Number of processes that load images and draw views. Defaults to 2.
        max_broken (int): Number of images that may be skipped because they cannot be read. Defaults to 0.
        merge (str): 'confident', the most confident view of each pixel (UDAS), or 'mean', the mean of their
            probabilities (MRNet). Defaults to 'confident'.
        agreement (dict, optional): Arguments of `Agreement`: how the agreement of the predictions changes the
            confidences. Defaults to None: not at all.
        prior (dict, optional): Arguments of `PriorCorrection`: the probabilities are corrected by the class shares of
            the images, which are estimated without labels. Defaults to None: not corrected.

    Raises:
        ValueError: if a value is outside its range, or the geometry of `augment` cannot be undone.
    """
    views: int = 3
    augment: Optional[Dict[str, Any]] = None
    seed: int = 0
    temperature: float = 1.0
    batch_size: int = 1
    workers: int = 2
    max_broken: int = 0
    merge: str = MERGES[0]
    agreement: Optional[Dict[str, Any]] = None
    prior: Optional[Dict[str, Any]] = None

    def __post_init__(self) -> None:
        for name, lowest in (('views', 1), ('batch_size', 1), ('seed', 0), ('workers', 0), ('max_broken', 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < lowest:
                raise ValueError(f'{name}={value!r}: allowed are integers of {lowest} or more.')
        if not 0 < self.temperature < float('inf'):
            raise ValueError(f'temperature={self.temperature}: it must be above 0. Values below 1 raise the '
                             'confidences.')
        if self.merge not in MERGES:
            raise ValueError(f'merge={self.merge!r}: allowed are {", ".join(MERGES)}.')
        Agreement.from_config(self.agreement)
        PriorCorrection.from_config(self.prior)
        if self.augment_cfg is not None:
            build_augment(self.augment_cfg).of_view(self.views - 1)

    @property
    def augment_cfg(self) -> Optional[Dict[str, Any]]:
        """The config of the augmentation that produces the other views; None if there are no other views."""
        if self.views == 1:
            return None
        return dict(_DEFAULT_AUGMENT if self.augment is None else self.augment)

    @property
    def comparison(self) -> Agreement:
        """How the agreement of the predictions changes the confidences."""
        return Agreement.from_config(self.agreement)

    @property
    def correction(self) -> Optional[PriorCorrection]:
        """How the probabilities are corrected; None if they are not."""
        return PriorCorrection.from_config(self.prior)

    @property
    def header(self) -> Dict[str, Any]:
        """The settings that affect the labels, as stored in index.json."""
        return dict(views=self.views, augment=self.augment_cfg, seed=self.seed, temperature=self.temperature,
                    merge=self.merge, agreement=without_defaults(self.comparison), prior=self.prior)


def check_compared(options: LabelingOptions, teachers: int = 1) -> int:
    """Check that there are several predictions for each pixel if they are to be compared. Returns their number.

    Raises:
        ValueError: if there is only one.
    """
    predictions = options.views * teachers * (1 if options.comparison.heads == HEADS[0] else 2)
    if options.comparison.compares and predictions == 1:
        raise ValueError(f'agreement={options.agreement} compares predictions, but there is only one: views=1. Use '
                         "more views, heads='both', or further teachers.")
    return predictions
