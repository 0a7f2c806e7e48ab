"""Semi-supervised training around its step: views, labels, branches, statistics, optimizers and mistakes."""
import copy
from typing import Any, Dict, Optional

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from adversarial_models import SEGMENTORS, deeplabv2, weights
from student_models import accumulated_steps, images, preprocessed, sgd, student_batch
from udas_mmseg.models.channel_dropout import ChannelDropout
from udas_mmseg.models.losses.soft_labels import soft_label_loss
from udas_mmseg.models.teachers.view_mean import mean_over_views

FIXMATCH = dict(momentum=0, labeling=dict(type='PixelWeightLabeling', threshold=0.3))
UNIMATCH = dict(num_views=2, feature_dropout='stream')
UNIMATCH_V2 = dict(num_views=2, feature_dropout='complementary', ema_teacher=dict(FIXMATCH, momentum=0.9))
MIXMATCH = dict(objective='cross_entropy', label_views=2, temperature=0.5, ema_teacher=dict(momentum=0, threshold=0.))
STILL: Dict[str, Any] = dict(augment=False, mix_prob=1.)


def build(segmentor: Optional[dict] = None, **options: Any) -> Any:
    torch.manual_seed(0)
    options.setdefault('ema_teacher', FIXMATCH)
    segmentor = segmentor or deeplabv2()
    return MODELS.build(ConfigDict(type='SemiSupervisedSegmentor', segmentor=segmentor, **options)).train()


def step(model: Any, *names: str, seed: int = 0) -> Dict[str, torch.Tensor]:
    np.random.seed(seed)
    return model.train_step(student_batch(*(names or ('labeled_target', 'target')), seed=seed), sgd(model))


def begun(model: Any) -> Any:
    np.random.seed(0)
    return model.begin_step(preprocessed(model, 'labeled_target', 'target'))[0]


@pytest.mark.parametrize(('name', 'options'), [
    ('DeepLabv2', dict(UNIMATCH, joint_forward=True)), ('DeepLabv3+', UNIMATCH), ('PSPNet', UNIMATCH_V2),
    ('FCN', dict(objective='mse', mixing='class_mix')), ('SegFormer', dict(MIXMATCH, feature_dropout='stream')),
])  # yapf: disable
def test_any_segmentor_learns_without_a_source(name: str, options: dict) -> None:
    model = build(SEGMENTORS[name], **options)
    before = weights(model)
    for seed in (0, 1):
        logs = step(model, seed=seed)
    assert float(logs['loss']) == pytest.approx(sum(float(v) for k, v in logs.items() if 'loss' in k and k != 'loss'))
    branches = {key.split('.')[0] for key in logs if 'loss_' in key}
    assert branches == {'labeled_target', *model.strong, *(['features'] if model.feature_dropout == 'stream' else [])}
    assert all(bool(torch.isfinite(value).all()) for value in [*logs.values(), *model.parameters()])
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert not still, f'not moved by two steps: {still}'
    assert model.eval().test_step(images())[0].pred_sem_seg.data.shape == (1, 48, 64)


def test_a_source_and_pseudo_labels_are_learnt_as_well() -> None:
    logs = step(build(), 'source', 'labeled_target', 'pseudo_labeled', 'target')
    assert {'source.decode.loss_ce', 'pseudo_labeled.decode.loss_ce', 'strong.decode.loss_ce'} <= set(logs)


@pytest.mark.parametrize('mixing', ['cut_mix', 'class_mix'])
def test_views_share_the_geometry_and_labels_follow_their_pixels(mixing: str) -> None:
    model = build(mixing=mixing, **STILL, **UNIMATCH)
    context = begun(model)
    weak, label = context.images('target'), context.label('target')
    assert torch.equal(context.images('features'), weak) and torch.equal(context.label('features'), label)
    for name in ('strong', 'strong2'):
        own = (context.images(name) == weak).all(dim=1)
        following = (context.images(name) == weak.roll(-1, dims=0)).all(dim=1)
        assert bool((own | following).all()) and bool((~own).any())
        for found, expected in ((context.label(name), label),
                                (context.pixel_weights[name], context.pixel_weights['target'])):
            assert torch.equal(found[own], expected[own])
            assert torch.equal(found[~own], expected.roll(-1, dims=0)[~own])
    # half of three classes are sometimes the same ones
    assert mixing == 'class_mix' or not torch.equal(context.images('strong'), context.images('strong2'))
    whole = begun(build(augment=False, mix_prob=0.))  # mixing with probability 0
    assert torch.equal(whole.images('strong'), whole.images('target'))


def test_soft_labels_follow_their_pixels_and_are_sharpened() -> None:
    model = build(**STILL, **dict(MIXMATCH, label_views=1))
    context = begun(model)
    soft, mixed = context.soft_labels['target'], context.soft_labels['strong']
    own = (context.images('strong') == context.images('target')).all(dim=1)[:, None].expand_as(soft)
    assert torch.equal(mixed[own], soft[own]) and torch.equal(mixed[~own], soft.roll(-1, dims=0)[~own])
    plain = begun(build(**STILL, **dict(MIXMATCH, label_views=1, temperature=1.))).soft_labels['target']
    squared = plain**2  # T = 1/2
    assert torch.allclose(soft, squared / squared.sum(dim=1, keepdim=True), atol=1e-6) and not soft.requires_grad


def test_the_mean_over_views_is_that_of_their_probabilities() -> None:
    batch = torch.randn(2, 3, 12, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def predict(view: torch.Tensor) -> torch.Tensor:
        calls.append(view)
        return 3 * view  # a network that commutes with every view

    calls: list = []
    alone = mean_over_views(predict, batch, 1, np.random.default_rng(0)).exp()
    assert torch.allclose(alone, (3 * batch).softmax(dim=1))
    mean = mean_over_views(predict, batch, 4, np.random.default_rng(0)).exp()
    assert torch.allclose(mean.sum(dim=1), torch.ones(2, 12, 20, dtype=torch.float64)) and len(calls) == 1 + 4
    assert torch.equal(calls[1], batch) and not torch.equal(calls[2], batch)
    flat = mean_over_views(lambda view: torch.zeros_like(view), batch, 3, np.random.default_rng(0)).exp()
    assert torch.allclose(flat, torch.full_like(flat, 1 / 3))


def test_soft_losses_have_known_values() -> None:
    probs = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1)
    logits = torch.tensor([0.5, 0.5]).view(1, 2, 1, 1).log().requires_grad_()
    assert float(soft_label_loss(logits, probs, 'mse').detach()) == pytest.approx(0.25**2)
    assert float(soft_label_loss(logits, probs, 'cross_entropy').detach()) == pytest.approx(np.log(2))
    probs = probs.clone().requires_grad_()
    soft_label_loss(logits, probs, 'mse').sum().backward()
    assert probs.grad is None and logits.grad.abs().sum() > 0


def test_complementary_views_keep_each_channel_once() -> None:
    features = torch.rand(3, 40, 2, 2)
    first, second = (ChannelDropout([1, 2], is_complement)(0, features) for is_complement in (False, True))
    assert torch.equal(first + second, 2 * features)
    kept = (first != 0).flatten(2)
    assert torch.equal(kept.all(dim=2), kept.any(dim=2)) and 0.3 < float(kept.float().mean()) < 0.7
    assert not torch.equal(kept[0], kept[1])  # each image has its own
    assert not torch.equal(ChannelDropout([1, 2])(1, features), first)  # and each stage


def test_draws_depend_on_the_seed_of_the_iteration() -> None:
    model = build(**dict(UNIMATCH_V2, label_views=2))
    data = preprocessed(model, 'labeled_target', 'target')
    views = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        views.append(model.begin_step(data)[0].images('strong2'))
    assert torch.equal(views[0], views[1]) and not torch.equal(views[0], views[2])
    losses = []
    for seed in (0, 0, 1):  # those of the channels, too
        np.random.seed(seed)
        losses.append(float(model(**data, mode='loss')['strong.decode.loss_ce'].detach()))
    assert losses[0] == losses[1] != losses[2]


def test_labels_have_no_gradient_and_momentum_0_is_the_student_itself() -> None:
    model = build()
    step(model)
    model.teacher.update(model.segmentor)
    for key, value in model.segmentor.state_dict().items():
        assert torch.equal(value, model.teacher.network.state_dict()[key]), key
    before = copy.deepcopy(model.teacher.state_dict())
    step(model, seed=1)
    assert all(torch.equal(value, before[key]) for key, value in model.teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in model.teacher.network.parameters())


def test_losses_on_unlabelled_images_may_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {}
    for iteration in (0, 15, 40):
        monkeypatch.setattr('mmengine.logging.MessageHub.get_info', lambda *_, now=iteration: now)
        model = build(ema_teacher=dict(momentum=0.9, threshold=0., weight=dict(weight=1., begin=10, ramp=10)),
                      objective='mse', **UNIMATCH)
        values[iteration] = step(model)
    for key in ('strong2.decode.loss_mse', 'features.aux.loss_mse'):
        early, middle, late = (float(logs[key]) for logs in values.values())
        assert early == 0 and middle == pytest.approx(late / 2, rel=1e-5) and late > 0, key


def test_accumulation_averages_and_amp_is_near() -> None:
    moved = accumulated_steps(lambda: build(**UNIMATCH_V2, augment=False))
    assert float(F.cosine_similarity(moved['bfloat16'], moved['float32'], dim=0)) > 0.9


@pytest.mark.parametrize(('options', 'message'), [
    (dict(num_views=3), r'num_views=3; allowed are \[1, 2\]'),
    (dict(feature_dropout='all'), "feature_dropout='all'; allowed are"),
    (dict(feature_dropout='complementary'), 'num_views=1. Set num_views=2'),
    (dict(mixing='mix_up'), "mixing='mix_up'; allowed are"),
    (dict(mix_prob=1.5), r'mix_prob=1.5: it must be in \[0, 1\]'),
    (dict(objective='kl'), "objective='kl'; allowed are"),
    (dict(label_views=0), 'label_views=0'),
    (dict(temperature=0), 'temperature=0: it must be above 0'),
    (dict(labeled_weight=-1), 'labeled_weight=-1'),
    (dict(augment=dict(grey_prob=2)), 'augment.grey_prob=2'),
    (dict(ema_teacher=None), 'SemiSupervisedSegmentor needs a teacher'),
])
def test_impossible_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_impossible_batches_and_heads_are_refused() -> None:
    with pytest.raises(ValueError, match='the batch has no target branch'):
        step(build(), 'labeled_target')
    model, alone = build(), student_batch('labeled_target', 'target')
    alone['target'] = {key: values[:1] for key, values in alone['target'].items()}
    with pytest.raises(ValueError, match="mixing='cut_mix' pastes pixels of another target image"):
        model.train_step(alone, sgd(model))
    unmixed = build(mixing=None)
    assert 'strong.decode.loss_ce' in unmixed.train_step(alone, sgd(unmixed))
    focal = dict(deeplabv2())
    focal['decode_head'] = dict(focal['decode_head'], loss_decode=dict(type='DiceLoss'))
    with pytest.raises(ValueError, match="objective='mse' needs heads with the plain .* set objective=\"labels\""):
        build(focal, objective='mse')
