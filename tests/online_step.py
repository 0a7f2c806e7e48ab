"""The steps of DACS, DAFormer and MIC in plain torch, written from the equations of the papers.

Only random numbers come from the tested code: which classes are pasted, how colours change, which blocks are masked.
"""
import colorsys
import copy
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from udas_mmseg.datasets.transforms.domain_cutmix import sample_classes
from udas_mmseg.models.augment import Augmentation, StrongAugment
from udas_mmseg.utils.randomness import child_generator

Losses = Dict[str, Tensor]


def grey(image: Tensor) -> Tensor:
    """ITU-R 601 luma of an RGB image (3, H, W)."""
    return (0.2989 * image[0] + 0.587 * image[1] + 0.114 * image[2])[None]


def shift_hue(image: Tensor, turns: float) -> Tensor:
    shifted = []
    for red, green, blue in image.flatten(1).T.tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        shifted.append(colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value))
    return image.new_tensor(shifted).T.reshape(image.shape)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian of five standard deviations to each side; borders are reflected."""
    radius = int(np.ceil(5 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=image.dtype) / sigma)**2)
    weights = weights / weights.sum()
    padded = F.pad(image[None], (radius, ) * 4, mode='reflect')[0]
    rows = sum(weight * padded[:, number:number + image.shape[1]] for number, weight in enumerate(weights))
    return sum(weight * rows[:, :, number:number + image.shape[2]] for number, weight in enumerate(weights))


def change(image: Tensor, augmentation: Augmentation) -> Tensor:
    """Colour jitter, then blur, of an RGB image (3, H, W) in [0, 1]."""
    for name, factor in augmentation.factors.items():
        if name == 'hue':
            image = shift_hue(image, factor)
            continue
        other = dict(brightness=torch.zeros_like(image), contrast=grey(image).mean(), saturation=grey(image))[name]
        image = (factor * image + (1 - factor) * other).clamp(0, 1)
    return image if augmentation.sigma is None else blur(image, augmentation.sigma)


class OnlineStep:
    """A student with two heads, its optimizer and its teacher; call it with a batch for one step."""

    def __init__(self, student: nn.Module, optimizer: torch.optim.Optimizer, mean: Tensor, std: Tensor, momentum: float,
                 threshold: float, lambda_aux: float, by_labeled: bool, margins: Sequence[int] = (0, 0),
                 lambda_fd: float = 0.0, pretrained: Optional[nn.Module] = None, classes: Sequence[int] = (),
                 lambda_mic: float = 0.0, block: int = 1, ratio: float = 0.0,
                 running_statistics: bool = False) -> None:
        self.student, self.optimizer, self.teacher = student, optimizer, copy.deepcopy(student)
        self.mean, self.std, self.momentum, self.threshold = mean, std, momentum, threshold
        self.lambda_aux, self.by_labeled, self.margins = lambda_aux, by_labeled, margins
        self.lambda_fd, self.pretrained, self.classes = lambda_fd, pretrained, classes
        self.lambda_mic, self.block, self.ratio = lambda_mic, block, ratio
        self.running_statistics, self.steps = running_statistics, 0

    def forward(self, network: nn.Module, images: Tensor) -> Tuple[List[Tensor], Tensor]:
        """Logits of both heads at the size of the images, and the last feature map."""
        features = network.backbone(images)
        heads = ((network.decode_head, features[3]), (network.auxiliary_head, features[2]))
        return [F.interpolate(sum(conv(stage) for conv in head.convs), images.shape[2:], mode='bilinear',
                              align_corners=True) for head, stage in heads], features[3]

    def cross_entropy(self, logits: List[Tensor], label: Tensor, weight: Tensor, name: str) -> Losses:
        """Weighted mean over all pixels, or over the labelled ones."""
        count = (label != 255).sum() if self.by_labeled else label.numel()
        losses = [(weight * F.cross_entropy(level, label, ignore_index=255, reduction='none')).sum() / count
                  for level in logits]
        return {name.format('decode'): losses[0], name.format('aux'): self.lambda_aux * losses[1]}

    @torch.no_grad()
    def label(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        """The teacher's classes, and q, the share of sure pixels of the whole batch."""
        before = copy.deepcopy(self.teacher.state_dict())
        logits = self.forward(self.teacher.train(not self.running_statistics), images)[0][0]
        self.teacher.load_state_dict(before)  # training mode has changed the running statistics
        confidence, label = torch.softmax(logits, dim=1).max(dim=1)
        weight = (confidence >= self.threshold).double().mean().expand(label.shape).clone()
        top, bottom = self.margins
        weight[:, :top] = 0
        weight[:, weight.shape[1] - bottom:] = 0
        return label, weight

    def augment(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        drawn = [StrongAugment(hue=0).draw(rng) for _ in images]
        unit = (images * self.std + self.mean) / 255
        changed = torch.stack([change(*pair) for pair in zip(unit, drawn)])
        return (255 * changed - self.mean) / self.std

    def feature_distance(self, images: Tensor, label: Tensor, features: Tensor) -> Losses:
        """L2 distance over channels, in the cells of which one of the classes fills three quarters."""
        self.pretrained.eval()
        with torch.no_grad():
            expected = self.pretrained(images)[3]
        side, distances = images.shape[2] // features.shape[2], []
        for number, row, column in np.ndindex(len(images), *features.shape[2:]):
            cell = label[number, row * side:(row + 1) * side, column * side:(column + 1) * side]
            if any((cell == index).double().mean() >= 0.75 for index in self.classes):
                distances.append(((features - expected)[number, :, row, column]**2).sum().sqrt())
        assert distances
        return {'source.loss_feature_distance': self.lambda_fd * sum(distances) / len(distances)}

    def mask(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        masked, (height, width) = images.clone(), images.shape[2:]
        drawn = rng.random((len(images), -(-height // self.block), -(-width // self.block))) < self.ratio
        for number, row, column in np.argwhere(drawn) * (1, self.block, self.block):
            masked[number, :, row:row + self.block, column:column + self.block] = 0
        return masked

    def __call__(self, images: Tensor, labels: Tensor, target: Tensor) -> Losses:
        pseudo, weight = self.label(target)
        rng = child_generator()
        mixed, mixed_label, mixed_weight = target.clone(), pseudo.clone(), weight.clone()
        for number, label in enumerate(labels):
            for index in sample_classes(label.numpy().astype(np.uint8), rng):
                pasted = label == index
                mixed[number, :, pasted] = images[number, :, pasted]
                mixed_label[number, pasted], mixed_weight[number, pasted] = index, 1.0
        mixed = self.augment(mixed, rng)

        logits, features = self.forward(self.student.train(), images)
        losses = self.cross_entropy(logits, labels, torch.ones_like(weight), 'source.{}.loss_ce')
        if self.lambda_fd:
            losses.update(self.feature_distance(images, labels, features))
        logits, _ = self.forward(self.student, mixed)
        losses.update(self.cross_entropy(logits, mixed_label, mixed_weight, 'mixture.{}.loss_ce'))
        if self.lambda_mic:
            blocks = child_generator()
            logits, _ = self.forward(self.student, self.mask(self.augment(target, rng), blocks))
            masked = self.cross_entropy(logits, pseudo, weight, 'target.{}.loss_masked')
            losses.update((name, self.lambda_mic * value) for name, value in masked.items())
        self.optimizer.zero_grad()
        sum(losses.values()).backward()
        self.optimizer.step()
        self.follow()
        return {**{name: value.detach() for name, value in losses.items()}, 'loss': sum(losses.values()).detach()}

    @torch.no_grad()
    def follow(self) -> None:
        """T = m t + (1 - m) s, m = min(1 - 1 / (steps + 1), momentum)."""
        rate = min(1 - 1 / (self.steps + 1), self.momentum)
        student: Dict[str, Any] = self.student.state_dict()
        for name, value in self.teacher.state_dict().items():
            value.copy_(rate * value + (1 - rate) * student[name] if value.is_floating_point() else student[name])
        self.steps += 1
