"""The published training step of AdaptSegNet, AdvEnt, MinEnt and MRNet, written from their equations in plain PyTorch.

A reference to compare with: straightforward on purpose, and nothing in it comes from `udas_mmseg`.
"""
import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = ('decode', 'aux')
SOURCE, TARGET = 0, 1


@dataclass
class PublishedStep:
    """One iteration of adversarial training in output space; call it with a batch.

    The losses that it returns are weighted as they count: `source.*` and `target.*` for the segmentor (`loss` is their
    sum), `discriminators.*` for the discriminators.

    Args:
        segmentor (nn.Module): `segmentor(images, mode='tensor')` gives main and auxiliary logits, (N, C, h, w) each.
        optimizer (torch.optim.Optimizer): Of the segmentor.
        discriminators (Sequence[nn.Module]): For the main and the auxiliary level; none: no adversarial term.
        discriminator_optimizer (torch.optim.Optimizer, optional): Of both.
        lambda_seg (float): Weight of the auxiliary level's cross-entropy.
        lambda_adv (tuple[float, float]): Weight of each level's adversarial term.
        lambda_ent (tuple[float, float]): Weight of each level's entropy; (0, 0) leaves the term out.
        lambda_kl (float): Weight of the divergence between both levels; 0 leaves it out.
        kl_form (str): 'symmetric_cross_entropy' or 'memory_regularization'.
        adapt_map (str): 'softmax' or 'self_information'.
        objective (str): 'vanilla' or 'lsgan'.
        gradient_penalty (float): Weight of the squared gradient of the scores of the source's maps, before the
            factor 1/2; 0 leaves it out.

    Source: Tsai et al., CVPR 2018; Vu et al., CVPR 2019; Zheng and Yang, IJCAI 2020; UDAS, section 3.3.
    """
    segmentor: nn.Module
    optimizer: torch.optim.Optimizer
    discriminators: Sequence[nn.Module] = ()
    discriminator_optimizer: Optional[torch.optim.Optimizer] = None
    lambda_seg: float = 0.1
    lambda_adv: Tuple[float, float] = (0.001, 0.0002)
    lambda_ent: Tuple[float, float] = (0.0, 0.0)
    lambda_kl: float = 0.0
    kl_form: str = 'symmetric_cross_entropy'
    adapt_map: str = 'softmax'
    objective: str = 'vanilla'
    gradient_penalty: float = 0.0

    def __call__(self, images: Tensor, labels: Tensor, target_images: Tensor) -> Dict[str, Tensor]:
        """Train on one batch.

        Args:
            images (Tensor): (N, 3, H, W) source images.
            labels (Tensor): (N, H, W) int64 in {0..C-1, 255}; 255 is ignored.
            target_images (Tensor): (N, 3, H, W) target images.

        Returns:
            dict[str, Tensor]: Every term, without gradient.
        """
        self.optimizer.zero_grad()
        for discriminator in self.discriminators:
            discriminator.requires_grad_(False)
        source_logits, losses = self._on_source(images, labels)
        target_logits, target_losses = self._on_target(target_images)
        self.optimizer.step()
        losses.update(target_losses)
        losses['loss'] = torch.stack(list(losses.values())).sum()
        if self.discriminators:
            losses.update(self._train_discriminators(source_logits, target_logits))
        return losses

    def _upsampled(self, images: Tensor) -> List[Tensor]:
        return [
            F.interpolate(level, size=images.shape[2:], mode='bilinear', align_corners=True)
            for level in self.segmentor(images, mode='tensor')
        ]

    def _on_source(self, images: Tensor, labels: Tensor) -> Tuple[List[Tensor], Dict[str, Tensor]]:
        logits = self._upsampled(images)
        losses = {}
        for name, level, weight in zip(LEVELS, logits, (1.0, self.lambda_seg)):
            losses[f'source.{name}.loss_ce'] = weight * F.cross_entropy(level, labels, ignore_index=255)
        return [level.detach() for level in logits], backward(losses)

    def _on_target(self, images: Tensor) -> Tuple[List[Tensor], Dict[str, Tensor]]:
        logits = self._upsampled(images)
        losses = {}
        for name, level, weight, discriminator in zip(LEVELS, logits, self.lambda_adv, self.discriminators):
            losses[f'target.{name}.loss_adv'] = weight * self._domain_loss(discriminator(self._map(level)), SOURCE)
        if any(self.lambda_ent):
            for name, level, weight in zip(LEVELS, logits, self.lambda_ent):
                losses[f'target.{name}.loss_ent'] = weight * weighted_self_information(level).sum(dim=1).mean()
        if self.lambda_kl:
            form = symmetric_cross_entropy if self.kl_form == 'symmetric_cross_entropy' else memory_regularization
            losses['target.loss_kl'] = self.lambda_kl * form(*logits)
        return [level.detach() for level in logits], backward(losses)

    def _train_discriminators(self, source: List[Tensor], target: List[Tensor]) -> Dict[str, Tensor]:
        assert self.discriminator_optimizer is not None
        for discriminator in self.discriminators:
            discriminator.requires_grad_(True)
        self.discriminator_optimizer.zero_grad()
        logs: Dict[str, Tensor] = {}
        for domain, logits in ((SOURCE, source), (TARGET, target)):
            losses = {
                name: 0.5 * self._domain_loss(discriminator(self._map(level)), domain)
                for name, level, discriminator in zip(LEVELS, logits, self.discriminators)
            }
            if self.gradient_penalty and domain == SOURCE:
                for name, level, discriminator in zip(LEVELS, logits, self.discriminators):
                    losses[name] = losses[name] + 0.5 * self.gradient_penalty * self._penalty(discriminator, level)
            for name, loss in backward(losses).items():
                key = f'discriminators.{name}.loss'
                logs[key] = logs[key] + loss if key in logs else loss
        self.discriminator_optimizer.step()
        return logs

    def _penalty(self, discriminator: nn.Module, logits: Tensor) -> Tensor:
        """Squared norm of the gradient of all scores of an image, mean over images, summed over the scales."""
        maps = self._map(logits).detach().requires_grad_()
        scores = discriminator(maps)
        total = torch.zeros((), dtype=logits.dtype)
        for scale in [scores] if isinstance(scores, Tensor) else scores:
            gradient = torch.autograd.grad(scale.sum(), maps, create_graph=True)[0]
            total = total + gradient.pow(2).flatten(1).sum(dim=1).mean()
        return total

    def _map(self, logits: Tensor) -> Tensor:
        return logits.softmax(dim=1) if self.adapt_map == 'softmax' else weighted_self_information(logits)

    def _domain_loss(self, scores: Union[Tensor, List[Tensor]], domain: int) -> Tensor:
        """Mean over the positions, summed over the scales where a discriminator has several."""
        terms = []
        for scale in [scores] if isinstance(scores, Tensor) else scores:
            wanted = torch.full_like(scale, float(domain))
            squared = self.objective == 'lsgan'
            terms.append(F.mse_loss(scale, wanted) if squared else F.binary_cross_entropy_with_logits(scale, wanted))
        return torch.stack(terms).sum()


def backward(losses: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Add the gradients of all losses to those of the parameters; return the losses without their graph."""
    if losses:
        torch.stack(list(losses.values())).sum().backward()
    return {name: loss.detach() for name, loss in losses.items()}


def weighted_self_information(logits: Tensor) -> Tensor:
    """-p log2 p / log2 C, (N, C, H, W); the small number is that of AdvEnt's code."""
    prob = logits.softmax(dim=1)
    return -prob * torch.log2(prob + 1e-30) / math.log2(logits.shape[1])


def symmetric_cross_entropy(main: Tensor, auxiliary: Tensor) -> Tensor:
    """-sum p_a log p_p - sum p_p log p_a, mean over pixels (UDAS)."""
    p_main, p_aux = main.softmax(dim=1), auxiliary.softmax(dim=1)
    return -(p_aux * main.log_softmax(dim=1)).sum(dim=1).mean() - (p_main * auxiliary.log_softmax(dim=1)).sum(
        dim=1).mean()


def memory_regularization(main: Tensor, auxiliary: Tensor) -> Tensor:
    """KL(mean || p_p) + KL(mean || p_a), mean = softmax(0.5 F_a + F_p) without gradient, mean over pixels (MRNet)."""
    mean = (0.5 * auxiliary + main).softmax(dim=1).detach()
    pixels = mean.numel() / mean.shape[1]
    return sum(F.kl_div(level.log_softmax(dim=1), mean, reduction='sum') / pixels for level in (main, auxiliary))
