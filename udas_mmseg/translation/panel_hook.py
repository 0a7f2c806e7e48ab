"""A hook that draws translations while a translator is trained."""
from typing import List

import cv2
import numpy as np
import torch
from mmseg.registry import HOOKS
from torch import Tensor, nn

from ..engine.hooks import DomainPanelHook
from ..visualization import grid


@HOOKS.register_module()
class TranslationPanelHook(DomainPanelHook):
    """Draw a few fixed images of both domains, their translations, and the translations translated back.

    The arguments are those of `DomainPanelHook`. `dataset` is required: `dict(source=..., target=...)`, data sets
    without labels whose pipelines end with `PackSegInputs`.

    Example:
        >>> default_hooks = dict(
        >>>     panels=dict(type='TranslationPanelHook', dataset=dict(source=source_panel, target=target_panel)))
    """

    def _picture(self, model: nn.Module) -> np.ndarray:
        rows, captions = self._rows(model)
        return grid(rows, ('image', 'translated', 'cycled back'), captions)

    def _row(self, model: nn.Module, sample: dict, domain: str) -> List[np.ndarray]:
        image = sample['inputs'][None]
        translated = model.translate(image, to='source' if domain == 'target' else 'target')
        cycled = model.translate(translated, to=domain)
        return [self._resize(picture) for picture in (image, translated, cycled)]

    def _resize(self, images: Tensor) -> np.ndarray:
        """Resize (1, 3, H, W) to an image (H, W, 3) uint8 BGR with the width of the picture."""
        pixels = images[0].to(torch.uint8).cpu().numpy().transpose(1, 2, 0)
        height = max(1, round(self.width * pixels.shape[0] / pixels.shape[1]))
        return cv2.resize(pixels, (self.width, height), interpolation=cv2.INTER_AREA)
