"""Shapes and bad input of the discriminators."""
import pytest
import torch
from torch import nn

from udas_mmseg.models import (
    FCDiscriminator,
    MultiLevelDiscriminator,
    MultiScaleDiscriminator,
    ResidualMultiScaleDiscriminator,
)


class TestFCDiscriminator:

    def test_is_the_published_network(self) -> None:
        model = FCDiscriminator(19)
        convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
        assert [conv.out_channels for conv in convolutions] == [64, 128, 256, 512, 1]
        assert all(conv.kernel_size == (4, 4) and conv.stride == (2, 2) for conv in convolutions)
        slopes = [layer.negative_slope for layer in model.modules() if isinstance(layer, nn.LeakyReLU)]
        assert slopes == [0.2] * 4
        assert model(torch.rand(2, 19, 64, 96)).shape == (2, 1, 2, 3)

    @pytest.mark.parametrize('strides', [(2, 2, 2, 2, 2), (2, 2, 1, 1, 1)])
    def test_size_check_agrees_with_the_convolutions(self, strides: tuple) -> None:
        model = FCDiscriminator(2, base_channels=2, strides=strides)
        smallest = next(size for size in range(1, 100) if _accepts(model.layers, size))
        assert model(torch.rand(1, 2, smallest, smallest)).shape == (1, 1, 1, 1)
        with pytest.raises(ValueError, match=rf'\({smallest - 1}, 64\).*too small.*upsample_maps'):
            model(torch.rand(1, 2, smallest - 1, 64))

    @pytest.mark.parametrize(('size', 'advice'), [
        (20, r'smaller strides, e.g. \(2, 2, 1, 1, 1\), or larger maps'),
        (10, r'smaller strides, e.g. \(2, 1, 1, 1, 1\), or larger maps'), (5, 'Give the discriminator larger maps')
    ])  # yapf: disable
    def test_suggests_strides_that_fit(self, size: int, advice: str) -> None:
        with pytest.raises(ValueError, match=advice):
            FCDiscriminator(2, base_channels=2)(torch.rand(1, 2, size, 64))

    @pytest.mark.parametrize('strides', [(2, 2), (2, 2, 2, 2, 0)])
    def test_bad_strides(self, strides: tuple) -> None:
        with pytest.raises(ValueError, match='five positive integers'):
            FCDiscriminator(2, strides=strides)


def _accepts(layers: nn.Module, size: int) -> bool:
    try:
        return layers(torch.rand(1, 2, size, size)).numel() > 0
    except RuntimeError:
        return False


class TestMultiScaleDiscriminator:

    def test_every_scale_halves_the_map(self) -> None:
        scores = MultiScaleDiscriminator(3, base_channels=2)(torch.rand(2, 3, 128, 256))
        assert [tuple(level.shape) for level in scores] == [(2, 1, 8, 16), (2, 1, 4, 8), (2, 1, 2, 4)]

    def test_scales_have_weights_of_their_own(self) -> None:
        first, second, _ = MultiScaleDiscriminator(3, base_channels=2).scales
        assert not torch.equal(first[0].weight, second[0].weight)

    @pytest.mark.parametrize(('layers', 'scales'), [(4, 3), (4, 1), (2, 2)])
    def test_smallest_map(self, layers: int, scales: int) -> None:
        model = MultiScaleDiscriminator(2, base_channels=1, num_layers=layers, num_scales=scales)
        assert len(model(torch.rand(1, 2, model.smallest, model.smallest))) == scales
        with pytest.raises(ValueError, match=f'at least {model.smallest} pixels'):
            model(torch.rand(1, 2, model.smallest - 1, 256))


class TestResidualMultiScaleDiscriminator:

    def test_is_the_published_network(self) -> None:
        model = ResidualMultiScaleDiscriminator(19)
        model.init_weights()
        assert len(model.scales) == 3
        convolutions = [layer for layer in model.scales[0].modules() if isinstance(layer, nn.Conv2d)]
        assert [conv.out_channels for conv in convolutions] == [32, 32, 32, 32, 64, *[64] * 8, 1]
        assert [conv.stride[0] for conv in convolutions] == [2, 1, 2, 1, 2, *[1] * 9]
        assert all(conv.kernel_size == (3, 3) and conv.padding_mode == 'reflect' for conv in convolutions[:-1])
        assert convolutions[-1].kernel_size == (1, 1)
        weight = torch.cat([conv.weight.flatten() for conv in convolutions])
        assert float(weight.std()) == pytest.approx(0.02, rel=0.02) and abs(float(weight.mean())) < 1e-3
        assert all(not conv.bias.any() for conv in convolutions)

    @pytest.mark.parametrize('scales', [1, 3])
    def test_smallest_map(self, scales: int) -> None:
        model = ResidualMultiScaleDiscriminator(2, base_channels=1, num_blocks=1, num_scales=scales)
        assert len(model(torch.rand(1, 2, model.smallest, model.smallest))) == scales
        with pytest.raises(ValueError, match=f'at least {model.smallest} pixels'):
            model(torch.rand(1, 2, model.smallest - 1, 256))

    def test_a_block_keeps_its_input(self) -> None:
        model = ResidualMultiScaleDiscriminator(2, base_channels=1, num_blocks=1, num_scales=1)
        block = model.scales[0][-2]
        for parameter in block.parameters():
            nn.init.zeros_(parameter)
        features = torch.randn(1, 2, 4, 4)
        assert torch.equal(block(features), features)


class TestMultiLevelDiscriminator:

    def test_one_for_each_level(self) -> None:
        model = MultiLevelDiscriminator(3, num_levels=2, discriminator=dict(type='FCDiscriminator', base_channels=2))
        maps = [torch.rand(1, 3, 32, 64), torch.rand(1, 3, 64, 64)]
        assert [tuple(scores.shape) for scores in model(maps)] == [(1, 1, 1, 2), (1, 1, 2, 2)]
        assert torch.equal(model(maps)[1], model.levels[1](maps[1]))

    def test_another_number_of_maps_is_refused(self) -> None:
        with pytest.raises(ValueError, match='1 maps for 2 discriminators'):
            MultiLevelDiscriminator(3)([torch.rand(1, 3, 64, 64)])
