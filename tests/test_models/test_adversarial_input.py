"""What adversarial training refuses, with the fix in the message."""
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS

from adversarial_models import RESNET, SMALL, batch, build, deeplabv2, optimizers, stock
from udas_mmseg.engine.optimizers import PerChildOptimWrapperConstructor
from udas_mmseg.models.terms.loss_term import LossTerm


@MODELS.register_module(force=True)
class HiddenLogits(EncoderDecoder):
    """A segmentor of somebody's own."""


@pytest.mark.parametrize('bad', [dict(weight=-1.), dict(weight=(0.1, -0.1)), dict(weight=1., begin=-1),
                                 dict(weight=1., ramp=-2)])
def test_loss_terms_are_not_negative(bad: dict) -> None:
    with pytest.raises(ValueError, match='must be 0 or more'):
        LossTerm(**bad)


class TestBadInput:

    def test_no_auxiliary_head(self) -> None:
        with pytest.raises(ValueError, match='auxiliary_head'):
            build(stock(RESNET, dict(type='FCNHead', in_channels=32, in_index=3, channels=8), None))

    def test_sizes_that_differ_in_a_joint_forward(self) -> None:
        model = build(joint_forward=True)
        with pytest.raises(ValueError, match=r"'source': \(48, 64\), 'target': \(64, 96\).*joint_forward=False"):
            model.train_step(batch((48, 64), (64, 96)), optimizers(model))

    def test_number_of_discriminators(self) -> None:
        with pytest.raises(ValueError, match='discriminators has 3 entries for 2 levels'):
            build(discriminators=dict(SMALL, num_levels=3))

    @pytest.mark.parametrize('term', ['adversarial', 'entropy'])
    def test_number_of_weights(self, term: str) -> None:
        with pytest.raises(ValueError, match=f'{term}.weight has 1 entries; this term has 2'):
            build(**{term: dict(weight=0.001)})

    @pytest.mark.parametrize(('options', 'message'), [
        (dict(adversarial=dict(weight=(0.1, 0.1), begn=3)), r"adversarial=.*may have \['begin', 'ramp'\]"),
        (dict(entropy=dict(begin=3)), 'entropy=.*it needs `weight`'),
        (dict(kl=dict(form='memory_regularization', weight=(0.1, 0.2))), 'kl.weight has 2 entries; this term has 1'),
    ])
    def test_terms_with_other_entries(self, options: dict, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            build(**options)

    def test_segmentor_that_hides_its_auxiliary_logits(self) -> None:
        own = stock(RESNET, dict(type='FCNHead', in_channels=32, in_index=3, channels=8))
        with pytest.raises(ValueError, match='is a HiddenLogits.*MultiLevelEncoderDecoder'):
            build(dict(own, type='HiddenLogits'))

    def test_no_preprocessor(self) -> None:
        segmentor = deeplabv2()
        del segmentor['data_preprocessor']
        model = build(segmentor)
        with pytest.raises(ValueError, match='not stacked.*DomainDataPreProcessor'):
            model.train_step(batch(), optimizers(model))

    def test_no_optimizer_for_a_child(self) -> None:
        model = build()
        one = dict(optimizer=dict(type='SGD', lr=0.1))
        with pytest.raises(ValueError, match=r"trains the children \['discriminators', 'segmentor'\].*\['segmentor'\]"):
            PerChildOptimWrapperConstructor(dict(segmentor=one))(model)
        with pytest.raises(TypeError, match='OptimWrapper.*PerChildOptimWrapperConstructor'):
            model.train_step(batch(), OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))

    def test_target_with_ground_truth(self) -> None:
        model = build()
        data = batch()
        data['target'] = data['source']
        with pytest.raises(ValueError, match='would leak'):
            model.train_step(data, optimizers(model))

    def test_batch_of_one_domain(self) -> None:
        model = build()
        with pytest.raises(ValueError, match='no target branch.*DomainPairDataset'):
            model.train_step(dict(source=batch()['source']), optimizers(model))

    def test_unknown_choices(self) -> None:
        with pytest.raises(ValueError, match=r"adapt_map='logits'; allowed are \['self_information', 'softmax'\]"):
            build(adapt_map='logits')
        with pytest.raises(ValueError, match=r"kl.form='kl'; allowed are"):
            build(kl=dict(form='kl', weight=1.))
        with pytest.raises(ValueError, match='gan_objective'):
            build(gan_objective='wgan')

    def test_training_through_forward(self) -> None:
        with pytest.raises(RuntimeError, match='MMSeparateDistributedDataParallel'):
            build()(**batch(), mode='loss')
