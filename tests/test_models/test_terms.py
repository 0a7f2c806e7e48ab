"""Loss terms: weights over time, what they are computed from, and where methods take them."""
from typing import Any, Dict

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from adversarial_models import RESNET, SEGMENTORS, batch, build, deeplabv2, optimizers, stock, weights
from student_models import build_student, preprocessed, sgd, student_batch
from udas_mmseg.models.losses import entropy_loss, memory_regularization, symmetric_cross_entropy
from udas_mmseg.models.terms import (
    ConsistencyTerm,
    EntropyTerm,
    HeadDivergenceTerm,
    LossTerm,
    Outputs,
    Term,
    TermContext,
)

HEADS = dict(decode=nn.Module(), aux=nn.Module())
for head in HEADS.values():
    head.align_corners = False


@MODELS.register_module(force=True)
class MeanLogitTerm(Term):
    """Mean logit of the main head, with what it was computed from."""
    name = 'loss_mean'
    seen: Dict[str, Any] = {}

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        self.seen.update(context=context, branches=list(context.logits))
        return dict(loss_mean=context.logits[self.branch][0].mean(), size=torch.tensor(3.))


def context(iteration: int = 0, upsample: bool = True) -> TermContext:
    generator = torch.Generator().manual_seed(0)
    found = TermContext(dict(target=dict(inputs=torch.zeros(2, 3, 8, 12))), HEADS, iteration,
                        lambda images: Outputs([images]), lambda images: Outputs([images]), upsample=upsample)
    found.add({'target': Outputs([torch.randn(2, 4, 4, 6, generator=generator),
                                  torch.randn(2, 4, 2, 3, generator=generator)])})
    return found


def test_weights_begin_and_rise() -> None:
    term = LossTerm(weight=(0.1, 0.02), begin=10, ramp=4)
    assert [term.at(iteration)[0] for iteration in (0, 9, 10, 12, 14, 99)] == pytest.approx([0, 0, 0, 0.05, 0.1, 0.1])
    assert LossTerm.from_config('x', 0.3) == LossTerm(0.3) == LossTerm.from_config('x', dict(weight=0.3))
    assert LossTerm.from_config('x', term) is term
    with pytest.raises(ValueError, match='x=-1: weight, begin and ramp must be 0 or more'):
        LossTerm.from_config('x', -1)


def test_logits_are_resized_once_to_the_images_or_to_the_main_head() -> None:
    found = context()
    resized = found.resized('target')
    assert [tuple(level.shape) for level in resized] == [(2, 4, 8, 12)] * 2 and found.resized('target') is resized
    assert [tuple(level.shape) for level in context(upsample=False).resized('target')] == [(2, 4, 4, 6)] * 2


def test_entropy_of_every_head() -> None:
    found = context()
    expected = [float(entropy_loss(level.softmax(1))) for level in found.resized('target')]
    one = EntropyTerm(weight=0.5)(found)
    assert list(one) == ['decode.loss_ent', 'aux.loss_ent']
    assert [float(value) for value in one.values()] == pytest.approx([0.5 * value for value in expected])
    two = EntropyTerm(weight=(0.5, 0.))(found)
    assert [float(value) for value in two.values()] == pytest.approx([0.5 * expected[0], 0.])


@pytest.mark.parametrize('form', [symmetric_cross_entropy, memory_regularization])
def test_divergence_of_the_heads(form: Any) -> None:
    found = context(iteration=3)
    term = HeadDivergenceTerm(form.__name__, weight=0.2, begin=2, ramp=2)
    assert float(term(found)['loss_kl']) == pytest.approx(0.1 * float(form(*found.resized('target'))))


def test_nothing_is_computed_before_a_term_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    term = EntropyTerm(weight=1., begin=5)
    monkeypatch.setattr(EntropyTerm, 'losses', lambda *_: 1 / 0)
    assert {name: float(value) for name, value in term(context(4)).items()} == {'decode.loss_ent': 0, 'aux.loss_ent': 0}
    with pytest.raises(ZeroDivisionError):
        term(context(5))


METHODS = {
    'BranchSegmentor': lambda **options: MODELS.build(dict(type='BranchSegmentor', segmentor=deeplabv2(), **options)),
    'StudentTeacherSegmentor': lambda **options: build_student(ema_teacher=dict(), **options),
    'AdversarialSegmentor': lambda **options: build(discriminators=None, **options),
}


@pytest.mark.parametrize('name', METHODS)
def test_every_method_takes_terms_on_the_target(name: str) -> None:
    torch.manual_seed(0)
    model = METHODS[name](terms=[dict(type='MeanLogitTerm', weight=0.3)]).train()
    wrapper = optimizers(model) if name == 'AdversarialSegmentor' else sgd(model)
    logs = model.train_step(batch(), wrapper)
    assert float(logs['target.size']) == 3
    mean = MeanLogitTerm.seen['context'].logits['target'][0].mean()
    assert float(logs['target.loss_mean']) == pytest.approx(0.3 * float(mean), rel=1e-5)
    torch.manual_seed(0)
    without = METHODS[name]().train()
    without.train_step(batch(), optimizers(without) if name == 'AdversarialSegmentor' else sgd(without))
    key = 'segmentor.decode_head.convs.0.weight'
    assert not torch.equal(weights(model)[key], weights(without)[key])


def test_a_term_has_the_branches_before_its_own_and_their_features() -> None:
    model = METHODS['StudentTeacherSegmentor'](terms=[dict(type='MeanLogitTerm', weight=1.)])
    model(**preprocessed(model, 'target', 'source', 'pseudo_labeled'), mode='loss')
    found = MeanLogitTerm.seen['context']
    # only branches that a term needs keep their outputs
    assert MeanLogitTerm.seen['branches'] == ['target'] and found.teacher is model.teacher
    assert [level.shape[1] for level in found.features['target']] == [4, 8, 16, 32]
    assert found.label('target').shape == (2, 48, 64)
    model.joint_forward = True
    model(**preprocessed(model, 'target', 'source'), mode='loss')
    assert MeanLogitTerm.seen['branches'] == ['source', 'target']


@MODELS.register_module(force=True)
class FeatureGapTerm(Term):
    """Distance between the mean features of the domains."""
    name = 'loss_gap'
    needs = ('source', )

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        means = [context.features[branch][-1].mean(dim=(0, 2, 3)) for branch in (*self.needs, self.branch)]
        return dict(loss_gap=(means[0] - means[1]).square().sum())


def test_a_term_may_compare_branches() -> None:
    model = build_student(terms=[dict(type='FeatureGapTerm', weight=1.)])
    data = preprocessed(model, 'source', 'target')
    losses = model(**data, mode='loss')
    plain = build_student()(source=data['source'], mode='loss')
    assert all(torch.equal(value, losses[key]) for key, value in plain.items())
    losses['target.loss_gap'].backward()
    assert float(model.segmentor.backbone.conv1.weight.grad.abs().sum()) > 0
    with pytest.raises(ValueError, match="branch='source', but it needs the outputs of .'source'."):
        FeatureGapTerm(weight=1., branch='source')
    with pytest.raises(ValueError, match=r"cannot train the terms \['FeatureGapTerm'\]"):
        build(terms=[dict(type='FeatureGapTerm', weight=1.)])
    with pytest.raises(ValueError, match='FeatureGapTerm works on the branch source, and the batch has'):
        model(target=data['target'], mode='loss')


def test_terms_of_a_method_are_those_of_its_arguments() -> None:
    model = build(entropy=dict(weight=(0.1, 0.2)), kl=dict(form='symmetric_cross_entropy', weight=0.1, ramp=5),
                  terms=[dict(type='MeanLogitTerm', weight=1)])
    assert [type(term) for term in model.terms] == [EntropyTerm, HeadDivergenceTerm, MeanLogitTerm]
    assert model.terms[1].schedule == LossTerm(0.1, 0, 5)
    model = build_student(consistency=dict(num_views=2))
    assert [(type(term), term.branch) for term in model.terms] == [(ConsistencyTerm, 'source'),
                                                                   (ConsistencyTerm, 'labeled_target')]
    assert not any(key.startswith('terms') for key in model.state_dict())


@pytest.mark.parametrize(('terms', 'message'), [
    ([dict(type='EntropyTerm', weight=(1., 2., 3.))], r'EntropyTerm.weight has 3 entries for the losses'),
    ([dict(type='EntropyTerm', weight=-1)], 'EntropyTerm=.*must be 0 or more'),
    ([dict(type='EntropyTerm', weight=1, branch='sauce')], "EntropyTerm: branch='sauce'; allowed are"),
    ([dict(type='HeadDivergenceTerm', weight=1, form='kl')], "HeadDivergenceTerm: form='kl'; allowed are"),
    ([dict(type='FCDiscriminator', in_channels=3)], 'terms has a FCDiscriminator, which is not a loss term'),
])
def test_terms_that_do_not_fit_are_refused(terms: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_student(terms=terms)


def test_a_divergence_needs_two_heads() -> None:
    segmentor = stock(RESNET, dict(type='FCNHead', in_channels=32, in_index=3, channels=8), None)
    with pytest.raises(ValueError, match=r"the heads are \['decode'\]"):
        build_student(segmentor, terms=[dict(type='HeadDivergenceTerm', weight=1, form='memory_regularization')])


def test_mistakes_in_a_term_are_noticed() -> None:
    model = build_student(terms=[dict(type='MeanLogitTerm', weight=1.), dict(type='MeanLogitTerm', weight=2.)])
    with pytest.raises(ValueError, match='several terms have the losses .*target.loss_mean'):
        model(**preprocessed(model, 'source', 'target'), mode='loss')
    with pytest.raises(ValueError, match=r'MeanLogitTerm works on the branch target, and the batch has \[.source'):
        model(**preprocessed(model, 'source'), mode='loss')
    term = MeanLogitTerm(weight=1.)
    term.name = 'loss_other'
    with pytest.raises(ValueError, match='MeanLogitTerm.losses gave'):
        term(context())
    term.name = 'mean'
    with pytest.raises(ValueError, match=r"MeanLogitTerm: \['mean'\] would be logged and not trained on"):
        term.check(HEADS)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_entropy_of_any_segmentor(name: str) -> None:
    model = build_student(SEGMENTORS[name], terms=[dict(type='EntropyTerm', weight=0.1)])
    logs = model.train_step(student_batch('source', 'target'), sgd(model))
    assert 0 < float(logs['target.decode.loss_ent']) <= 0.1 and 0 < float(logs['target.aux.loss_ent']) <= 0.1
