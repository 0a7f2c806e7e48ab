"""The published steps of DACS, DAFormer and MIC, written from their equations in plain PyTorch.

A reference to compare with: the source, the teacher and the mixture pass one after the other, in float32. Only random
numbers come from `udas_mmseg`: which classes are pasted, how colours change, which blocks are masked.
"""
import copy
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.transforms.v2 import functional as image_ops

from udas_mmseg.datasets.transforms.domain_cutmix import sample_classes
from udas_mmseg.models.augment import Augmentation, StrongAugment
from udas_mmseg.utils.randomness import child_generator

Losses = Dict[str, Tensor]


@dataclass
class PublishedOnlineStep:
    """One iteration of online self-training; call it with a batch, and it returns the weighted losses.

    Args:
        student (nn.Module): An `EncoderDecoder` of MMSegmentation, perhaps with one auxiliary head.
        optimizer (torch.optim.Optimizer): Of the student.
        mean (Tensor): (3, 1, 1), with which images were normalised.
        std (Tensor): (3, 1, 1).
        momentum (float): Of the teacher.
        threshold (float): Confidence above which a pixel is sure.
        lambda_aux (float): Weight of the auxiliary head's losses.
        by_labeled (bool): Whether losses are averaged over the labelled pixels instead of all.
        augmentation (StrongAugment): Draws the changes of colours, and the blur.
        margins (Sequence[int]): Rows at the top and at the bottom of target images whose labels have the weight 0.
        lambda_fd (float): Weight of the feature distance; 0 leaves it out.
        pretrained (nn.Module, optional): The backbone with ImageNet's weights.
        classes (Sequence[int]): Classes of the feature distance.
        lambda_mic (float): Weight of masked consistency; 0 leaves it out.
        block (int): Side of its blocks.
        ratio (float): Probability with which a block is masked.
        running_statistics (bool): Whether the teacher normalises with running statistics instead of the batch's.

    Source: Tranheden et al., WACV 2021, section 3; Hoyer et al., CVPR 2022, section 3; Hoyer et al., CVPR 2023,
    section 3.2; Tarvainen and Valpola, NeurIPS 2017, section 2.
    """
    student: nn.Module
    optimizer: torch.optim.Optimizer
    mean: Tensor
    std: Tensor
    momentum: float = 0.99
    threshold: float = 0.968
    lambda_aux: float = 0.4
    by_labeled: bool = False
    augmentation: StrongAugment = field(default_factory=StrongAugment)
    margins: Sequence[int] = (0, 0)
    lambda_fd: float = 0.0
    pretrained: Optional[nn.Module] = None
    classes: Sequence[int] = ()
    lambda_mic: float = 0.0
    block: int = 1
    ratio: float = 0.0
    running_statistics: bool = False
    steps: int = 0

    def __post_init__(self) -> None:
        self.teacher = copy.deepcopy(self.student).requires_grad_(False).eval()
        for norm in self.teacher.modules():
            if isinstance(norm, _BatchNorm) and not self.running_statistics:
                norm.train().momentum = 0.0  # running statistics stay as they are

    def __call__(self, images: Tensor, labels: Tensor, target: Tensor) -> Losses:
        """Train on one batch.

        Args:
            images (Tensor): (N, 3, H, W) source images, normalised.
            labels (Tensor): (N, H, W) int64 in {0..C-1, 255}; 255 is ignored.
            target (Tensor): (N, 3, H, W) target images, normalised.

        Returns:
            dict[str, Tensor]: Every weighted loss, and their sum `loss`, without gradient.
        """
        self.optimizer.zero_grad()
        losses = self.on_source(images, labels)
        pseudo, weight = self.label(target)
        rng = child_generator()
        mixed = self.mix(images, labels, target, pseudo, weight, rng)
        losses.update(self.on_target('mixture.{}.loss_ce', self.augment(mixed[0], rng), *mixed[1:]))
        if self.lambda_mic:
            blocks = child_generator()
            masked = self.mask(self.augment(target, rng), blocks)
            losses.update(self.on_target('target.{}.loss_masked', masked, pseudo, weight, self.lambda_mic))
        self.optimizer.step()
        self.follow()
        return {**losses, 'loss': torch.stack(list(losses.values())).sum()}

    def forward(self, network: nn.Module, images: Tensor) -> Tuple[List[Tensor], Sequence[Tensor]]:
        """Compute the logits of each head at the size of the images, and the features."""
        features = network.backbone(images)
        heads = [network.decode_head] + ([network.auxiliary_head] if network.with_auxiliary_head else [])
        return [F.interpolate(head(features), images.shape[2:], mode='bilinear', align_corners=head.align_corners)
                for head in heads], features

    def cross_entropy(self, name: str, logits: List[Tensor], label: Tensor, weight: Optional[Tensor] = None,
                      factor: float = 1.0) -> Losses:
        """Weighted mean over all pixels, or over the labelled ones."""
        count = (label != 255).sum() if self.by_labeled else label.numel()
        losses: Losses = {}
        for head, level, of_head in zip(('decode', 'aux'), logits, (1.0, self.lambda_aux)):
            values = F.cross_entropy(level, label, ignore_index=255, reduction='none')
            losses[name.format(head)] = factor * of_head * (values if weight is None else weight * values).sum() / count
        return losses

    def on_source(self, images: Tensor, labels: Tensor) -> Losses:
        logits, features = self.forward(self.student, images)
        losses = self.cross_entropy('source.{}.loss_ce', logits, labels)
        if self.lambda_fd:
            losses['source.loss_feature_distance'] = self.lambda_fd * self.distance(images, labels, features[-1])
        return backward(losses)

    def on_target(self, name: str, images: Tensor, label: Tensor, weight: Tensor, factor: float = 1.0) -> Losses:
        logits, _ = self.forward(self.student, images)
        return backward(self.cross_entropy(name, logits, label, weight, factor))

    @torch.no_grad()
    def label(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        """The teacher's classes, and q, the share of sure pixels of the whole batch, (N, H, W)."""
        logits = F.interpolate(self.teacher.decode_head(self.teacher.backbone(images)), images.shape[2:],
                               mode='bilinear', align_corners=self.teacher.decode_head.align_corners)
        confidence, label = torch.softmax(logits, dim=1).max(dim=1)
        weight = torch.ones_like(confidence) * (confidence >= self.threshold).to(confidence.dtype).mean()
        top, bottom = self.margins
        weight[:, :top] = 0
        weight[:, weight.shape[1] - bottom:] = 0
        return label, weight

    def mix(self, images: Tensor, labels: Tensor, target: Tensor, pseudo: Tensor, weight: Tensor,
            rng: np.random.Generator) -> Tuple[Tensor, Tensor, Tensor]:
        """M x_s + (1 - M) x_t, and the same for labels and weights; M: half of the classes of each image."""
        masks = []
        for label in labels:
            drawn = sample_classes(label.cpu().numpy().astype(np.uint8), rng)
            masks.append(torch.stack([label == int(one) for one in drawn]).any(dim=0))
        mask = torch.stack(masks)
        return (torch.where(mask[:, None], images, target), torch.where(mask, labels, pseudo),
                torch.where(mask, torch.ones_like(weight), weight))

    def augment(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        drawn = [self.augmentation.draw(rng) for _ in images]
        unit = (images * self.std + self.mean) / 255
        changed = torch.stack([self.change(image, changes) for image, changes in zip(unit, drawn)])
        return (255 * changed - self.mean) / self.std

    def change(self, image: Tensor, changes: Augmentation) -> Tensor:
        """Colour jitter, then blur, of an RGB image (3, H, W) in [0, 1]."""
        image = image.clamp(0, 1)
        for name, factor in changes.factors.items():
            image = getattr(image_ops, f'adjust_{name}')(image, factor)
        if changes.sigma is not None:
            side = 2 * int(np.ceil(5 * changes.sigma)) + 1
            image = image_ops.gaussian_blur(image, [side, side], [changes.sigma] * 2)
        return image

    def distance(self, images: Tensor, label: Tensor, features: Tensor) -> Tensor:
        """L2 distance over channels, averaged over the cells of which one of the classes fills three quarters."""
        assert self.pretrained is not None
        self.pretrained.eval()  # backbones of MMSegmentation return nothing
        with torch.no_grad():
            expected = self.pretrained(images)[-1]
        side = images.shape[2] // features.shape[2]
        shares = [F.avg_pool2d((label == one)[:, None].to(features.dtype), side)[:, 0] for one in self.classes]
        cells = torch.stack(shares).amax(dim=0) >= 0.75
        return (features - expected).norm(dim=1)[cells].mean()

    def mask(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Set blocks to the mean colour, which is 0."""
        masked, (height, width) = images.clone(), images.shape[2:]
        drawn = rng.random((len(images), -(-height // self.block), -(-width // self.block))) < self.ratio
        for number, row, column in np.argwhere(drawn) * (1, self.block, self.block):
            masked[number, :, row:row + self.block, column:column + self.block] = 0
        return masked

    @torch.no_grad()
    def follow(self) -> None:
        """T = m t + (1 - m) s, m = min(1 - 1 / (steps + 1), momentum)."""
        rate = min(1 - 1 / (self.steps + 1), self.momentum)
        student: Dict[str, Any] = self.student.state_dict()
        for name, value in self.teacher.state_dict().items():
            value.copy_(rate * value + (1 - rate) * student[name] if value.is_floating_point() else student[name])
        self.steps += 1


def backward(losses: Losses) -> Losses:
    """Add the gradients of all losses to those of the parameters; return the losses without their graph."""
    torch.stack(list(losses.values())).sum().backward()
    return {name: loss.detach() for name, loss in losses.items()}
