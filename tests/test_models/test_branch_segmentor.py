"""The base of every method: which branches it learns from, in which order, and whose weights it takes."""
from typing import Any, Dict

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from adversarial_models import build, deeplabv2, weights
from student_models import build_student, images, preprocessed, sgd, student_batch
from udas_mmseg.datasets.branches import BRANCHES, Branch, register_branch
from udas_mmseg.models import BranchSegmentor
from udas_mmseg.models.mixing import LabeledImages, cut_mix_masks, mix_batches


def build_branches(seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    return MODELS.build(ConfigDict(type='BranchSegmentor', segmentor=deeplabv2(), **options)).train()


@pytest.mark.parametrize('joint', [False, True])
def test_every_labelled_branch_is_supervised(joint: bool) -> None:
    model = build_branches(joint_forward=joint, branch_weights=dict(pseudo_labeled=0.5))
    data = preprocessed(model, *BRANCHES)
    losses = model(**data, mode='loss')
    assert {name.split('.')[0] for name in losses} == {'source', 'labeled_target', 'pseudo_labeled'}
    student = build_student(pseudo_weight=0.5, joint_forward=joint)
    expected = student(**{name: data[name] for name in ('source', 'labeled_target', 'pseudo_labeled')}, mode='loss')
    if not joint:  # together with the target, batch statistics are others
        assert all(torch.equal(value, losses[name]) for name, value in expected.items())


def test_a_target_without_a_term_passes_through_batch_norm_alone() -> None:
    trained = []
    for inverted in (False, True):
        model = build_branches()
        data = student_batch('source', 'target')
        if inverted:
            data['target']['inputs'] = [255 - image for image in data['target']['inputs']]
        model.train_step(data, sgd(model))
        trained.append((weights(model), model.segmentor.backbone.bn1.running_mean))
    assert all(torch.equal(value, trained[1][0][key]) for key, value in trained[0][0].items())
    assert not torch.equal(trained[0][1], trained[1][1])


def test_predictions_are_the_segmentors() -> None:
    model = build_branches().eval()
    expected = model.segmentor.predict(**model.data_preprocessor(images(), False))[0]
    assert torch.equal(model.val_step(images())[0].seg_logits.data, expected.seg_logits.data)
    assert model.predictor is model.segmentor


def test_a_registered_branch_is_trained_on() -> None:
    before = dict(BRANCHES)
    register_branch(Branch('synthetic_night', labels='truth', weight=0.25))
    try:
        model = build_branches()
        source = preprocessed(model, 'source')['source']
        losses = model(source=source, synthetic_night=source, mode='loss')
        key = 'decode.loss_ce'
        assert float(losses[f'synthetic_night.{key}'].detach()) == pytest.approx(
            0.25 * float(losses[f'source.{key}'].detach()), rel=1e-5)
    finally:
        BRANCHES.clear()
        BRANCHES.update(before)


STATES = {
    'segmentor': lambda: MODELS.build(deeplabv2()),
    'BranchSegmentor': build_branches,
    'AdversarialSegmentor': lambda: build(seed=3),
    'StudentTeacherSegmentor': lambda: build_student(seed=4, ema_teacher=dict()),
}


@pytest.mark.parametrize('source', STATES)
@pytest.mark.parametrize('target', list(STATES)[1:])
def test_weights_of_every_method_load_into_every_other(source: str, target: str) -> None:
    trained, model = STATES[source](), STATES[target]()
    state = dict(trained.state_dict())
    result = model.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    missing = {key.split('.')[0] for key in result.missing_keys}
    assert missing == ({'discriminators'} if target == 'AdversarialSegmentor' != source else set())
    expected = getattr(trained, 'segmentor', trained).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.segmentor.state_dict().items())


@pytest.mark.parametrize('source', list(STATES)[1:])
def test_weights_with_the_names_of_wrapped_children_load(source: str) -> None:
    trained, model = STATES[source](), build_student(seed=5, ema_teacher=dict())
    state = {key.replace('segmentor.', 'segmentor.module.', 1): value for key, value in trained.state_dict().items()
             if not key.startswith('teacher.')}
    result = model.load_state_dict(state, strict=False)
    assert not (result.missing_keys or result.unexpected_keys)
    expected = trained.segmentor.state_dict()
    assert all(torch.equal(value, expected[key]) for network in (model.segmentor, model.teacher.network)
               for key, value in network.state_dict().items())


def test_a_misspelt_weight_of_the_segmentor_is_noticed() -> None:
    state = build_branches().state_dict()
    state['segmentor.decode_head.typo'] = torch.zeros(1)
    assert build_branches().load_state_dict(state, strict=False).unexpected_keys == ['segmentor.decode_head.typo']


@pytest.mark.parametrize(('options', 'message'), [
    (dict(branch_weights=dict(sauce=1.)), r"branch_weights has \['sauce'\]; known branches are"),
    (dict(branch_weights=dict(source=-1.)), 'branch_weights.source=-1.0'),
    (dict(branch_weights=dict(source=dict(weight=1., star=3))), r"branch_weights.source=.*may have \['begin', 'ramp'"),
])
def test_impossible_options_are_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_branches(**options)


def test_batches_that_do_not_fit_are_refused() -> None:
    model = build_branches()
    data = student_batch('source', 'target')
    with pytest.raises(ValueError, match=r'branches \[.sauce.\]; known are .* adds one by `register_branch`'):
        model.train_step(dict(sauce=data['source']), sgd(model))
    with pytest.raises(ValueError, match='would leak'):
        model.train_step(dict(target=data['source']), sgd(model))
    with pytest.raises(ValueError, match='pseudo_labeled has no labels'):
        model.train_step(dict(source=data['source'], pseudo_labeled=data['target']), sgd(model))


@MODELS.register_module(force=True)
class MixingSegmentor(BranchSegmentor):
    """A method that adds a branch to the batch: source and labelled target, half and half."""

    def prepare(self, context: Any) -> Dict[str, torch.Tensor]:
        source, target = (LabeledImages(context.images(name), context.label(name))
                          for name in ('source', 'labeled_target'))
        mask = cut_mix_masks(2, (48, 64), np.random.default_rng(0), 0.5)
        mixed = mix_batches(source, target, mask)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in mixed.label]
        context.branches['mixed'] = dict(inputs=mixed.images, data_samples=samples)
        context.pixel_weights['mixed'] = mask.float()
        return {'mixed.share': mask.float().mean()}


@pytest.mark.parametrize('joint', [False, True])
def test_a_method_may_add_a_branch(joint: bool) -> None:
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(type='MixingSegmentor', segmentor=deeplabv2(), joint_forward=joint)).train()
    logs = model.train_step(student_batch('source', 'labeled_target'), sgd(model))
    assert 0 < float(logs['mixed.decode.loss_ce']) < float(logs['source.decode.loss_ce'])
    assert 0 < float(logs['mixed.share']) < 0.6
