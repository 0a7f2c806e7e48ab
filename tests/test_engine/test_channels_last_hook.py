"""Training a plain segmentor in the channels-last memory format."""
from typing import Callable, List

import torch
from torch import Tensor, nn

from tiny_runs import interrupt, resumed, same_weights, train


def test_layers_get_channels_last_images_and_compute_the_same(run_config: Callable) -> None:
    cfg = run_config()
    cfg.model.backbone.update(base_channels=8, stem_channels=8)  # with 4, channels-last is not safe on every CPU
    cfg.model.decode_head.in_channels, cfg.model.auxiliary_head.in_channels = 64, 32
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='ChannelsLastHook')]
    model = train(cfg).model.eval().double()
    formats: List[bool] = []

    def look(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        formats.append(output.is_contiguous(memory_format=torch.channels_last))

    model.backbone.layer1.register_forward_hook(look)
    images = torch.rand(2, 3, 32, 64, dtype=torch.float64)
    with torch.no_grad():
        fast = model(images, mode='tensor')
        plain = model.to(memory_format=torch.contiguous_format)(images, mode='tensor')
    assert formats == [True, False]
    assert all(torch.allclose(ours, expected, rtol=1e-9) and ours.any() for ours, expected in zip(fast, plain))


def test_resumed_run_has_the_same_weights(run_config: Callable) -> None:
    cfgs = [run_config(name) for name in ('whole', 'cut')]
    for cfg in cfgs:
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='ChannelsLastHook')]
    whole = train(cfgs[0])
    interrupt(cfgs[1], 5)
    assert same_weights(resumed(cfgs[1]), whole)
