"""A step of cross pseudo supervision in plain torch, written from the equations of the paper.

Only random numbers come from the tested code: which boxes are mixed.
"""
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Losses = Dict[str, Tensor]


class CrossPseudoStep:
    """Two networks with a main and an auxiliary head, each with its optimizer; call it with a batch for one step."""

    def __init__(self, networks: List[nn.Module], optimizers: List[torch.optim.Optimizer], lambda_cps: float,
                 lambda_aux: float) -> None:
        self.networks, self.optimizers = networks, optimizers
        self.lambda_cps, self.lambda_aux = lambda_cps, lambda_aux

    def forward(self, network: nn.Module, images: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits of both heads at the size of the images."""
        features = network.backbone(images)
        heads = ((network.decode_head, features[3]), (network.auxiliary_head, features[2]))
        main, auxiliary = (F.interpolate(sum(conv(stage) for conv in head.convs), images.shape[2:], mode='bilinear',
                                         align_corners=True) for head, stage in heads)
        return main, auxiliary

    def cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """The mean over all pixels, one by one."""
        log = logits - logits.exp().sum(1, keepdim=True).log()
        kept = label != 255
        picked = log.gather(1, torch.where(kept, label, 0)[:, None])[:, 0]
        return -(picked * kept).sum()

    def cps(self, logits: List[Tensor], labels: List[Tensor]) -> List[Tensor]:
        """Each network's logits against the labels of the other one."""
        return [self.lambda_cps * self.cross_entropy(logits[ours], labels[1 - ours]) / labels[0].numel()
                for ours in (0, 1)]

    def __call__(self, images: Tensor, label: Tensor, unlabeled: Tensor, mask: Optional[Tensor] = None) -> Losses:
        losses: Losses = {}
        labels = None
        if mask is not None:
            with torch.no_grad():
                whole = [self.forward(network, unlabeled)[0].argmax(1) for network in self.networks]
            following = [*range(1, len(unlabeled)), 0]
            labels = [torch.where(mask, of_network[following], of_network) for of_network in whole]
            unlabeled = torch.where(mask[:, None], unlabeled[following], unlabeled)
        labeled = [self.forward(network, images) for network in self.networks]
        for name, (main, auxiliary) in zip(('first', 'second'), labeled):
            losses[f'labeled_target.{name}.decode.loss_ce'] = self.cross_entropy(main, label) / label.numel()
            losses[f'labeled_target.{name}.aux.loss_ce'] = (
                self.lambda_aux * self.cross_entropy(auxiliary, label) / label.numel())
        outputs = dict(labeled_target=([main for main, _ in labeled], [main.argmax(1) for main, _ in labeled]))
        logits = [self.forward(network, unlabeled)[0] for network in self.networks]
        outputs['target'] = logits, labels or [of_network.argmax(1) for of_network in logits]
        for branch, pair in outputs.items():
            losses.update(zip((f'{branch}.first.loss_cps', f'{branch}.second.loss_cps'), self.cps(*pair)))
        total = sum(losses.values())
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        total.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return {**{name: value.detach() for name, value in losses.items()}, 'loss': total.detach()}
