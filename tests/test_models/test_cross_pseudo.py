"""Cross pseudo supervision: who teaches whom, and what is refused."""
import copy
from typing import Any, Dict

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch import Tensor, nn

from adversarial_models import SEGMENTORS, deeplabv2, weights
from student_models import accumulated_steps, images, preprocessed, sgd, student_batch

NAMES = ('labeled_target', 'target')
SOURCE = ('source', *NAMES)


def build_cps(segmentor: Any = None, seed: int = 0, kind: str = 'CrossPseudoSupervision', **options: Any) -> Any:
    torch.manual_seed(seed)
    return MODELS.build(ConfigDict(type=kind, segmentor=segmentor or deeplabv2(), **options)).train()


def step(model: nn.Module, *names: str, seed: int = 0) -> Dict[str, Tensor]:
    np.random.seed(seed)
    return model.train_step(student_batch(*(names or NAMES), seed=seed), sgd(model))


def losses_of(model: nn.Module, *names: str) -> Dict[str, Tensor]:
    np.random.seed(0)
    return model(**preprocessed(model, *(names or NAMES)), mode='loss')


@pytest.mark.parametrize('cut_mix', [False, True])
@pytest.mark.parametrize('branch', NAMES)
def test_no_gradient_passes_through_the_labels(cut_mix: bool, branch: str) -> None:
    model = build_cps(cut_mix=cut_mix)
    losses = losses_of(model)
    for name, ours, other in (('first', model.segmentor, model.second), ('second', model.second, model.segmentor)):
        loss = losses[f'{branch}.{name}.loss_cps']
        found = torch.autograd.grad(loss, list(other.parameters()), retain_graph=True, allow_unused=True)
        assert all(value is None for value in found)
        found = torch.autograd.grad(loss, list(ours.backbone.parameters()), retain_graph=True)
        assert all(bool(value.abs().sum() > 0) for value in found)


def swapped(model: nn.Module) -> nn.Module:
    other = copy.deepcopy(model)
    other.segmentor.load_state_dict(model.second.state_dict())
    other.second.load_state_dict(model.segmentor.state_dict())
    return other


@pytest.mark.parametrize('cut_mix', [False, True])
def test_the_names_of_the_networks_change_nothing(cut_mix: bool) -> None:
    model = build_cps(cut_mix=cut_mix)
    other = swapped(model)
    logs, of_other = step(model), step(other)
    names = dict(first='second', second='first')
    for key, value in logs.items():
        key = '.'.join(names.get(part, part) for part in key.split('.'))
        assert torch.allclose(of_other[key], value, rtol=1e-6), key  # the losses are added in another order
    assert not torch.allclose(logs['target.first.loss_cps'], logs['target.second.loss_cps'])
    expected = swapped(other).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('weight', [0, dict(weight=6, begin=10)])
def test_with_lambda_0_both_networks_are_trained_on_labels_alone(weight: Any) -> None:
    model = build_cps(cps_weight=weight, cut_mix=True)
    alone = [build_cps(kind='BranchSegmentor') for _ in range(2)]
    for other, network in zip(alone, model.networks.values()):
        other.segmentor.load_state_dict(network.state_dict())
    for seed in range(2):
        logs = step(model, *SOURCE, seed=seed)
        assert not any('cps' in key for key in logs)
        for other, name in zip(alone, model.networks):
            for key, value in step(other, *SOURCE, seed=seed).items():
                assert key == 'loss' or torch.equal(logs[key.replace('.', f'.{name}.', 1)], value)
    for other, network in zip(alone, model.networks.values()):
        expected = other.segmentor.state_dict()
        assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())


def test_lambda_rises_and_branches_are_chosen() -> None:
    full = losses_of(build_cps(cps_weight=6))
    half = build_cps(cps_weight=dict(weight=6, begin=0, ramp=2), cps_branches=('target', ))
    from mmengine.logging import MessageHub
    MessageHub.get_current_instance().update_info('iter', 1)
    try:
        losses = losses_of(half)
    finally:
        MessageHub.get_current_instance().update_info('iter', 0)
    assert torch.allclose(losses['target.first.loss_cps'], full['target.first.loss_cps'] / 2)
    assert {key for key in losses if 'cps' in key} == {'target.first.loss_cps', 'target.second.loss_cps'}
    assert {key for key in full if 'cps' in key} - set(losses) == {
        'labeled_target.first.loss_cps', 'labeled_target.second.loss_cps'}
    assert 0 < float(full['target.agreement']) < 1


@pytest.mark.parametrize(('name', 'options'), [*((name, {}) for name in SEGMENTORS),
                                               ('DeepLabv3+', dict(joint_forward=True, cut_mix=True))])
def test_every_parameter_of_both_networks_learns(name: str, options: dict) -> None:
    model = build_cps(SEGMENTORS[name], **options)
    before = weights(model)
    logs = step(model, 'source', 'labeled_target', 'pseudo_labeled', 'target')
    assert all(bool(torch.isfinite(value)) for value in logs.values())
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not still


@pytest.mark.parametrize('cut_mix', [False, True])
def test_gradients_are_accumulated_and_amp_trains_alike(cut_mix: bool) -> None:
    """Labels of an untrained network are nearly random, so AMP may change some; the direction is the same."""
    moved = accumulated_steps(lambda: build_cps(cut_mix=cut_mix))
    cosine = torch.cosine_similarity(moved['float32'], moved['bfloat16'], dim=0)
    assert cosine > 0.9 and bool((moved['bfloat16'] != 0).float().mean() > 0.99)


def test_padding_is_not_learnt() -> None:
    """A strip of padding below the images: neither its pixels nor its logits are in the losses."""
    model = build_cps(cut_mix=dict(boxes=1, share=(0.9, 0.9)))
    batch = preprocessed(model, *NAMES)
    for branch in batch.values():
        for sample in branch['data_samples']:
            sample.set_metainfo(dict(img_shape=(40, 64)))
    np.random.seed(0)
    seen: list = []
    original = torch.nn.functional.cross_entropy

    def keep(logits: Tensor, label: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        seen.append(label)
        return original(logits, label, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('udas_mmseg.models.segmentors.cross_pseudo.F.cross_entropy', keep)
        model(**batch, mode='loss')
    labels = [label for label in seen if label.dim() == 3][-2:]
    assert all(bool((label[:, 40:] == 255).all() and (label[:, :40] < 3).all()) for label in labels)


def test_the_mean_has_the_mean_probabilities() -> None:
    models = {name: build_cps(predict_with=name).eval() for name in ('first', 'second', 'mean')}
    first, second, mean = (model.test_step(images())[0] for model in models.values())
    expected = (first.seg_logits.data.softmax(0) + second.seg_logits.data.softmax(0)) / 2
    assert torch.allclose(mean.seg_logits.data.softmax(0), expected, atol=1e-6)
    assert torch.equal(mean.pred_sem_seg.data[0], expected.argmax(0))
    inputs = models['mean'].data_preprocessor(images(), False)['inputs']
    predictor = models['mean'].predictor
    assert torch.allclose(predictor.predict(inputs)[0].seg_logits.data, mean.seg_logits.data, atol=1e-5)
    meta = images()['data_samples'][0].metainfo
    assert torch.equal(predictor.encode_decode(inputs, [meta]).argmax(1)[0], mean.pred_sem_seg.data[0])
    main, _ = models['mean'](inputs)
    assert torch.allclose(main.exp().sum(1), torch.ones(1))
    with pytest.raises(NotImplementedError, match='only predicts'):
        predictor.loss(inputs, [])


def test_networks_with_equal_weights_are_refused() -> None:
    model = build_cps()
    model.second.load_state_dict(model.segmentor.state_dict())
    with pytest.raises(ValueError, match='the same weights.*teach each other nothing.*backbone.init_cfg'):
        losses_of(model)
    model.second.decode_head.convs[0].bias.data += 1  # the heads differ: enough
    losses_of(model)


def test_pretrained_backbones_may_be_equal(tmp_path: Any) -> None:
    from online_models import pretrained
    model = build_cps(pretrained(tmp_path))
    model.init_weights()
    first, second = model.networks.values()
    assert all(torch.equal(*pair) for pair in zip(first.backbone.parameters(), second.backbone.parameters()))
    assert not torch.equal(first.decode_head.convs[0].weight, second.decode_head.convs[0].weight)
    losses_of(model)


@pytest.mark.parametrize('prefix', [None, 'segmentor.'])
def test_the_second_network_begins_with_another_checkpoint(tmp_path: Any, prefix: Any) -> None:
    trained = build_cps(kind='BranchSegmentor', seed=1)
    torch.save((trained if prefix else trained.segmentor).state_dict(), tmp_path / 'trained.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'trained.pth'), prefix=prefix)
    model = build_cps(second_init_cfg=init_cfg)
    model.init_weights()
    for key, value in trained.segmentor.state_dict().items():
        assert torch.equal(value, model.second.state_dict()[key]), key
    assert not torch.equal(model.segmentor.backbone.conv1.weight, model.second.backbone.conv1.weight)
    losses_of(model)


def test_one_network_of_a_checkpoint_is_that_of_the_first() -> None:
    plain, model = build_cps(kind='BranchSegmentor', seed=1), build_cps()
    before = weights(model.second)
    for state in (plain.state_dict(), plain.segmentor.state_dict()):
        model.load_state_dict(dict(state), strict=False)
        assert all(torch.equal(value, model.segmentor.state_dict()[key])
                   for key, value in plain.segmentor.state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in model.second.named_parameters())
    model.second.load_state_dict(plain.segmentor.state_dict())
    other = build_cps(kind='StudentTeacherSegmentor', seed=2)
    other.load_state_dict(model.state_dict(), strict=False)  # another method takes the first
    assert torch.equal(other.segmentor.backbone.conv1.weight, model.segmentor.backbone.conv1.weight)


@pytest.mark.parametrize(('options', 'names', 'message'), [
    (dict(predict_with='both'), (), r"predict_with='both'; allowed are \['first', 'mean', 'second'\]"),
    (dict(cps_weight=-1), (), 'cps_weight=-1: weight, begin and ramp must be 0 or more'),
    (dict(cps_branches=('unlabelled', )), (), "'unlabelled' is not the name of a branch"),
    (dict(cut_mix=dict(boxes=0)), (), 'boxes=0, share=.0.25, 0.5.. Allowed are 1 or more boxes'),
    (dict(cut_mix=dict(share=(0.5, 1.5))), (), 'share=.0.5, 1.5.'),
    (dict(cut_mix=True), ('source', ), r"need the branch target, and the batch has \['source'\]"),
    (dict(cps_branches=('target', )), ('source', ), 'need the branch target'),
    (dict(segmentor=dict(deeplabv2(), type='RectifiedEncoderDecoder')), (), 'RectifiedEncoderDecoder has its own loss'),
])  # yapf: disable
def test_mistakes_are_named(options: dict, names: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        losses_of(build_cps(**options), *names)


def test_batches_that_cannot_be_trained_on() -> None:
    model = build_cps(cut_mix=True)
    batch = preprocessed(model, *NAMES)
    for branch in batch.values():
        branch.update(inputs=branch['inputs'][:1], data_samples=branch['data_samples'][:1])
    with pytest.raises(ValueError, match='cut_mix mixes two target images.*batch_size=2'):
        model(**batch, mode='loss')
    plain = student_batch('source')['source']
    with pytest.raises(ValueError, match='got one without branches'):
        model.train_step(plain, sgd(model))
