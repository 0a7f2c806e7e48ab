"""A step of the pixel selector in plain torch, written from the equations of LabOR and MCD."""
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Losses = Dict[str, Tensor]


class PixelSelectorStep:
    """A backbone with a main, an auxiliary and a second main head; call it with a batch for one step."""

    def __init__(self, network: nn.Module, second: nn.Module, optimizer: torch.optim.Optimizer, lambda_aux: float,
                 updates_backbone: bool) -> None:
        self.network, self.second, self.optimizer = network, second, optimizer
        self.lambda_aux, self.updates_backbone = lambda_aux, updates_backbone

    def forward(self, images: Tensor, stop: bool = False) -> List[Tensor]:
        """Logits of the main, the auxiliary and the second head at the size of the images."""
        features = self.network.backbone(images)
        if stop:
            features = [stage.detach() for stage in features]
        heads = ((self.network.decode_head, features[3]), (self.network.auxiliary_head, features[2]),
                 (self.second.decode_head, features[3]))
        return [F.interpolate(sum(conv(stage) for conv in head.convs), images.shape[2:], mode='bilinear',
                              align_corners=True) for head, stage in heads]

    def cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """The mean over all pixels, those without a label too, which have 0."""
        picked = logits.softmax(1).log().gather(1, label.where(label != 255, 0)[:, None])[:, 0]
        return -(picked * (label != 255)).sum() / label.numel()

    def discrepancy(self, first: Tensor, second: Tensor) -> Tensor:
        """The L1 distance of the probabilities, averaged over classes and pixels, class by class."""
        pairs = zip(first.softmax(1).unbind(1), second.softmax(1).unbind(1))
        return sum((one - other).abs().mean() for one, other in pairs) / first.shape[1]

    def __call__(self, labeled: Dict[str, Tuple[Tensor, Tensor]], target: Tensor, weight: float) -> Losses:
        losses: Losses = {}
        for branch, (images, label) in labeled.items():
            main, auxiliary, second = (self.cross_entropy(logits, label) for logits in self.forward(images))
            losses.update({f'{branch}.decode.loss_ce': main, f'{branch}.aux.loss_ce': self.lambda_aux * auxiliary,
                           f'{branch}.second.loss_ce': second})
        first, _, second = self.forward(target, stop=not self.updates_backbone)
        losses['target.loss_discrepancy'] = -weight * self.discrepancy(first, second)
        losses['loss'] = sum(losses.values())
        self.optimizer.zero_grad()
        losses['loss'].backward()
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}
