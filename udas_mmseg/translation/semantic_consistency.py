"""Semantic consistency: a frozen segmentor should predict the same before and after the translation."""
from typing import Callable, List, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor

from ..engine.launch import load_config
from ..models.softmax_heads import check_softmax_heads
from ..models.trained import build_original, load_checkpoint


class SemanticConsistency:
    """CyCADA's loss: the cross-entropy between the predictions of a segmentor for an image and for its translation.

    The segmentor was trained on the source and is frozen. It is not part of the translator's state dict and not stored
    in its checkpoints.

    Args:
        config (str | dict): Config file of the segmentor (of MMSegmentation or of this project), or its content.
        checkpoint (str): Its weights.
        weight (float): Weight of the loss, at least 0. Defaults to 1, as in CyCADA.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the weight is negative or the checkpoint does not match the config.

    Source: Hoffman et al., ICML 2018 (CyCADA), equation 5.
    """

    def __init__(self, config: Union[str, dict], checkpoint: str, weight: float = 1.0) -> None:
        if weight < 0:
            raise ValueError(f'semantic_consistency.weight={weight}: it must be 0 or more.')
        cfg = load_config(config) if isinstance(config, str) else Config(dict(config))
        self.segmentor = build_original(cfg, load_checkpoint(checkpoint)).requires_grad_(False)
        check_softmax_heads(dict(decode_head=self.segmentor), 'semantic_consistency')
        self.weight = weight

    def __call__(self, pairs: Sequence[Tuple[Tensor, Tensor]], to_pixels: Callable[[Tensor], Tensor]) -> Tensor:
        """Compute the weighted loss, summed over the pairs.

        Args:
            pairs (Sequence[tuple[Tensor, Tensor]]): Images and their translations, (N, 3, H, W) each.
            to_pixels (Callable): Converts them to BGR images in 0-255, differentiably.

        Returns:
            Tensor: Scalar, with gradients for the translations only.
        """
        self.segmentor.to(pairs[0][0].device)
        losses = []
        for image, translated in pairs:
            with torch.no_grad():
                labels = self._logits(to_pixels(image)).argmax(dim=1)
            losses.append(F.cross_entropy(self._logits(to_pixels(translated)), labels))
        return self.weight * torch.stack(losses).sum()

    def _logits(self, pixels: Tensor) -> Tensor:
        """Compute the logits of the main head at its own resolution, (N, C, h, w)."""
        data = self.segmentor.data_preprocessor(dict(inputs=list(pixels)), False)
        logits: Union[Tensor, List[Tensor]] = self.segmentor(data['inputs'], mode='tensor')
        return (logits if isinstance(logits, Tensor) else logits[0]).float()
