"""`FastConvHook`: a supervised step of MobileNetV2 on the CPU with and without it.

On a GPU the hook does nothing, so this is measured on the CPU there, too.
"""
import copy
from typing import Any, Dict, List

import torch
from measuring import Parts, Row, absolute, compared, costs, has_bfloat16
from mmseg.registry import MODELS
from torch import Tensor, nn

from udas_mmseg.models.fast_conv import use_fast_convolutions

SIZE = (128, 256)  # height, width
BACKBONE = dict(type='MobileNetV2', widen_factor=1.0, strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4),
                out_indices=(4, 6), norm_cfg=dict(type='BN'))
HEAD = dict(type='FCNHead', in_channels=320, in_index=1, channels=64, num_convs=1, num_classes=19,
            dropout_ratio=0.0, norm_cfg=dict(type='BN'))
NETWORK: Dict[str, Any] = dict(type='EncoderDecoder', backbone=BACKBONE, decode_head=HEAD, train_cfg=dict(),
                               test_cfg=dict(mode='whole'))


class Step:
    """Forward and backward pass of a network on two images."""

    def __init__(self, network: nn.Module, bfloat16: bool = False) -> None:
        self.network, self.bfloat16 = network.train(), bfloat16
        self.images = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0)).to(
            memory_format=torch.channels_last)

    def __call__(self) -> Tensor:
        self.network.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=self.bfloat16):
            loss = self.network(self.images, mode='tensor').float().square().mean()
        loss.backward()
        return loss.detach()


def networks(cfg: Dict[str, Any]) -> List[nn.Module]:
    """The network as it is, and with fast gradients."""
    torch.manual_seed(0)
    plain = MODELS.build(cfg).to(memory_format=torch.channels_last)
    fast = copy.deepcopy(plain)
    use_fast_convolutions(fast)
    return [plain, fast]


def speed(bfloat16: bool, goal: str, rounds: int = 7, cfg: Dict[str, Any] = NETWORK) -> Row:
    """Seconds of a step, and how many times faster it is."""
    plain, fast = costs([Step(network, bfloat16) for network in networks(cfg)], rounds)
    return compared(f'FastConvHook, MobileNetV2 {SIZE[1]}x{SIZE[0]}, {"bfloat16" if bfloat16 else "float32"}, CPU,'
                    ' s', plain, fast, 'without the hook', goal)


def agreement(cfg: Dict[str, Any] = NETWORK) -> Row:
    """The loss is the same."""
    plain, fast = (Step(network)() for network in networks(cfg))
    return absolute('FastConvHook, difference of the loss', [float((plain - fast).abs())], '= 0')


def parts() -> Parts:
    """The parts of this benchmark."""
    bfloat16: Parts = {'bfloat16': lambda: [speed(True, 'ratio >= 1.2')]}
    return {**(bfloat16 if has_bfloat16() else {}), 'float32': lambda: [speed(False, 'ratio >= 1.0')],
            'loss': lambda: [agreement()]}
