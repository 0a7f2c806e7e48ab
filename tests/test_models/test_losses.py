"""Losses of domain adaptation against values computed by hand."""
import math

import pytest
import torch
from torch import Tensor

from udas_mmseg.models.losses import (
    SOURCE,
    TARGET,
    entropy_loss,
    gan_accuracy,
    gan_loss,
    memory_regularization,
    rectified_cross_entropy,
    self_information,
    symmetric_cross_entropy,
    symmetric_kl,
)

HALF = [torch.float16, torch.bfloat16]


def pixels(*probabilities: list) -> Tensor:
    """One image of one row: a distribution over the classes for each pixel, (1, C, 1, W)."""
    return torch.tensor(probabilities, dtype=torch.float64).t()[None, :, None, :]


P = pixels([0.5, 0.5], [0.9, 0.1])
Q = pixels([0.5, 0.5], [0.25, 0.75])


def entropy(*p: float) -> float:
    return -sum(x * math.log(x) for x in p)


def cross(p: list, q: list) -> float:
    return -sum(x * math.log(y) for x, y in zip(p, q))


class TestSelfInformation:

    def test_known_values(self) -> None:
        info = self_information(pixels([0.5, 0.25, 0.125, 0.125]))
        assert info.flatten().tolist() == pytest.approx([0.25, 0.25, 0.1875, 0.1875])  # -p log2 p / log2 4

    @pytest.mark.parametrize('classes', [2, 3, 19])
    def test_uniform_sums_to_one(self, classes: int) -> None:
        assert self_information(torch.full((1, classes, 2, 2), 1 / classes)).sum(1).tolist() == [
            [[pytest.approx(1)] * 2] * 2]

    def test_probabilities_of_zero_are_safe(self) -> None:
        prob = pixels([1.0, 0.0]).requires_grad_()
        info = self_information(prob)
        info.sum().backward()
        assert info.flatten().tolist() == [0, 0]
        assert bool(torch.isfinite(prob.grad).all())

    def test_one_class_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r'prob has 1 class.*at least 2'):
            self_information(torch.ones(1, 1, 2, 2))


class TestEntropyLoss:

    def test_is_the_mean_over_pixels(self) -> None:
        assert float(entropy_loss(P)) == pytest.approx((1 + entropy(0.9, 0.1) / math.log(2)) / 2)

    def test_certain_is_lower(self) -> None:
        assert entropy_loss(pixels([0.99, 0.01])) < entropy_loss(pixels([0.6, 0.4]))


class TestSymmetricCrossEntropy:

    def test_known_value(self) -> None:
        first = 2 * math.log(2)
        second = cross([0.25, 0.75], [0.9, 0.1]) + cross([0.9, 0.1], [0.25, 0.75])
        assert float(symmetric_cross_entropy(P.log(), Q.log())) == pytest.approx((first + second) / 2)

    def test_equal_heads_give_twice_their_entropy(self) -> None:
        expected = 2 * (entropy(0.5, 0.5) + entropy(0.9, 0.1)) / 2
        assert float(symmetric_cross_entropy(P.log(), P.log())) == pytest.approx(expected)

    def test_both_heads_learn(self) -> None:
        main, aux = P.log().requires_grad_(), Q.log().requires_grad_()
        symmetric_cross_entropy(main, aux).backward()
        assert float(main.grad.abs().sum()) > 0 and float(aux.grad.abs().sum()) > 0


class TestSymmetricKL:

    def test_is_the_cross_entropy_without_both_entropies(self) -> None:
        entropies = entropy(0.9, 0.1) + entropy(0.25, 0.75) + 2 * math.log(2)
        expected = symmetric_cross_entropy(P.log(), Q.log()) - entropies / 2
        assert float(symmetric_kl(P.log(), Q.log())) == pytest.approx(float(expected))

    def test_equal_heads_have_neither_loss_nor_gradient(self) -> None:
        main, aux = P.log().requires_grad_(), P.log().requires_grad_()
        loss = symmetric_kl(main, aux)
        loss.backward()
        assert float(loss.detach()) == 0 and float(main.grad.abs().sum() + aux.grad.abs().sum()) == 0

    def test_both_heads_learn(self) -> None:
        main, aux = P.log().requires_grad_(), Q.log().requires_grad_()
        symmetric_kl(main, aux).backward()
        assert float(main.grad.abs().sum()) > 0 and float(aux.grad.abs().sum()) > 0


class TestMemoryRegularization:

    def test_known_value(self) -> None:
        main, aux = pixels([0.8, 0.2]).log(), pixels([0.25, 0.75]).log()
        weights = [math.exp(0.5 * a + m) for m, a in zip(main.flatten().tolist(), aux.flatten().tolist())]
        mean = [weight / sum(weights) for weight in weights]
        expected = cross(mean, [0.8, 0.2]) + cross(mean, [0.25, 0.75]) - 2 * entropy(*mean)
        assert float(memory_regularization(main, aux)) == pytest.approx(expected)

    def test_no_gradient_goes_through_the_mean(self) -> None:
        main, aux = pixels([0.8, 0.2]).log().requires_grad_(), pixels([0.25, 0.75]).log()
        memory_regularization(main, aux).backward()
        mean = (0.5 * aux + main.detach()).softmax(1)
        # of KL(m || softmax(F)) with m constant: softmax(F) - m
        assert torch.allclose(main.grad, pixels([0.8, 0.2]) - mean)


class TestRectifiedCrossEntropy:

    def test_known_value(self) -> None:
        variance = cross([0.9, 0.1], [0.25, 0.75]) - entropy(0.9, 0.1)  # KL(p || q) of the second pixel
        expected = (math.log(2) + math.exp(-variance) * -math.log(0.1) + variance) / 2
        label = torch.tensor([[[0, 1]]])
        assert float(rectified_cross_entropy(P.log(), Q.log(), label)) == pytest.approx(expected)

    def test_equal_heads_give_cross_entropy(self) -> None:
        label = torch.tensor([[[0, 1]]])
        expected = torch.nn.functional.cross_entropy(P.log(), label)
        assert float(rectified_cross_entropy(P.log(), P.log(), label)) == pytest.approx(float(expected))

    def test_ignored_pixels_count_in_neither_term(self) -> None:
        label = torch.tensor([[[0, 255]]])
        main = P.log().requires_grad_()
        loss = rectified_cross_entropy(main, Q.log(), label)
        loss.backward()
        assert float(loss) == pytest.approx(math.log(2))
        assert float(main.grad[..., 1].abs().sum()) == 0

    def test_nothing_labelled_is_zero(self) -> None:
        main = P.log().requires_grad_()
        loss = rectified_cross_entropy(main, Q.log(), torch.full((1, 1, 2), 255))
        loss.backward()
        assert float(loss) == 0 and float(main.grad.abs().sum()) == 0

    def test_other_sizes_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r'label is \(1, 2, 2\), the logits are \(1, 2, 1, 2\)'):
            rectified_cross_entropy(P.log(), Q.log(), torch.zeros(1, 2, 2, dtype=torch.long))
        with pytest.raises(ValueError, match='two classifiers have shapes'):
            rectified_cross_entropy(P.log(), Q.log()[..., :1], torch.zeros(1, 1, 2, dtype=torch.long))


@pytest.mark.parametrize('dtype', HALF)
def test_half_precision_is_safe(dtype: torch.dtype) -> None:
    """Logits so far apart that probabilities are 0 in half precision."""
    main = torch.tensor([60., -60., 0.], dtype=dtype)[None, :, None, None].requires_grad_()
    aux = torch.tensor([-60., 60., 0.], dtype=dtype)[None, :, None, None].requires_grad_()
    label = torch.tensor([[[1]]])
    losses = [symmetric_cross_entropy(main, aux), symmetric_kl(main, aux), memory_regularization(main, aux),
              rectified_cross_entropy(main, aux, label), entropy_loss(main.softmax(1)), entropy_loss(aux.softmax(1))]
    for loss in losses:
        assert loss.dtype == torch.float32
        gradients = torch.autograd.grad(loss, [main, aux], allow_unused=True)
        assert bool(torch.isfinite(loss))
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients if gradient is not None)


class TestGan:

    def test_vanilla_is_binary_cross_entropy(self) -> None:
        scores = torch.tensor([0., math.log(3)])  # probabilities of the target: 0.5, 0.75
        assert float(gan_loss(scores, SOURCE)) == pytest.approx(-(math.log(0.5) + math.log(0.25)) / 2)
        assert float(gan_loss(scores, TARGET)) == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2)

    def test_least_squares_sums_the_scales(self) -> None:
        scores = [torch.tensor([0., 2.]), torch.tensor([[0.5]])]
        assert float(gan_loss(scores, SOURCE, 'lsgan')) == pytest.approx(2 + 0.25)
        assert float(gan_loss(scores, TARGET, 'lsgan')) == pytest.approx(1 + 0.25)

    def test_huge_scores_are_safe(self) -> None:
        for dtype in HALF:
            scores = torch.tensor([60000., -60000.], dtype=dtype)
            assert bool(torch.isfinite(gan_loss(scores, SOURCE)))

    def test_accuracy(self) -> None:
        scores = torch.tensor([-1., 0.2, 0.7, 2.])
        assert float(gan_accuracy(scores, TARGET)) == pytest.approx(0.75)
        assert float(gan_accuracy(scores, SOURCE)) == pytest.approx(0.25)
        assert float(gan_accuracy([scores, scores], TARGET, 'lsgan')) == pytest.approx(0.5)

    def test_unknown_objective(self) -> None:
        with pytest.raises(ValueError, match=r"objective='wgan'.*vanilla"):
            gan_loss(torch.zeros(1), SOURCE, 'wgan')
