"""The network of DAFormer's public checkpoints, for the tests of their conversion."""
from typing import Callable, Dict, List, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

HEADS, REDUCTIONS, DILATIONS = (1, 2, 5, 8), (8, 4, 2, 1), (1, 6, 12, 18)
EPS = {'patch': 1e-5, 'reduction': 1e-5, 'block': 1e-6}  # of the layer norms of the public code


class PublicDAFormer:
    """The published function and names, written down again from their description: one dict of weights."""

    def __init__(self, width: int, blocks: Sequence[int], classes: int, channels: int,
                 values: Callable[..., Tensor]) -> None:
        self.blocks, self.values = blocks, values
        self.weights: Dict[str, Tensor] = {}
        inputs = 3
        for stage, count in enumerate(blocks):
            outputs, size = width * HEADS[stage], 7 if stage == 0 else 3
            self.add(f'backbone.patch_embed{stage + 1}.proj', outputs, inputs, size, size)
            self.add_layer_norm(f'backbone.patch_embed{stage + 1}.norm', outputs)
            for block in range(count):
                self.add_block(f'backbone.block{stage + 1}.{block}', outputs, REDUCTIONS[stage])
            self.add_layer_norm(f'backbone.norm{stage + 1}', outputs)
            self.add(f'decode_head.embed_layers.{stage}.proj', channels, outputs)
            inputs = outputs
        self.add('decode_head.conv_seg', classes, channels, 1, 1)
        for number in range(4):
            name = f'decode_head.fuse_layer.aspp_modules.{number}'
            if number == 0:
                self.add_conv_norm(name, 4 * channels, channels, 1)
            else:
                self.add_conv_norm(f'{name}.depthwise_conv', 1, 4 * channels, 3)
                self.add_conv_norm(f'{name}.pointwise_conv', 4 * channels, channels, 1)
        self.add_conv_norm('decode_head.fuse_layer.bottleneck', 4 * channels, channels, 3)

    def add(self, name: str, *shape: int) -> None:
        self.weights[f'{name}.weight'] = self.values(*shape)
        self.weights[f'{name}.bias'] = self.values(shape[0])

    def add_layer_norm(self, name: str, channels: int) -> None:
        self.add(name, channels)
        self.weights[f'{name}.weight'] = self.weights[f'{name}.weight'] + 1

    def add_block(self, name: str, channels: int, reduction: int) -> None:
        for number in (1, 2):
            self.add_layer_norm(f'{name}.norm{number}', channels)
        self.add(f'{name}.attn.q', channels, channels)
        self.add(f'{name}.attn.kv', 2 * channels, channels)
        self.add(f'{name}.attn.proj', channels, channels)
        if reduction > 1:
            self.add(f'{name}.attn.sr', channels, channels, reduction, reduction)
            self.add_layer_norm(f'{name}.attn.norm', channels)
        self.add(f'{name}.mlp.fc1', 4 * channels, channels)
        self.add(f'{name}.mlp.dwconv.dwconv', 4 * channels, 1, 3, 3)
        self.add(f'{name}.mlp.fc2', channels, 4 * channels)

    def add_conv_norm(self, name: str, inputs: int, outputs: int, size: int) -> None:
        self.weights[f'{name}.conv.weight'] = self.values(outputs, inputs, size, size)
        for kind in ('weight', 'bias', 'running_mean', 'running_var'):
            value = self.values(outputs)
            self.weights[f'{name}.bn.{kind}'] = value.abs() / 2 + 0.5 if kind in ('weight', 'running_var') else value
        self.weights[f'{name}.bn.num_batches_tracked'] = torch.tensor(7)

    def pair(self, name: str) -> Tuple[Tensor, Tensor]:
        return self.weights[f'{name}.weight'], self.weights[f'{name}.bias']

    def layer_norm(self, x: Tensor, name: str, eps: float) -> Tensor:
        """Normalise (N, L, C) over the channels."""
        weight, bias = self.pair(name)
        centred = x - x.mean(-1, keepdim=True)
        return centred / ((centred**2).mean(-1, keepdim=True) + eps).sqrt() * weight + bias

    def attention(self, x: Tensor, name: str, heads: int, reduction: int, size: Tuple[int, int]) -> Tensor:
        """Attend from each of the tokens (N, L, C) to those of a map that `reduction` makes smaller."""
        count, length, channels = x.shape
        few = x
        if reduction > 1:
            as_map = x.transpose(1, 2).reshape(count, channels, *size)
            as_map = F.conv2d(as_map, *self.pair(f'{name}.sr'), stride=reduction)
            few = self.layer_norm(as_map.flatten(2).transpose(1, 2), f'{name}.norm', EPS['reduction'])
        query = F.linear(x, *self.pair(f'{name}.q'))
        key, value = F.linear(few, *self.pair(f'{name}.kv')).split(channels, -1)
        outputs = []
        for head in range(heads):
            part = slice(head * channels // heads, (head + 1) * channels // heads)
            scores = query[..., part] @ key[..., part].transpose(1, 2) / (channels // heads)**0.5
            outputs.append(scores.softmax(-1) @ value[..., part])
        return F.linear(torch.cat(outputs, -1), *self.pair(f'{name}.proj'))

    def feed_forward(self, x: Tensor, name: str, size: Tuple[int, int]) -> Tensor:
        hidden = F.linear(x, *self.pair(f'{name}.fc1'))
        as_map = hidden.transpose(1, 2).reshape(len(x), -1, *size)
        as_map = F.conv2d(as_map, *self.pair(f'{name}.dwconv.dwconv'), padding=1, groups=as_map.shape[1])
        return F.linear(F.gelu(as_map.flatten(2).transpose(1, 2)), *self.pair(f'{name}.fc2'))

    def features(self, image: Tensor) -> List[Tensor]:
        """Compute the four feature maps."""
        x, maps = image, []
        for stage, count in enumerate(self.blocks):
            number = stage + 1
            weight, bias = self.pair(f'backbone.patch_embed{number}.proj')
            x = F.conv2d(x, weight, bias, stride=4 if stage == 0 else 2, padding=weight.shape[-1] // 2)
            size, channels = (x.shape[2], x.shape[3]), x.shape[1]
            x = self.layer_norm(x.flatten(2).transpose(1, 2), f'backbone.patch_embed{number}.norm', EPS['patch'])
            for block in range(count):
                name = f'backbone.block{number}.{block}'
                x = x + self.attention(self.layer_norm(x, f'{name}.norm1', EPS['block']), f'{name}.attn',
                                       HEADS[stage], REDUCTIONS[stage], size)
                x = x + self.feed_forward(self.layer_norm(x, f'{name}.norm2', EPS['block']), f'{name}.mlp', size)
            x = self.layer_norm(x, f'backbone.norm{number}', EPS['block'])
            x = x.transpose(1, 2).reshape(len(image), channels, *size)
            maps.append(x)
        return maps

    def conv_norm(self, x: Tensor, name: str, **options: int) -> Tensor:
        x = F.conv2d(x, self.weights[f'{name}.conv.weight'], **options)
        scale, shift, mean, variance = (self.weights[f'{name}.bn.{kind}'][:, None, None]
                                        for kind in ('weight', 'bias', 'running_mean', 'running_var'))
        return ((x - mean) / (variance + 1e-5).sqrt() * scale + shift).relu()

    def __call__(self, image: Tensor) -> Tensor:
        """Compute the logits at a quarter of the size of the image."""
        maps, embedded = self.features(image), []
        for level, x in enumerate(maps):
            tokens = F.linear(x.flatten(2).transpose(1, 2), *self.pair(f'decode_head.embed_layers.{level}.proj'))
            x = tokens.transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
            embedded.append(F.interpolate(x, maps[0].shape[2:], mode='bilinear', align_corners=False))
        x, fuse = torch.cat(embedded, 1), 'decode_head.fuse_layer'
        parts = [self.conv_norm(x, f'{fuse}.aspp_modules.0')]
        for number in (1, 2, 3):
            name, dilation = f'{fuse}.aspp_modules.{number}', DILATIONS[number]
            y = self.conv_norm(x, f'{name}.depthwise_conv', padding=dilation, dilation=dilation, groups=x.shape[1])
            parts.append(self.conv_norm(y, f'{name}.pointwise_conv'))
        x = self.conv_norm(torch.cat(parts, 1), f'{fuse}.bottleneck', padding=1)
        return F.conv2d(x, *self.pair('decode_head.conv_seg'))
