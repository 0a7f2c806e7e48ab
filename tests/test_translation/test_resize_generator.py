"""A generator without transposed convolutions."""
import torch
from mmseg.registry import MODELS
from torch import nn

from tiny_translator import GENERATOR, build, steps

OURS = dict(GENERATOR, type='ResizeConvGenerator')


def test_no_transposed_convolution_is_left_and_nothing_else_changes() -> None:
    model = build(generator=OURS)
    theirs = build()
    assert any(isinstance(part, nn.ConvTranspose2d) for part in theirs.modules())
    assert not any(isinstance(part, nn.ConvTranspose2d) for part in model.modules())
    ours, others = (dict(network.generators['target'].named_parameters()) for network in (model, theirs))
    assert list(ours) == list(others)
    assert {name for name in ours if sorted(ours[name].shape) != sorted(others[name].shape)} == set()
    images = torch.randint(0, 256, (2, 3, 16, 28), dtype=torch.uint8)
    assert model.translate(images).shape == theirs.translate(images).shape == images.shape


def test_flat_features_give_no_grid() -> None:
    """Two pixels of the same features differ with a transposed convolution alone, in the inside of the image."""
    torch.manual_seed(0)
    flat = torch.full((1, 3, 96, 96), 0.3)
    grid = {}
    for generator in (GENERATOR, OURS):
        network = MODELS.build(dict(generator, _scope_='mmagic', norm_cfg=dict(type='BN'))).eval()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.3)
        with torch.no_grad():
            inside = network(flat)[0, :, 44:52, 44:52]
        grid[generator['type']] = float(inside.std(dim=(1, 2)).max())
    assert grid['ResnetGenerator'] > 1e-3 and grid['ResizeConvGenerator'] < 1e-4


def test_it_learns() -> None:
    model = build(generator=OURS)
    begun = {name: value.clone() for name, value in model.generators.named_parameters()}
    steps(model, 2)
    assert not any(torch.equal(value, begun[name]) for name, value in model.generators.named_parameters()
                   if name.endswith('weight'))
