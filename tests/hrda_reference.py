"""HRDA in plain torch, written from the equations of the paper, and tiny networks for it.

Only the corners of the crops come from the tested code. Backbone and heads are called as they are.
"""
import copy
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from adversarial_models import FCN_AUX, deeplabv2
from udas_mmseg.datasets.transforms.domain_cutmix import sample_classes
from udas_mmseg.models.multi_resolution import draw_corners
from udas_mmseg.utils.randomness import child_generator

SHARE = 0.3  # lambda_d
LAMBDA_AUX = 0.4
MIT = dict(type='MixVisionTransformer', embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 2, 2],
           sr_ratios=[2, 2, 1, 1], drop_path_rate=0.)  # the usual ones need larger images
DAFORMER = dict(type='DAFormerHead', in_channels=[4, 4, 8, 8], in_index=[0, 1, 2, 3], channels=6, embed_channels=5,
                dropout_ratio=0, align_corners=False, num_classes=3)
HRDA: Dict[str, dict] = {
    # cells of 8 pixels in the detail, 16 in the context
    'DeepLabv2': dict(deeplabv2(), type='HRDAEncoderDecoder', detail_size=32, detail_weight=SHARE, divisor=16,
                      auxiliary_head=FCN_AUX),
    # cells of 4 and 8 pixels
    'DAFormer': dict(type='HRDAEncoderDecoder', data_preprocessor=deeplabv2()['data_preprocessor'], backbone=MIT,
                     decode_head=DAFORMER, scale_attention=dict(DAFORMER, dilations=()), detail_size=(24, 40),
                     auxiliary_head=dict(FCN_AUX, in_channels=8), detail_weight=SHARE, train_cfg=dict(),
                     test_cfg=dict(mode='whole')),
}  # yapf: disable


def build_hrda(name: str = 'DeepLabv2', seed: int = 0, **options: Any) -> nn.Module:
    """In float64, with heads whose attention is neither 0 nor 1 everywhere."""
    torch.manual_seed(seed)
    network = MODELS.build({**HRDA[name], **options}).double()
    for head in (network.decode_head, network.scale_attention):
        for parameter in head.parameters():
            parameter.data *= 5
    return network


def interpolate(values: Tensor, size: Any, network: nn.Module) -> Tensor:
    return F.interpolate(values, tuple(size), mode='bilinear', align_corners=network.align_corners)


def context_of(network: nn.Module, images: Tensor) -> Tuple[Tensor, Any, Tensor, Tensor]:
    """The mean of each 2x2 pixels, its features, logits and attention."""
    small = sum(images[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)) / 4
    features = network.backbone(small)
    return small, features, network.decode_head(features), 1 / (1 + torch.exp(-network.scale_attention(features)))


class Trained:
    """Context, detail, scale attention and their fusion for a batch in training."""

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        size, self.size, self.network = tuple(images.shape[2:]), network.detail_size, network
        self.small, self.features, context, attention = context_of(network, images)
        self.corners = draw_corners(len(images), size, self.size, network.divisor, child_generator())
        self.detail = network.decode_head(network.backbone(torch.stack(self.crop(images))))
        coarse, fine = size[0] // context.shape[2], self.size[0] // self.detail.shape[2]
        fused = []
        for number, (top, left) in enumerate(self.corners):
            inside = torch.zeros_like(attention[number])
            inside[:, top // coarse:(top + self.size[0]) // coarse, left // coarse:(left + self.size[1]) // coarse] = 1
            weight = attention[number] * inside
            pasted = context.new_zeros(context.shape[1], size[0] // fine, size[1] // fine)
            pasted[:, top // fine:(top + self.size[0]) // fine,
                   left // fine:(left + self.size[1]) // fine] = self.detail[number]
            up = [interpolate(values[None], pasted.shape[1:], network)[0]
                  for values in ((1 - weight) * context[number], weight)]
            fused.append(up[0] + up[1] * pasted)
        auxiliary = network.auxiliary_head(self.features)
        self.fused = interpolate(torch.stack(fused), size, network)
        self.aux = F.interpolate(auxiliary, size, mode='bilinear', align_corners=network.auxiliary_head.align_corners)

    def crop(self, values: Tensor) -> List[Tensor]:
        return [value[..., top:top + self.size[0], left:left + self.size[1]]
                for value, (top, left) in zip(values, self.corners)]

    def losses(self, label: Tensor, weight: Tensor, lambda_aux: float, by_labeled: bool = False) -> Dict[str, Tensor]:
        """(1 - lambda_d) L(fused) + lambda_d L(detail), and the loss of the auxiliary head."""
        of_crops, weight_of_crops = (torch.stack(self.crop(values)) for values in (label, weight))
        detail = interpolate(self.detail, self.size, self.network)
        return {'decode.loss_ce': (1 - SHARE) * cross_entropy(self.fused, label, weight, by_labeled),
                'decode.detail.loss_ce': SHARE * cross_entropy(detail, of_crops, weight_of_crops, by_labeled),
                'aux.loss_ce': lambda_aux * cross_entropy(self.aux, label, weight, by_labeled)}


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor, by_labeled: bool) -> Tensor:
    """Weighted mean over all pixels, or over the labelled ones."""
    known = label != 255
    probability = torch.softmax(logits, dim=1).gather(1, label.masked_fill(~known, 0)[:, None])[:, 0]
    count = known.sum() if by_labeled else known.numel()
    return -(weight * known * probability.log()).sum() / (count + torch.finfo(torch.float32).eps)  # as MMSegmentation


@torch.no_grad()
def predicted(network: nn.Module, images: Tensor) -> Tensor:
    """Logits of whole images: windows that overlap by half, and attention everywhere."""
    height, width = images.shape[2:]
    divisor = network.divisor
    rows, columns = (min(index, height - 1) for index in range(-(-height // divisor) * divisor)), [
        min(index, width - 1) for index in range(-(-width // divisor) * divisor)]
    images = images[:, :, list(rows)][:, :, :, columns]  # the last row and column repeated
    size = images.shape[2:]
    window = [min(pair) for pair in zip(network.detail_size, size)]
    _, _, context, attention = context_of(network, images)
    starts: List[List[int]] = []
    for length, part in zip(size, window):
        of_axis, start = [], 0
        while start + part < length:
            of_axis.append(start)
            start += part // 2 // divisor * divisor or divisor
        starts.append([*of_axis, length - part])
    crops = {(top, left): images[:, :, top:top + window[0], left:left + window[1]] for top in starts[0]
             for left in starts[1]}
    # one batch of all windows, as batch norm in training mode has it
    logits = network.decode_head(network.backbone(torch.cat(list(crops.values())))).split(len(images))
    fine = window[0] // logits[0].shape[2]
    total = context.new_zeros(*context.shape[:2], size[0] // fine, size[1] // fine)
    count = torch.zeros_like(total)
    for (top, left), part in zip(crops, logits):
        box = (slice(None), slice(None), slice(top // fine, top // fine + part.shape[2]),
               slice(left // fine, left // fine + part.shape[3]))
        total[box] += part
        count[box] += 1
    up = [interpolate(values, total.shape[2:], network) for values in ((1 - attention) * context, attention)]
    return interpolate(up[0] + up[1] * total / count, size, network)[:, :, :height, :width]


class HRDAStep:
    """A step of DACS with HRDA, the feature distance of the context, and masked images; without augmentation."""

    def __init__(self, student: nn.Module, lr: float, momentum: float, threshold: float, lambda_fd: float,
                 pretrained: nn.Module, classes: Tuple[int, ...], block: int, ratio: float) -> None:
        self.student, self.teacher = student, copy.deepcopy(student).eval()
        for module in self.teacher.modules():
            if isinstance(module, nn.BatchNorm2d):  # statistics of the batch; the running ones stay
                module.train().momentum = 0.
        self.lr, self.momentum, self.threshold, self.block, self.ratio = lr, momentum, threshold, block, ratio
        self.lambda_fd, self.pretrained, self.classes = lambda_fd, pretrained, classes
        self.pretrained.eval()  # backbones of MMSegmentation return nothing
        self.steps = 0

    def distance(self, passed: Trained, label: Tensor) -> Tensor:
        """Mean L2 distance of the features of the context, in cells of which a class fills three quarters."""
        with torch.no_grad():
            expected = self.pretrained(passed.small)[3]
        side, distances = label.shape[1] // expected.shape[2], []
        for number, row, column in np.ndindex(len(label), *expected.shape[2:]):
            cell = label[number, row * side:(row + 1) * side, column * side:(column + 1) * side]
            if any((cell == index).double().mean() >= 0.75 for index in self.classes):
                distances.append((passed.features[3] - expected)[number, :, row, column].norm())
        return self.lambda_fd * sum(distances) / len(distances)

    def __call__(self, images: Tensor, labels: Tensor, target: Tensor) -> Dict[str, Tensor]:
        confidence, pseudo = torch.softmax(predicted(self.teacher, target), dim=1).max(dim=1)
        weight = (confidence >= self.threshold).double().mean().expand(pseudo.shape)
        rng, mixed = child_generator(), [target.clone(), pseudo.clone(), weight.clone()]
        for number, label in enumerate(labels):
            for index in sample_classes(label.numpy().astype(np.uint8), rng):
                mixed[0][number, :, label == index] = images[number, :, label == index]
                mixed[1][number, label == index], mixed[2][number, label == index] = index, 1.
        source = Trained(self.student.train(), images)
        losses = {f'source.{key}': value for key, value in
                  source.losses(labels, torch.ones_like(weight), LAMBDA_AUX).items()}
        losses['source.loss_feature_distance'] = self.distance(source, labels)
        of_mixture = Trained(self.student, mixed[0]).losses(mixed[1], mixed[2], LAMBDA_AUX)
        losses.update((f'mixture.{key}', value) for key, value in of_mixture.items())
        hidden = child_generator().random((len(target), *(-(-n // self.block) for n in target.shape[2:]))) < self.ratio
        masked = target.clone()
        for number, row, column in np.argwhere(hidden) * (1, self.block, self.block):
            masked[number, :, row:row + self.block, column:column + self.block] = 0
        of_masked = Trained(self.student, masked).losses(pseudo, weight, LAMBDA_AUX)
        losses['target.decode.loss_masked'] = of_masked['decode.loss_ce'] + of_masked['decode.detail.loss_ce']
        losses['target.aux.loss_masked'] = of_masked['aux.loss_ce']
        gradients = torch.autograd.grad(sum(losses.values()), list(self.student.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(self.student.parameters(), gradients):
                parameter -= self.lr * gradient
            rate = min(1 - 1 / (self.steps + 1), self.momentum)
            for key, value in self.teacher.state_dict().items():
                new = self.student.state_dict()[key]
                value.copy_(rate * value + (1 - rate) * new if value.is_floating_point() else new)
        self.steps += 1
        return losses
