"""Each task model of the papers can be the network of each method."""
import pytest
from mmengine.config import Config
from mmseg.registry import MODELS

from config_data import CONFIGS, shrink_model

NETWORKS = ('fcn_r50-d8', 'deeplabv2-multi_r101-d8', 'deeplabv3plus_r50-d8', 'pspnet_r50-d8', 'segnet_vgg16',
            'segformer_mit-b0', 'segformer_mit-b5')
METHODS = ('uda', 'cps', 'dacs', 'student', 'fixmatch', 'pixel_selector')  # one for each class of segmentors


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('network', NETWORKS)
def test_the_method_takes_the_network(network: str, method: str) -> None:
    cfg = Config.fromfile(CONFIGS / f'_base_/models/{network}.py')
    shrink_model(cfg)
    for head in (cfg.model.decode_head, cfg.model.auxiliary_head):
        head.num_classes = 3
    method_cfg = Config.fromfile(CONFIGS / f'_base_/methods/{method}.py').method
    plain, model = MODELS.build(cfg.model), MODELS.build(dict(method_cfg, segmentor=cfg.model))
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    assert {f'segmentor.{name}': value.shape for name, value in plain.state_dict().items()}.items() <= shapes.items()
    assert plain.auxiliary_head.loss_decode.loss_weight < plain.decode_head.loss_decode.loss_weight


def test_the_segformers_are_those_of_their_sizes() -> None:
    small, large = (Config.fromfile(CONFIGS / f'_base_/models/segformer_mit-{size}.py').model for size in ('b0', 'b5'))
    assert (small.backbone.embed_dims, large.backbone.embed_dims) == (32, 64)
    assert sum(small.backbone.num_layers) == 8 and sum(large.backbone.num_layers) == 52
    for model in (small, large):
        width = model.backbone.embed_dims
        assert model.decode_head.in_channels == [width * heads for heads in (1, 2, 5, 8)]
        assert model.auxiliary_head.in_channels == 5 * width
