"""Steps of mean teacher, FixMatch, UniMatch and UniMatch V2 in plain torch, written from the equations of the papers.

Only random numbers come from the tested code: how colours change, where boxes are, which channels are dropped.
"""
import copy
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from online_step import change, grey
from udas_mmseg.datasets.transforms.domain_cutmix import sample_box
from udas_mmseg.models.augment import StrongAugment
from udas_mmseg.utils.randomness import child_generator, child_key, key_generator

Losses = Dict[str, Tensor]


class SemiStep:
    """A student with two heads, its optimizer and perhaps a teacher; call it with a batch for one step.

    Args:
        momentum (float, optional): Of the teacher; None: the student labels (FixMatch, UniMatch).
        weights (dict): Of the losses on `labeled_target` and on each branch that is made.
        dropout (str): 'none', 'stream' (of `features`) or 'complementary' (of both strong views).
        objective (str): 'labels' with a threshold, or 'mse'.
    """

    def __init__(self, student: nn.Module, optimizer: torch.optim.Optimizer, mean: Tensor, std: Tensor,
                 weights: Dict[str, float], threshold: float = 0.0, momentum: Optional[float] = None,
                 dropout: str = 'none', objective: str = 'labels', mix_prob: float = 0.5,
                 augment: Optional[dict] = None, lambda_aux: float = 0.4) -> None:
        self.student, self.optimizer, self.mean, self.std = student, optimizer, mean, std
        self.teacher = copy.deepcopy(student) if momentum is not None else None
        self.weights, self.threshold, self.momentum, self.dropout = weights, threshold, momentum, dropout
        self.objective, self.mix_prob, self.lambda_aux, self.steps = objective, mix_prob, lambda_aux, 0
        self.augmentation = StrongAugment(**augment)  # type: ignore[arg-type]

    def forward(self, network: nn.Module, images: Tensor, factors: Any = None) -> List[Tensor]:
        """Logits of both heads at the size of the images; `factors` of the channels of each stage."""
        stages = list(network.backbone(images))
        if factors is not None:
            stages = [stage * factors(number, stage).view(*stage.shape[:2], 1, 1)
                      for number, stage in enumerate(stages)]
        heads = ((network.decode_head, stages[3]), (network.auxiliary_head, stages[2]))
        return [F.interpolate(sum(conv(stage) for conv in head.convs), images.shape[2:], mode='bilinear',
                              align_corners=True) for head, stage in heads]

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Probabilities with the statistics of the batch; the running statistics stay."""
        network = self.student if self.teacher is None else self.teacher
        before = copy.deepcopy(network.state_dict())
        probs = torch.softmax(self.forward(network.train(), images)[0], dim=1)
        network.load_state_dict(before)
        return probs

    def strong_view(self, images: Tensor, rng: np.random.Generator) -> Tuple[Tensor, Tensor]:
        """Other colours, then boxes of the next image. Returns the views, and where their pixels are the next's."""
        drawn = [self.augmentation.draw(rng) for _ in images]
        views = []
        for image, one in zip((images * self.std + self.mean) / 255, drawn):
            changed = change(image, one._replace(sigma=None, is_grey=False))
            changed = grey(changed).expand(3, -1, -1) if one.is_grey else changed
            views.append(change(changed, one._replace(factors={})))
        strong = (255 * torch.stack(views) - self.mean) / self.std
        pasted = torch.zeros(len(images), *images.shape[2:], dtype=torch.bool)
        for where in pasted:
            box = sample_box(*images.shape[2:], float(rng.beta(1., 1.)), rng)
            where[box.top:box.bottom, box.left:box.right] = True
        pasted[rng.random(len(images)) >= self.mix_prob] = False
        mixed = strong.clone()
        for number, where in enumerate(pasted):
            mixed[number, :, where] = strong[(number + 1) % len(strong), :, where]
        return mixed, pasted

    def paste(self, values: Tensor, pasted: Tensor) -> Tensor:
        """Paste the values (N, H, W) or (N, C, H, W) of the next image."""
        mixed = values.clone()
        for number, where in enumerate(pasted):
            mixed[number, ..., where] = values[(number + 1) % len(values), ..., where]
        return mixed

    def unsupervised(self, name: str, images: Tensor, probs: Tensor, factors: Any = None) -> Losses:
        """The losses of both heads: 1(max p >= tau) CE(argmax p, q), or |q - p|^2, averaged over all pixels."""
        confidence, label = probs.max(dim=1)
        losses = {}
        for head, logits, weight in zip(('decode', 'aux'), self.forward(self.student, images, factors),
                                        (1, self.lambda_aux)):
            if self.objective == 'mse':
                value, kind = ((torch.softmax(logits, dim=1) - probs)**2).mean(), 'mse'
            else:
                each = -torch.log_softmax(logits, dim=1).gather(1, label[:, None])[:, 0]
                value, kind = ((confidence >= self.threshold) * each).mean(), 'ce'
            losses[f'{name}.{head}.loss_{kind}'] = self.weights[name] * weight * value
        return losses

    def factors(self, key: List[int], complement: bool) -> Any:
        def of_stage(number: int, stage: Tensor) -> Tensor:
            draws = torch.from_numpy(key_generator(*key, number).random(stage.shape[:2]))
            return 2. * (draws >= 0.5 if complement else draws < 0.5)

        return of_stage

    def __call__(self, images: Tensor, labels: Tensor, target: Tensor) -> Losses:
        probs = self.predict(target)
        rng = child_generator()
        key = child_key() if self.dropout != 'none' else []
        views = [self.strong_view(target, rng) for name in ('strong', 'strong2') if name in self.weights]

        losses = {}
        for head, logits, weight in zip(('decode', 'aux'), self.forward(self.student.train(), images),
                                        (1, self.lambda_aux)):
            value = F.cross_entropy(logits, labels, ignore_index=255, reduction='sum') / labels.numel()
            losses[f'labeled_target.{head}.loss_ce'] = self.weights['labeled_target'] * weight * value
        if self.dropout == 'stream':
            losses.update(self.unsupervised('features', target, probs, self.factors(key, False)))
        for number, (mixed, pasted) in enumerate(views):
            factors = self.factors(key, number == 1) if self.dropout == 'complementary' else None
            name = ('strong', 'strong2')[number]
            losses.update(self.unsupervised(name, mixed, self.paste(probs, pasted), factors))
        self.optimizer.zero_grad()
        sum(losses.values()).backward()
        self.optimizer.step()
        self.follow()
        return {**{name: value.detach() for name, value in losses.items()}, 'loss': sum(losses.values()).detach()}

    @torch.no_grad()
    def follow(self) -> None:
        """T = m t + (1 - m) s, m = min(1 - 1 / (steps + 1), momentum)."""
        if self.teacher is None or self.momentum is None:
            return
        rate = min(1 - 1 / (self.steps + 1), self.momentum)
        student: Dict[str, Any] = self.student.state_dict()
        for name, value in self.teacher.state_dict().items():
            value.copy_(rate * value + (1 - rate) * student[name] if value.is_floating_point() else student[name])
        self.steps += 1
