"""Contracts of the adversarial training step: who learns from what, which segmentors it takes, in which precision."""
from typing import Any, Dict, List, Optional

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from mmseg.structures import SegDataSample
from torch import Tensor

import cpu_amp  # noqa: F401  (registers CpuAmpOptimWrapper)
from adversarial_models import RESNET, SEGMENTORS, SMALL, batch, build, deeplabv2, optimizers, weights


@OPTIM_WRAPPERS.register_module(force=True)
class RecordingOptimWrapper(OptimWrapper):
    """Notes the gradients of the whole model whenever it steps."""
    model: torch.nn.Module
    seen: List[Dict[str, Optional[Tensor]]]

    def step(self, **kwargs: Any) -> None:
        self.seen.append({
            name: None if parameter.grad is None else parameter.grad.clone()
            for name, parameter in self.model.named_parameters()
        })
        super().step(**kwargs)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_any_segmentor_with_two_heads_adapts(name: str) -> None:
    model = build(SEGMENTORS[name], kl=dict(form='symmetric_cross_entropy', weight=0.1))
    before = weights(model)
    logs = model.train_step(batch(), optimizers(model))
    assert {'source.decode.loss_ce', 'source.aux.loss_ce', 'target.decode.loss_adv', 'target.aux.loss_adv',
            'target.loss_kl', 'discriminators.decode.loss', 'discriminators.aux.acc_target'} <= set(logs)
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not still, f'not moved by a step: {still}'
    model.eval()
    prediction = model.test_step(dict(inputs=[torch.zeros(3, 48, 64)], data_samples=[
        SegDataSample(metainfo=dict(img_shape=(48, 64), ori_shape=(30, 40)))]))[0]
    assert prediction.pred_sem_seg.data.shape == (1, 30, 40)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_target_images_move_the_segmentor_only_through_the_terms(name: str) -> None:
    """Weight 0 gives the gradients of the source alone; a weight changes the last layer of both heads."""
    gradients = {}
    for weight in (0., 1.):
        model = build(SEGMENTORS[name], adversarial=dict(weight=(weight, weight)))
        step = optimizers(model, accumulative_counts=2)  # no update: the gradients stay
        model.train_step(batch(), step)
        gradients[weight] = {key: value.grad.clone() for key, value in model.segmentor.named_parameters()}
    source_only = build(SEGMENTORS[name])
    data = source_only.data_preprocessor(batch(), True)
    losses = source_only.segmentor(**data['source'], mode='loss')
    (source_only.parse_losses(losses)[0] / 2).backward()
    for key, value in source_only.segmentor.named_parameters():
        assert torch.allclose(gradients[0.][key], value.grad, atol=1e-6), key
    for head in ('decode_head', 'auxiliary_head'):
        keys = [key for key in gradients[0.] if key.startswith(head)]
        assert any(not torch.equal(gradients[0.][key], gradients[1.][key]) for key in keys), head


def test_each_optimizer_sees_gradients_of_its_own_child_alone() -> None:
    model = build()
    wrapper = optimizers(model, type='RecordingOptimWrapper')
    for child in wrapper.optim_wrappers.values():
        child.model, child.seen = model, []
    model.train_step(batch(), wrapper)
    for child, other in (('segmentor', 'discriminators'), ('discriminators', 'segmentor')):
        gradients, = wrapper[child].seen
        missing = [key for key, value in gradients.items() if key.startswith(child) and value is None]
        leaked = [key for key, value in gradients.items()
                  if key.startswith(other) and value is not None and bool(value.any())]
        assert not missing and not leaked


def test_without_discriminators_there_are_none() -> None:
    model = build(discriminators=None, entropy=dict(weight=(0.1, 0.02)))
    logs = model.train_step(batch(), optimizers(model))
    assert 0 < float(logs['target.decode.loss_ent']) <= 0.1
    assert not any('adv' in name or 'discriminators' in name for name in [*logs, *model.state_dict()])


def test_nothing_asked_of_the_target_is_its_batch_norm_alone() -> None:
    model, other = build(discriminators=None), build(discriminators=None)
    logs = model.train_step(batch(), optimizers(model))
    assert not any(name.startswith('target') for name in logs)
    data = batch()
    data['target']['inputs'] = [255 - image for image in data['target']['inputs']]
    other.train_step(data, optimizers(other))
    assert all(torch.equal(value, dict(other.named_parameters())[key]) for key, value in model.named_parameters())
    mean = 'segmentor.backbone.bn1.running_mean'
    assert not torch.equal(model.state_dict()[mean], other.state_dict()[mean])


@pytest.mark.parametrize('strip', ['', 'segmentor.'])
def test_weights_of_a_segmentor_alone_are_loaded(strip: str) -> None:
    trained, model = build(seed=1), build(seed=2)
    state = {key[len(strip):]: value for key, value in trained.state_dict().items() if key.startswith('segmentor.')}
    result = model.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert all(key.startswith('discriminators.') for key in result.missing_keys)
    ours = model.segmentor.state_dict()
    assert all(torch.equal(value, ours[key]) for key, value in trained.segmentor.state_dict().items())


def test_logged_total_is_the_sum_of_the_weighted_terms() -> None:
    model = build(entropy=dict(weight=(0.3, 0.1)), kl=dict(form='memory_regularization', weight=0.2))
    logs = model.train_step(batch(), optimizers(model))
    terms = [value for name, value in logs.items() if '.loss' in name and not name.startswith('discriminators')]
    assert len(terms) == 2 + 2 + 2 + 1
    assert float(logs['loss']) == pytest.approx(float(sum(terms)), rel=1e-5)


def test_terms_begin_and_ramp_with_the_run() -> None:
    model = build(adversarial=dict(weight=(0.1, 0.2), begin=10, ramp=10))
    step = optimizers(model, accumulative_counts=100)  # the weights stay, so that steps compare
    values = {}
    hub = MessageHub.get_current_instance()
    try:
        for iteration in (0, 9, 10, 15, 20, 100):
            hub.update_info('iter', iteration)
            values[iteration] = float(model.train_step(batch(), step)['target.decode.loss_adv'])
    finally:
        hub.update_info('iter', 0)
    assert values[0] == values[9] == values[10] == 0
    assert values[15] == pytest.approx(values[20] / 2, rel=1e-4)
    assert values[100] == pytest.approx(values[20], rel=1e-4)


def gradient_after(data: dict, **options: Any) -> Dict[str, Tensor]:
    model = build(**options)
    model.train_step(data, optimizers(model, accumulative_counts=2))
    return {key: value.grad.clone() for key, value in model.named_parameters()}


def test_joint_forward_differs_by_batch_norm_alone() -> None:
    frozen = deeplabv2()
    frozen['backbone'] = dict(RESNET, norm_eval=True)
    separate, joint = (gradient_after(batch(), segmentor=frozen, joint_forward=joint) for joint in (False, True))
    assert all(torch.allclose(separate[key], joint[key], atol=1e-5, rtol=1e-3) for key in separate)
    separate, joint = (gradient_after(batch(), joint_forward=joint) for joint in (False, True))
    assert any(not torch.allclose(separate[key], joint[key], atol=1e-4, rtol=1e-2) for key in separate)


def test_memory_layout_does_not_change_the_arithmetic() -> None:
    first, second = (gradient_after(batch(), channels_last=value) for value in (False, True))
    assert all(torch.allclose(first[key], second[key], atol=1e-5, rtol=1e-3) for key in first)


def test_domains_may_have_other_sizes() -> None:
    model = build()
    logs = model.train_step(batch((48, 64), (64, 96)), optimizers(model))
    assert bool(torch.isfinite(logs['loss']))


def test_maps_at_the_resolution_of_the_logits() -> None:
    small = dict(SMALL, discriminator=dict(type='FCDiscriminator', base_channels=2, strides=(1, 1, 1, 1, 1)))
    model = build(discriminators=small, upsample_maps=False)
    sizes = []
    model.discriminators.register_forward_pre_hook(lambda _, args: sizes.append([m.shape[2:] for m in args[0]]))
    model.train_step(batch(), optimizers(model))
    assert sizes == [[(6, 8)] * 2] * 2  # target, then source; an eighth of 48x64
    with pytest.raises(ValueError, match='too small'):
        model = build(upsample_maps=False)
        model.train_step(batch(), optimizers(model))


def test_labelled_target_images_are_supervised_too() -> None:
    model = build(joint_forward=True)
    logs = model.train_step(batch(labeled_target=(48, 64)), optimizers(model))
    assert {'labeled_target.decode.loss_ce', 'labeled_target.aux.loss_ce'} <= set(logs)


def test_accumulation_averages_the_steps() -> None:
    frozen = deeplabv2()
    frozen['backbone'] = dict(RESNET, norm_eval=True)
    halves = [batch(count=1, seed=seed) for seed in (1, 2)]
    whole = {name: {key: halves[0][name][key] + halves[1][name][key] for key in ('inputs', 'data_samples')}
             for name in ('source', 'target')}
    accumulated, at_once = build(frozen), build(frozen)
    wrapper = optimizers(accumulated, accumulative_counts=2)
    before = weights(accumulated)
    accumulated.train_step(halves[0], wrapper)
    assert all(torch.equal(value, before[key]) for key, value in accumulated.named_parameters())
    accumulated.train_step(halves[1], wrapper)
    at_once.train_step(whole, optimizers(at_once))
    for (key, value), other in zip(accumulated.named_parameters(), at_once.parameters()):
        assert torch.allclose(value, other, atol=1e-5), key


def test_gradients_are_clipped_by_child() -> None:
    model = build()
    wrapper = optimizers(model, clip_grad=dict(max_norm=1e-3))
    before = weights(model)
    model.train_step(batch(), wrapper)
    for child in ('segmentor', 'discriminators'):
        moved = torch.cat([(value - before[key]).flatten() for key, value in model.named_parameters()
                           if key.startswith(child)])
        assert float(moved.norm()) == pytest.approx(0.1 * 1e-3, rel=1e-2) or float(moved.norm()) < 0.1 * 1e-3


def adversarial_gradient(weight: float, amp: bool = False) -> Tensor:
    """What the adversarial term alone adds to the gradient of the heads, for a weight of 1."""
    gradients = []
    for factor in (weight, 0.):
        model = build(adversarial=dict(weight=(factor, factor)))
        options = dict(type='CpuAmpOptimWrapper', dtype='float16', loss_scale=1024.) if amp else {}
        model.train_step(batch((128, 256), (128, 256), 1), optimizers(model, accumulative_counts=2, **options))
        scale = 1024. if amp else 1.
        gradients.append(torch.cat([value.grad.flatten() / scale for key, value in model.segmentor.named_parameters()
                                    if 'head' in key]))
    return (gradients[0] - gradients[1]) / weight


@pytest.mark.parametrize('weight', [0.001, 8.])
def test_float16_keeps_small_and_large_adversarial_gradients(weight: float) -> None:
    expected, actual = adversarial_gradient(1.), adversarial_gradient(weight, amp=True)
    assert bool(torch.isfinite(actual).all())
    if weight >= 1:  # a thousandth drowns in the rounding of the difference
        assert float(torch.nn.functional.cosine_similarity(actual, expected, dim=0)) > 0.95
        assert float(actual.norm() / expected.norm()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(('dtype', 'scale'), [('bfloat16', 1.), ('float16', 1024.)])
@pytest.mark.parametrize('adapt_map', ['softmax', 'self_information'])
def test_mixed_precision_trains_as_float32_does(dtype: str, scale: float, adapt_map: str) -> None:
    moved = {}
    for name, options in {'float32': {}, dtype: dict(type='CpuAmpOptimWrapper', dtype=dtype, loss_scale=scale)}.items():
        model = build(adapt_map=adapt_map, adversarial=dict(weight=(1., 1.)))
        before = weights(model)
        logs = model.train_step(batch(), optimizers(model, **options))
        assert all(bool(torch.isfinite(value)) for value in logs.values())
        moved[name] = {child: torch.cat([(value - before[key]).flatten() for key, value in model.named_parameters()
                                         if key.startswith(child)])
                       for child in ('segmentor.decode_head', 'discriminators')}
    for child, expected in moved['float32'].items():
        similarity = torch.nn.functional.cosine_similarity(moved[dtype][child], expected, dim=0)
        assert float(similarity) > 0.98, child
        assert float(moved[dtype][child].norm() / expected.norm()) == pytest.approx(1, abs=0.1), child


@pytest.mark.skipif(not torch.cuda.is_available(), reason='AmpOptimWrapper needs an accelerator')
@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_amp_on_a_gpu(dtype: str) -> None:
    model = build().cuda()
    wrapper = optimizers(model, type='AmpOptimWrapper', dtype=dtype)
    for _ in range(3):
        logs = model.train_step(batch(), wrapper)
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])
    state = wrapper.state_dict()
    wrapper.load_state_dict(state)
    assert wrapper.state_dict()['segmentor']['loss_scaler'] == state['segmentor']['loss_scaler']
