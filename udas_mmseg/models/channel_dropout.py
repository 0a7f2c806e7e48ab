"""Dropout of whole channels, with draws that can be repeated and reversed."""
from typing import Sequence

import torch
from torch import Tensor

from ..utils.randomness import Key, key_generator


class ChannelDropout:
    """Set half of the channels to 0 and double the others.

    The draws depend only on the key, the image and the stage. Two objects of one key, of which one is the complement,
    therefore keep each channel of an image exactly once.

    Args:
        key (Sequence[int | str]): Key of the random numbers.
        is_complement (bool): Whether to keep the channels that are dropped otherwise. Defaults to False.

    Source: Yang et al., "UniMatch", CVPR 2023, section 3.2; Yang et al., "UniMatch V2", 2024 (complementary).
    """

    def __init__(self, key: Sequence[Key], is_complement: bool = False) -> None:
        self.key = key
        self.is_complement = is_complement

    def __call__(self, stage: int, features: Tensor) -> Tensor:
        """Drop channels of the features of a stage, (N, C, H, W)."""
        kept = key_generator(*self.key, stage).random(features.shape[:2]) < 0.5
        if self.is_complement:
            kept = ~kept
        return features * torch.as_tensor(2.0 * kept, dtype=features.dtype, device=features.device)[:, :, None, None]
