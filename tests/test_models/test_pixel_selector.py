"""The pixel selector: what learns from the discrepancy, what predicts, and what is refused."""
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmseg.registry import MODELS
from torch import Tensor, nn

from adversarial_models import SEGMENTORS, deeplabv2, weights
from student_models import accumulated_steps, images, preprocessed, sgd, student_batch
from udas_mmseg.engine.hooks.target_norm_statistics_hook import replace_norm_statistics
from udas_mmseg.models.losses import classifier_discrepancy
from udas_mmseg.models.segmentors.branches import networks_of
from udas_mmseg.pseudo_labels.predict import Labeler, predict_heads, predict_images

NAMES = ('pseudo_labeled', 'target')


def build(segmentor: Any = None, kind: str = 'PixelSelector', **options: Any) -> Any:
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(type=kind, segmentor=segmentor or deeplabv2(), **options)).train()


def losses_of(model: nn.Module, *names: str) -> Dict[str, Tensor]:
    return model(**preprocessed(model, *(names or NAMES)), mode='loss')


def step(model: nn.Module, *names: str, lr: float = 0.1) -> Dict[str, Tensor]:
    return model.train_step(student_batch(*(names or NAMES)), sgd(model, lr))


@pytest.mark.parametrize(('updates', 'reached'), [('classifiers', False), ('all', True)])
def test_the_gradient_of_the_discrepancy_reaches_what_it_should(updates: str, reached: bool) -> None:
    model = build(discrepancy_updates=updates)
    loss = losses_of(model)['target.loss_discrepancy']
    named = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    learning = {name for name, value in zip(named, gradients) if value is not None and bool(value.abs().sum() > 0)}
    heads = {name for name in named if 'decode_head' in name}
    backbone = {name for name in named if name.startswith('segmentor.backbone')}
    assert learning == heads | (backbone if reached else set())


def test_the_discrepancy_grows_only_with_its_weight() -> None:
    found = {}
    for weight in (0., 20.):
        model = build(discrepancy_weight=weight)
        for _ in range(4):
            step(model, lr=0.01)
        with torch.no_grad():
            first, *_, second = model.forward_images(preprocessed(model, 'target')['target']['inputs']).logits
        found[weight] = float(classifier_discrepancy(first, second))
    assert found[20.] > 1.5 * found[0.]


def test_the_discrepancy_by_hand() -> None:
    first = torch.tensor([[0.5, 0.5, 0.], [0.25, 0.25, 0.5]]).T[None, :, None].clamp(min=1e-30).log()
    second = torch.tensor([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]]).T[None, :, None].log()
    assert float(classifier_discrepancy(first, second)) == pytest.approx((0.25 + 0.25 + 0.5) / 3 / 2)
    inside = torch.tensor([[[True, False]]])
    assert float(classifier_discrepancy(first, second, inside)) == pytest.approx(1 / 3)
    assert float(classifier_discrepancy(first, second, ~inside)) == 0
    with pytest.raises(ValueError, match='Resize one to the other'):
        classifier_discrepancy(first, second[..., :1])


def test_padding_does_not_count() -> None:
    model = build()
    batch = preprocessed(model, *NAMES)
    for sample in batch['target']['data_samples']:
        sample.set_metainfo(dict(img_shape=(40, 64)))
    expected = losses_of(model)['target.discrepancy']
    found = model(**batch, mode='loss')['target.discrepancy']
    outputs = model.forward_images(batch['target']['inputs']).logits
    first, second = (nn.functional.interpolate(one, (48, 64), mode='bilinear', align_corners=True).softmax(1)
                     for one in (outputs[0], outputs[-1]))
    by_hand = (first - second).abs()[:, :, :40].mean()
    assert torch.allclose(found, by_hand) and not torch.allclose(found, expected)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_every_parameter_learns_and_both_classifiers_predict(name: str) -> None:
    model = build(SEGMENTORS[name])
    before = weights(model)
    logs = step(model, 'source', *NAMES)
    assert all(bool(torch.isfinite(value)) for value in logs.values())
    assert not [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    maps = heads_of_image(model.eval())
    for number, of_one in enumerate(('first', 'second')):
        model.predict_with = of_one
        assert torch.allclose(maps[number], heads_of_image(model)[0], atol=1e-6)
    assert not torch.allclose(maps[0], maps[1], atol=1e-3)


def heads_of_image(model: nn.Module, ori_shape: tuple = (48, 64)) -> List[Tensor]:
    sample = {key: value[0] for key, value in images().items()}
    sample['data_samples'].set_metainfo(dict(ori_shape=ori_shape))
    found, = predict_heads(Labeler.of(model), [sample])
    assert all(one.shape[1:] == ori_shape and torch.allclose(one.sum(0), torch.ones(ori_shape)) for one in found)
    return list(found)


def test_the_mean_is_that_of_both_maps() -> None:
    model = build().eval()
    first, second = heads_of_image(model)
    mean = model.test_step(images())[0]
    assert torch.allclose(mean.seg_logits.data.softmax(0), (first + second) / 2, atol=1e-6)
    inputs = model.data_preprocessor(images(), False)['inputs']
    predictor = model.predictor
    meta = images()['data_samples'][0].metainfo
    assert torch.equal(predictor.encode_decode(inputs, [meta]).argmax(1)[0], mean.pred_sem_seg.data[0])
    main, auxiliary = model(inputs)  # at the resolution of the heads
    assert torch.allclose(main.exp().sum(1), torch.ones(1))
    assert torch.equal(auxiliary.argmax(1), model.segmentor._forward(inputs)[1].argmax(1))
    with pytest.raises(NotImplementedError, match='ClassifierMean only predicts. Train with PixelSelector'):
        predictor.loss(inputs, [])


def test_maps_have_the_size_of_the_image_and_windows_are_used() -> None:
    model = build(dict(deeplabv2(), test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 16)))).eval()
    maps = heads_of_image(model, (30, 50))
    for number, of_one in enumerate(('first', 'second')):
        model.predict_with = of_one
        alone, = heads_of_image(model, (30, 50))
        assert torch.allclose(maps[number], alone, atol=1e-6)


@pytest.mark.parametrize('kind', ['BranchSegmentor', 'CrossPseudoSupervision'])
def test_maps_of_other_methods(kind: str) -> None:
    model = build(kind=kind, **(dict(predict_with='mean') if kind == 'CrossPseudoSupervision' else {})).eval()
    maps = heads_of_image(model)
    if kind == 'BranchSegmentor':
        label, sure = next(predict_images(Labeler.of(model), [{key: value[0] for key, value in images().items()}]))
        assert len(maps) == 1
        assert torch.equal(maps[0].argmax(0), label.long()) and torch.allclose(maps[0].amax(0), sure)
    else:
        expected = [network.predict(model.data_preprocessor(images(), False)['inputs'])[0].seg_logits.data.softmax(0)
                    for network in model.networks.values()]
        assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(maps, expected))


def test_a_sigmoid_and_broken_weights_have_no_maps() -> None:
    binary = deeplabv2()
    for head in ('decode_head', 'auxiliary_head'):
        binary[head] = dict(binary[head], num_classes=2, out_channels=1)
    with pytest.raises(ValueError, match='one output channel for both classes.*out_channels=2'):
        heads_of_image(build(binary, kind='BranchSegmentor').eval())
    model = build().eval()
    model.second.decode_head.convs[0].bias.data += float('nan')
    with pytest.raises(ValueError, match='not finite'):
        heads_of_image(model)


def test_statistics_of_the_target_are_also_those_of_the_second_head() -> None:
    model = build(SEGMENTORS['FCN'])
    network, = networks_of(model)
    before = {name: value.clone() for name, value in model.named_buffers() if 'running_mean' in name}
    batch = preprocessed(model, 'target')['target']['inputs']
    count = replace_norm_statistics(network, iter([batch]))
    assert count == len(before) and any(name.startswith('second') for name in before)
    assert not [name for name, value in model.named_buffers() if name in before and torch.equal(value, before[name])]
    assert model.training and model.second.decode_head.training


@pytest.fixture
def one_process() -> Iterator[None]:
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('options', [{}, dict(discrepancy_updates='all', discrepancy_weight=0)])
def test_data_parallelism_trains_alike(one_process: None, options: dict) -> None:
    """DDP waits for the gradients of all parameters in every step, and would fail in the second one."""
    plain, model = build(**options), build(**options)
    parallel = MMDistributedDataParallel(model, broadcast_buffers=False)
    ours, theirs = sgd(parallel), sgd(plain)
    for seed in (0, 1):
        logs, expected = (one.train_step(student_batch(*NAMES, seed=seed), optimizer)
                          for one, optimizer in ((parallel, ours), (plain, theirs)))
        assert all(torch.equal(value, logs[key]) for key, value in expected.items())
    assert all(torch.equal(*pair) for pair in zip(plain.state_dict().values(), model.state_dict().values()))


def test_gradients_are_accumulated_and_amp_trains_alike() -> None:
    moved = accumulated_steps(build)
    cosine = torch.cosine_similarity(moved['float32'], moved['bfloat16'], dim=0)
    assert cosine > 0.9 and bool((moved['bfloat16'] != 0).float().mean() > 0.99)


def test_equal_classifiers_are_refused() -> None:
    model = build()
    model.second.decode_head.load_state_dict(model.segmentor.decode_head.state_dict())
    with pytest.raises(ValueError, match='both classifiers have the same weights: their discrepancy is 0.*randomly'):
        losses_of(model)


def test_another_method_gives_its_weights_to_the_first_classifier() -> None:
    plain, model = build(kind='BranchSegmentor'), build()
    for parameter in plain.parameters():
        parameter.data += 1
    before = weights(model.second)
    for state in (plain.state_dict(), plain.segmentor.state_dict()):
        model.load_state_dict(dict(state), strict=False)
        expected = plain.segmentor.state_dict()
        assert all(torch.equal(value, expected[key]) for key, value in model.segmentor.state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in model.second.named_parameters())
    other = build(kind='StudentTeacherSegmentor')
    other.load_state_dict(model.state_dict(), strict=False)  # which takes the first
    assert torch.equal(other.segmentor.decode_head.convs[0].weight, model.segmentor.decode_head.convs[0].weight)


def with_outputs(**changes: Any) -> dict:
    segmentor = deeplabv2()
    return dict(segmentor, **{name: dict(segmentor[name], num_classes=2, **changes)
                              for name in ('decode_head', 'auxiliary_head')})


@pytest.mark.parametrize(('options', 'names', 'message'), [
    (dict(predict_with='both'), NAMES, r"predict_with='both'; allowed are \['first', 'mean', 'second'\]"),
    (dict(discrepancy_updates='backbone'), NAMES, r"discrepancy_updates='backbone'; allowed are \['all', 'classi"),
    (dict(discrepancy_weight=-1), NAMES, 'discrepancy_weight=-1: weight, begin and ramp must be 0 or more'),
    (dict(segmentor=dict(deeplabv2(), type='RectifiedEncoderDecoder')), NAMES, 'RectifiedEncoderDecoder has its own'),
    (dict(segmentor=dict(deeplabv2(), test_cfg=dict(mode='whole', aux_weight=0.5))), NAMES, 'Remove aux_weight'),
    (dict(segmentor=with_outputs(out_channels=1)), NAMES, 'needs a softmax over the classes'),
    ({}, ('pseudo_labeled', ), r"on `target` images.*the batch has \['pseudo_labeled'\]"),
    ({}, ('target', ), r"labels of other branches.*the batch has \['target'\]"),
])  # yapf: disable
def test_mistakes_are_named(options: dict, names: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        losses_of(build(**options), *names)


def test_the_shared_config_can_be_built() -> None:
    method = Config.fromfile(Path(__file__).parents[2] / 'configs/_base_/methods/pixel_selector.py').method
    model = MODELS.build(ConfigDict(method, segmentor=deeplabv2()))
    assert model.discrepancy_updates == 'classifiers' and model.terms[0].schedule == build().terms[0].schedule


def test_a_batch_without_branches_is_refused() -> None:
    model = build()
    with pytest.raises(ValueError, match='PixelSelector trains on batches of.*pseudo_labeled.*without branches'):
        model.train_step(student_batch('source')['source'], sgd(model))
