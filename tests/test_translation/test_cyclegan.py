"""MMagic's CycleGAN through the bridge."""
import copy
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

import cpu_amp  # noqa: F401  (registers CpuAmpOptimWrapper)
from adversarial_models import deeplabv2
from forked_python import run_python
from tiny_translator import DISCRIMINATOR, GENERATOR, batch, build, images, optimizers, steps
from udas_mmseg.datasets import SampleError
from udas_mmseg.translation import check_image_format


def mmagic_alone(weights: Dict[str, Tensor], id_loss_weight: float) -> nn.Module:
    """MMagic's own class, built and called as MMagic does."""
    from mmagic.registry import MODELS as MMAGIC_MODELS
    cfg = dict(type='CycleGAN', generator=dict(GENERATOR, _scope_='mmagic'),
               discriminator=dict(DISCRIMINATOR, _scope_='mmagic'), default_domain='target',
               reachable_domains=['source', 'target'], related_domains=['source', 'target'], buffer_size=2,
               data_preprocessor=dict(type='DataPreprocessor', data_keys=None, _scope_='mmagic'),
               loss_config=dict(cycle_loss_weight=10., id_loss_weight=id_loss_weight), _scope_='mmagic')
    model = MMAGIC_MODELS.build(cfg)
    model.load_state_dict(weights)
    return model


@pytest.mark.parametrize('id_loss_weight', [0., 0.5])
def test_steps_are_those_of_mmagic_called_directly(id_loss_weight: float) -> None:
    ours = build(loss_config=dict(id_loss_weight=id_loss_weight))
    theirs = mmagic_alone(copy.deepcopy(ours.state_dict()), id_loss_weight)
    begun = copy.deepcopy(ours.state_dict())
    np.random.seed(3)  # which images come from the buffers
    logs = steps(ours, 4)
    wrappers = optimizers(theirs)
    np.random.seed(3)
    for number in range(4):
        MessageHub.get_current_instance().update_info('iter', number)
        data = batch(number)
        inputs = {f'img_{domain}': data[domain]['inputs'] for domain in data}
        expected = theirs.train_step(dict(inputs=inputs), wrappers)
        assert expected.keys() == logs[number].keys()
        assert all(float(expected[key]) == float(logs[number][key]) for key in expected)
    assert ('id_loss' in logs[0]) == (id_loss_weight > 0)
    assert not all(len(buffer.image_buffer) < 2 for buffer in ours.image_buffers.values()), 'the buffers were not used'
    trained = ours.state_dict()
    assert trained.keys() == theirs.state_dict().keys()
    assert all(torch.equal(value, trained[name]) for name, value in theirs.state_dict().items())
    assert not any(torch.equal(begun[name], trained[name]) for name in begun if name.endswith('weight'))


def test_identity_branch_of_weight_0_is_not_computed() -> None:
    calls: List[str] = []
    for weight, expected in ((0., 4), (5., 6)):
        model = build(loss_config=dict(id_loss_weight=weight))
        for domain, generator in model.generators.items():
            generator.register_forward_hook(lambda *_, domain=domain: calls.append(domain))
        steps(model, 1)
        assert len(calls) == expected
        calls.clear()


def test_discriminators_do_not_train_with_the_generators() -> None:
    model = build()
    wrappers = optimizers(model)
    for group in wrappers['discriminators'].optimizer.param_groups:
        group['lr'] = 0.
    before = copy.deepcopy(model.state_dict())
    steps(model, 2, wrappers)
    changed = {name.split('.')[0] for name, value in model.state_dict().items() if not torch.equal(before[name], value)}
    assert changed == {'generators'}


@pytest.mark.parametrize('size', [(16, 32), (17, 30), (8, 9)])
def test_translation_has_the_size_of_the_image(size: Tuple[int, int]) -> None:
    model = build().train()
    original = torch.stack(images(0, 2, *size))
    translated = model.translate(original)
    assert translated.dtype == torch.uint8 and translated.shape == original.shape
    assert not torch.equal(translated, model.translate(original, to='source'))
    assert model.training  # MMagic's own leaves a model in another mode than it found it in
    assert all(weight.grad is None for weight in model.parameters())


class Identity(nn.Module):

    def forward(self, image: Tensor) -> Tensor:
        return image


@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_pixels_survive_normalisation_and_channel_order(order: str) -> None:
    model = build(data_preprocessor=dict(mean=[100., 110., 120.], std=[60., 50., 40.], output_channel_order=order))
    model.generators['target'] = Identity()
    original = torch.stack(images(0, 2, 10, 14))
    assert torch.equal(model.translate(original), original)
    assert model.image_format == dict(mean=[100., 110., 120.], std=[60., 50., 40.], channel_order=order)


def test_defaults_are_bgr_between_minus_1_and_1() -> None:
    model = build()
    assert model.image_format == dict(mean=[127.5], std=[127.5], channel_order='BGR')
    image = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    image[:, 0] = 255  # blue
    inputs = model.data_preprocessor(dict(inputs=image))['inputs']
    assert inputs[0, :, 0, 0].tolist() == [1, -1, -1]


def test_images_of_several_sizes_are_refused_and_named() -> None:
    model = build()
    data = batch()
    sample = SegDataSample(metainfo=dict(img_path='small.png'))
    data['target'] = dict(inputs=images(1, 1, 12, 32), data_samples=[sample])
    with pytest.raises(SampleError, match=r'32x16: source .*32x12: target small\.png.*smaller than the crop'):
        model.train_step(data, optimizers(model))


@pytest.mark.parametrize('key, value', [('mean', [0.]), ('std', [1.]), ('channel_order', 'RGB')])
def test_checkpoint_of_another_image_format_is_refused(key: str, value: object) -> None:
    expected = build().image_format
    check_image_format(dict(image_format=dict(expected)), expected)
    check_image_format(dict(image_format=dict(expected, mean=[127.5] * 3)), expected)
    check_image_format({}, expected)  # MMagic's own checkpoints do not tell
    with pytest.raises(ValueError, match=f'{key}=.* instead of .*data_preprocessor'):
        check_image_format(dict(image_format={**expected, key: value}), expected)


@pytest.fixture
def segmentor(tmp_path: Path) -> dict:
    """Arguments of `SemanticConsistency`: a config file and its weights."""
    cfg = Config(dict(default_scope='mmseg', custom_imports=dict(imports=['udas_mmseg']), model=deeplabv2()))
    cfg.dump(str(tmp_path / 'segmentor.py'))
    torch.manual_seed(1)
    torch.save(dict(state_dict=MODELS.build(deeplabv2()).state_dict()), tmp_path / 'segmentor.pth')
    return dict(config=str(tmp_path / 'segmentor.py'), checkpoint=str(tmp_path / 'segmentor.pth'))


def test_semantic_consistency_trains_the_generators_alone(segmentor: dict) -> None:
    plain, model = build(), build(semantic_consistency=dict(segmentor, weight=3.))
    model.load_state_dict(plain.state_dict())  # the segmentor is no part of it
    frozen = copy.deepcopy(model.semantic_consistency.segmentor.state_dict())
    expected, logs = steps(plain, 1)[0], steps(model, 1)[0]
    assert float(logs['loss_semantic']) > 0
    assert float(logs['loss']) == pytest.approx(float(expected['loss']) + float(logs['loss_semantic']), rel=1e-5)
    weights = model.semantic_consistency.segmentor.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in frozen.items())
    changed = {name.split('.')[0] for name, value in plain.state_dict().items()
               if not torch.equal(value, model.state_dict()[name])}
    assert changed == {'generators'}


def test_semantic_consistency_is_the_cross_entropy_of_the_segmentors_own_prediction(segmentor: dict) -> None:
    model = build(semantic_consistency=dict(segmentor, weight=2.))
    consistency, network = model.semantic_consistency, model.semantic_consistency.segmentor
    image, translated = (torch.stack(images(seed, 2, 32, 64)) for seed in (0, 1))
    normalise = lambda pixels: (pixels.float() - 127.5) / 127.5  # noqa: E731
    value = consistency([(normalise(image), normalise(translated))], model.to_pixels)
    network.data_preprocessor.training = False
    logits = [network(network.data_preprocessor(dict(inputs=list(pixels)), False)['inputs'])[0]
              for pixels in (image, translated)]  # yapf: disable
    expected = -2 * logits[1].log_softmax(1).gather(1, logits[0].argmax(1, keepdim=True)).mean()
    assert float(value) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize(('dtype', 'scale', 'similarity'), [('bfloat16', 1., 0.9), ('float16', 1024., 0.98)])
def test_mixed_precision_trains_as_float32_does(dtype: str, scale: float, similarity: float, segmentor: dict) -> None:
    moved, logs = {}, {}
    amp = dict(type='CpuAmpOptimWrapper', dtype=dtype, loss_scale=scale)
    sgd = dict(type='SGD', lr=1e-3)  # Adam makes as much of a gradient that is rounding as of any other
    for name, options in {'float32': {}, dtype: amp}.items():
        model = build(loss_config=dict(id_loss_weight=5.), semantic_consistency=segmentor)
        model.load_state_dict(build().state_dict())
        before = copy.deepcopy(model.state_dict())
        np.random.seed(3)
        logs[name] = steps(model, 1, optimizers(model, optimizer=sgd, **options))[0]
        moved[name] = {child: torch.cat([(value - before[key]).flatten() for key, value in model.state_dict().items()
                                         if key.startswith(child) and key.endswith('weight')])
                       for child in ('generators', 'discriminators')}
    for key, value in logs['float32'].items():
        assert float(logs[dtype][key]) == pytest.approx(float(value), rel=0.02, abs=0.01), key
    for child, expected in moved['float32'].items():
        assert float(torch.nn.functional.cosine_similarity(moved[dtype][child], expected, dim=0)) > similarity, child


def run_code(folder: Path, code: str) -> Tuple[int, str]:
    """Run code in a process that has not imported MMagic."""
    (folder / 'code.py').write_text(code)
    done = run_python(folder / 'code.py')
    return done.returncode, done.stdout + done.stderr


def test_missing_mmagic_is_said_with_the_command(tmp_path: Path) -> None:
    code, output = run_code(
        tmp_path, 'import importlib.util as util\nfind = util.find_spec\n'
        'util.find_spec = lambda name, *rest: None if name == "mmagic" else find(name, *rest)\n'
        'import udas_mmseg.translation')
    assert code and 'ModuleNotFoundError' in output and 'pip install --no-deps mmagic==1.2.0' in output


def test_loaded_mmagic_is_left_alone(tmp_path: Path) -> None:
    code, output = run_code(
        tmp_path, 'import sys, types\nimport udas_mmseg\nfrom udas_mmseg.compat import open_mmagic\n'
        'sys.modules["mmagic.models"] = mine = types.ModuleType("mmagic.models")\n'
        'print(open_mmagic(), sys.modules["mmagic.models"] is mine)')
    assert output.splitlines()[-1] == 'False True'


def test_what_was_not_loaded_of_mmagic_is_said(tmp_path: Path) -> None:
    code, output = run_code(tmp_path, 'import udas_mmseg.translation\nimport mmagic.models\nmmagic.models.BaseGAN')
    assert code and 'import mmagic.models` before it' in output
