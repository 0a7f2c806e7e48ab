"""The network of the public checkpoints, for the tests of their conversion."""
from collections import OrderedDict
from typing import Callable, Dict, List

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
COUNTER = '.num_batches_tracked'
LAYERS = ('layer5', 'layer6')


class PublicNetwork:
    """The published function and names, written down again from its description: one dict of weights."""

    def __init__(self, depth: int, width: int, classes: int, values: Callable[..., Tensor]) -> None:
        self.blocks, self.values = BLOCKS[depth], values
        self.weights: Dict[str, Tensor] = OrderedDict()
        self.add_conv('conv1', 3, width, 7)
        self.add_norm('bn1', width)
        inputs = width
        for stage, count in enumerate(self.blocks):
            inner, outer = width << stage, width << stage + 2
            for block in range(count):
                name = f'layer{stage + 1}.{block}'
                for number, shape in enumerate(((inputs, inner, 1), (inner, inner, 3), (inner, outer, 1)), 1):
                    self.add_conv(f'{name}.conv{number}', *shape)
                    self.add_norm(f'{name}.bn{number}', shape[1])
                if block == 0:
                    self.add_conv(f'{name}.downsample.0', inputs, outer, 1)
                    self.add_norm(f'{name}.downsample.1', outer)
                inputs = outer
        for layer, channels in (('layer5', 16 * width), ('layer6', 32 * width)):
            for branch in range(4):
                self.add_conv(f'{layer}.conv2d_list.{branch}', channels, classes, 3)
                self.weights[f'{layer}.conv2d_list.{branch}.bias'] = values(classes)

    def add_conv(self, name: str, inputs: int, outputs: int, size: int) -> None:
        self.weights[f'{name}.weight'] = self.values(outputs, inputs, size, size)

    def add_norm(self, name: str, channels: int) -> None:
        for kind in ('weight', 'bias', 'running_mean', 'running_var'):
            value = self.values(channels)
            self.weights[f'{name}.{kind}'] = value.abs() / 2 + 0.5 if kind in ('weight', 'running_var') else value
        self.weights[name + COUNTER] = torch.tensor(7)

    def conv(self, x: Tensor, name: str, **options: int) -> Tensor:
        return F.conv2d(x, self.weights[f'{name}.weight'], self.weights.get(f'{name}.bias'), **options)

    def norm(self, x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (self.weights[f'{name}.{kind}'][:, None, None]
                                        for kind in ('running_mean', 'running_var', 'weight', 'bias'))
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def block(self, x: Tensor, name: str, stride: int, dilation: int) -> Tensor:
        y = self.norm(self.conv(x, f'{name}.conv1', stride=stride), f'{name}.bn1').relu()
        y = self.norm(self.conv(y, f'{name}.conv2', padding=dilation, dilation=dilation), f'{name}.bn2').relu()
        y = self.norm(self.conv(y, f'{name}.conv3'), f'{name}.bn3')
        if f'{name}.downsample.0.weight' in self.weights:
            x = self.norm(self.conv(x, f'{name}.downsample.0', stride=stride), f'{name}.downsample.1')
        return (x + y).relu()

    def classify(self, x: Tensor, layer: str, early_return: bool) -> Tensor:
        out = self.conv(x, f'{layer}.conv2d_list.0', padding=6, dilation=6)
        for branch, dilation in ((1, 12), (2, 18), (3, 24)):
            out = out + self.conv(x, f'{layer}.conv2d_list.{branch}', padding=dilation, dilation=dilation)
            if early_return:
                return out
        return out

    def __call__(self, x: Tensor, early_return: bool) -> List[Tensor]:
        """Logits of layer6 and of layer5."""
        x = self.norm(self.conv(x, 'conv1', stride=2, padding=3), 'bn1').relu()
        x = F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True)
        levels = []
        for stage, (stride, dilation) in enumerate(((1, 1), (2, 1), (1, 2), (1, 4))):
            for block in range(self.blocks[stage]):
                x = self.block(x, f'layer{stage + 1}.{block}', stride if block == 0 else 1, dilation)
            levels.append(x)
        return [self.classify(levels[3], 'layer6', early_return), self.classify(levels[2], 'layer5', early_return)]
