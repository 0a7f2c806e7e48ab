"""Vision transformers of timm as backbones: feature maps of images of any size, and pretrained weights."""
import copy
import importlib.util
import re
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from safetensors.torch import save_file
from torch import nn

from udas_mmseg.compat import open_timm
from vit_models import DINOV2, DINOV2_REGISTERS, DINOV3, EVA02, SMALL, backbone


def build(*args: Any, **options: Any) -> Any:
    torch.manual_seed(options.pop('seed', 0))
    model = MODELS.build(backbone(*args, **options))
    model.init_weights()
    return model


def images(*size: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(('model', 'patch'), [(DINOV2, 14), (DINOV2_REGISTERS, 14), (DINOV3, 16), (EVA02, 14)])
def test_feature_maps_of_any_size_and_a_gradient_for_every_weight(model: str, patch: int) -> None:
    network = build(model, out_indices=(0, -1))
    for height, width in ((patch, patch), (2 * patch, 5 * patch), (37, 50)):
        outputs = network(images(height, width))
        assert [tuple(level.shape) for level in outputs] == [(2, 16, -(-height // patch), -(-width // patch))] * 2
    (outputs[0].square().mean() + (outputs[1] * torch.randn(outputs[1].shape)).mean()).backward()
    without = [name for name, value in network.named_parameters() if value.grad is None]
    assert not without, f'no gradient for {without}'
    assert network.embed_dims == 16 and network.patch_size == (patch, patch)


def test_outputs_are_those_of_timm() -> None:
    network = build(out_indices=(0, 2), model_kwargs=dict(img_size=28)).eval()
    plain = open_timm().create_model(DINOV2, num_classes=0, img_size=28, **SMALL).eval()
    plain.load_state_dict(network.vit.state_dict())
    ours, theirs = network(images(28, 28)), plain.forward_features(images(28, 28))
    assert torch.allclose(ours[1].flatten(2).transpose(1, 2), theirs[:, 1:], atol=1e-5)
    tokens = plain.norm(plain.blocks[0](plain._pos_embed(plain.patch_embed(images(28, 28)))))
    assert torch.allclose(ours[0].flatten(2).transpose(1, 2), tokens[:, 1:], atol=1e-5)


def test_other_sizes_are_enlarged_to_whole_patches() -> None:
    network = build().eval()
    enlarged = F.interpolate(images(30, 45), (42, 56), mode='bilinear', align_corners=False)
    assert torch.equal(network(images(30, 45))[0], network(enlarged)[0])


def test_blocks_after_the_last_output_are_left_out() -> None:
    network = build(out_indices=(0, 1), final_norm=False)
    names = {name for name, _ in network.named_parameters()}
    assert not any(name.startswith(('vit.blocks.2', 'vit.norm', 'vit.head', 'vit.fc_norm')) for name in names)
    assert network.num_layers == 2 and len(network(images(28, 28))) == 2


def test_checkpointed_blocks_and_stochastic_depth() -> None:
    gradients = []
    for with_cp in (False, True):
        network = build(with_cp=with_cp, drop_path_rate=0.5).train()
        torch.manual_seed(3)
        network(images(28, 28))[0].square().sum().backward()
        gradients.append(torch.cat([value.grad.flatten() for value in network.parameters()]))
    assert torch.allclose(*gradients, atol=1e-5)
    torch.manual_seed(4)
    assert not torch.allclose(network(images(28, 28))[0], network(images(28, 28))[0])
    network.eval()
    assert torch.equal(network(images(28, 28))[0], network(images(28, 28))[0])


@pytest.mark.parametrize('model', [DINOV2, DINOV3, EVA02])
def test_masked_tokens_do_not_see_their_pixels(model: str) -> None:
    network = build(model).eval()
    patch = network.patch_size[0]
    masked = torch.zeros(2, 3, 4, dtype=torch.bool)
    masked[0, 0] = True  # the first row of patches of the first image
    original, changed = images(3 * patch, 4 * patch), images(3 * patch, 4 * patch)
    changed[0, :, :patch] += 1
    shapes = []

    def draw(*shape: int) -> torch.Tensor:
        shapes.append(shape)
        return masked

    with network.masking_tokens(draw):
        results = [network(each)[0] for each in (original, changed)]
    assert torch.equal(*results) and shapes == [tuple(masked.shape)] * 2
    unmasked = [network(each)[0] for each in (original, changed)]
    assert not torch.allclose(unmasked[0][0], unmasked[1][0], atol=1e-3)
    assert not torch.allclose(unmasked[0][0], results[0][0], atol=1e-3)
    assert torch.allclose(unmasked[0][1], results[0][1], atol=1e-6), 'nothing is masked in the second image'


def test_the_mask_token_is_learned() -> None:
    network = build(mask_token=True)
    with network.masking_tokens(lambda *shape: torch.ones(shape, dtype=torch.bool)):
        network(images(28, 28))[0][:, 0].sum().backward()
    assert float(network.mask_token.grad.abs().sum()) > 0
    assert float(network.vit.patch_embed.proj.weight.grad.abs().sum()) == 0


def public_weights(network: Any, grid: int) -> Dict[str, torch.Tensor]:
    """The state dict of DINOv2's public code, for another number of positions."""
    weights = {name: torch.randn_like(value) for name, value in network.vit.state_dict().items()}
    weights['pos_embed'] = torch.randn(1, 1 + grid**2, 16)
    return dict(weights, mask_token=torch.randn(1, 16))


def test_public_weights_of_dinov2_with_other_positions_are_loaded(tmp_path: Path) -> None:
    network = build(model_kwargs=dict(img_size=56))
    weights = public_weights(network, 4)
    torch.save(weights, tmp_path / 'dinov2.pth')
    loaded = build(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'dinov2.pth')), mask_token=True,
                   model_kwargs=dict(img_size=28), out_indices=(0, 1))
    assert loaded.vit.pos_embed.shape == (1, 1 + 4, 16)
    assert torch.equal(loaded.vit.pos_embed[:, :1], weights['pos_embed'][:, :1])
    assert torch.equal(loaded.vit.blocks[1].mlp.fc1.weight, weights['blocks.1.mlp.fc1.weight'])
    assert torch.equal(loaded.mask_token, weights['mask_token'])


def test_public_weights_of_dinov3_are_loaded(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    weights = {name: torch.randn_like(value) for name, value in build(DINOV3).vit.state_dict().items()}
    names = {'reg_token': 'storage_tokens', 'gamma_1': 'ls1.gamma', 'gamma_2': 'ls2.gamma'}
    public = {re.sub('|'.join(names), lambda found: names[found[0]], name): value for name, value in weights.items()}
    public.update({f'blocks.{number}.attn.qkv.{kind}': torch.zeros(48) for number in range(3)
                   for kind in ('bias', 'bias_mask')})
    public.update({'mask_token': torch.zeros(1, 16), 'rope_embed.periods': torch.ones(2)})
    torch.save(public, tmp_path / 'v3.pth')
    loaded = build(DINOV3, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'v3.pth'))).vit.state_dict()
    assert set(loaded) == set(weights) and all(torch.equal(loaded[name], weights[name]) for name in weights)
    assert not capsys.readouterr().out


@pytest.mark.parametrize('model', [DINOV2_REGISTERS, DINOV3, EVA02])
def test_files_of_timm_are_loaded_without_their_classifier(model: str, tmp_path: Path) -> None:
    size = (32, 32) if model == DINOV3 else (28, 28)
    torch.manual_seed(5)
    whole = open_timm().create_model(model, num_classes=7, img_size=size, **SMALL).eval()
    save_file(whole.state_dict(), tmp_path / 'timm.safetensors')
    file = dict(type='Pretrained', checkpoint=str(tmp_path / 'timm.safetensors'))
    network = build(model, init_cfg=file, model_kwargs=dict(img_size=size)).eval()
    expected = whole.forward_features(images(*size))
    if isinstance(whole.norm, nn.Identity):  # it normalises after pooling
        expected = whole.fc_norm(expected)
    ours = network(images(*size))[0].flatten(2).transpose(1, 2)
    assert torch.allclose(ours, expected[:, whole.num_prefix_tokens:], atol=1e-5)


def test_weights_of_timm_come_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = open_timm()
    given = timm.create_model(DINOV2, num_classes=0, img_size=28, **SMALL)
    create, names = timm.create_model, []

    def download(name: str, pretrained: bool = False, **options: Any) -> Any:
        names.append((name, pretrained))
        return copy.deepcopy(given) if pretrained else create(name, **options)

    monkeypatch.setattr(timm, 'create_model', download)
    network = build(init_cfg=dict(type='Pretrained', checkpoint=f'timm://{DINOV2}'), model_kwargs=dict(img_size=28))
    assert names == [(DINOV2, False), (DINOV2, True)]
    assert torch.equal(network.vit.blocks[2].attn.qkv.weight, given.blocks[2].attn.qkv.weight)

    def offline(name: str, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:
            raise ConnectionError('no route to host')
        return create(name, **options)

    monkeypatch.setattr(timm, 'create_model', offline)
    with pytest.raises(ValueError, match='could not be downloaded .*no route to host.*set `checkpoint` to the path'):
        build(init_cfg=dict(type='Pretrained', checkpoint=f'timm://{DINOV2}'))
    with pytest.raises(ValueError, match='timm://vit_base: timm .* has no weights with this name. Similar names: '):
        build(init_cfg=dict(type='Pretrained', checkpoint='timm://vit_base'))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path, network = tmp_path / 'weights.pth', build()
    pretrained = dict(type='Pretrained', checkpoint=str(path))
    weights = network.vit.state_dict()
    for change, message in ((dict(extra=torch.zeros(1)), '1 unknown: extra'),
                            ({'norm.weight': torch.zeros(3)}, r'of another shape: norm.weight \(3,\) instead of'),
                            ({'blocks.3.norm1.weight': torch.zeros(16)}, '1 unknown: blocks.3.norm1.weight')):
        torch.save({**weights, **change}, path)
        with pytest.raises(ValueError, match=f'weights.pth does not fit the backbone.*{message}'):
            build(init_cfg=pretrained)
    torch.save({'state_dict': {f'module.{name}': value for name, value in weights.items() if 'mlp' not in name}}, path)
    with pytest.raises(ValueError, match='12 missing: blocks.0.mlp.fc1.weight, .*Set `model`'):
        build(init_cfg=pretrained)
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        build(init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth'))


@pytest.mark.parametrize(('options', 'message'), [
    (dict(model='vit_base_patch14_dinov4'), r"'vit_base_patch14_dinov4' is not in timm .*vit_base_patch14_dinov2"),
    (dict(model='resnet18'), "timm cannot build model='resnet18'"),
    (dict(model=f'{DINOV2[:-8]}.imagenet'), 'timm cannot build model='),
    (dict(model_kwargs=dict(depths=3)), "timm cannot build model=.*'depths'"),
    (dict(out_indices=(1, 3)), r'out_indices=\(1, 3\).*the network has 3, 0 to 2, or -3 to -1'),
    (dict(out_indices=(-1, 0)), 'give increasing numbers of blocks'),
    (dict(out_indices=()), 'give increasing numbers of blocks'),
    (dict(drop_path_rate=1.0), 'drop_path_rate=1.0'),
    (dict(init_cfg=dict(type='Normal', std=1)), 'init_cfg=.*allowed is None, or'),
    (dict(init_cfg=dict(type='Pretrained', checkpoint='a', prefix='b')), 'init_cfg=.*allowed is None, or'),
    (dict(model='vit_base_patch16_siglip_224', output_cls_token=True), 'has no class token'),
])
def test_impossible_options_are_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_missing_timm_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"needs timm, which is not installed.*pip install -e '.\[vfm\]'"):
        build()
