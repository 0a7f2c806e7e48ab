"""What the benchmark of the adversarial step measures with."""
import pytest
import torch
from adversarial_step import disagreement
from peak_memory import highest_sum, peak_bytes

MB = 2**20


def filled(megabytes: int) -> torch.Tensor:
    return torch.ones(megabytes * MB, dtype=torch.uint8)


def test_peak_counts_what_lives_at_the_same_time() -> None:

    def one_after_the_other() -> None:
        for _ in range(3):
            filled(4)

    def together() -> None:
        first, second = filled(4), filled(8)
        del first, second
        filled(2)

    assert peak_bytes(one_after_the_other) == pytest.approx(4 * MB, rel=0.01)
    assert peak_bytes(together) == pytest.approx(12 * MB, rel=0.01)


def test_peak_is_beyond_what_was_there() -> None:
    kept = filled(16)
    assert peak_bytes(lambda: kept + filled(16)[:1]) == pytest.approx(32 * MB, rel=0.01)
    assert peak_bytes(lambda: kept.add_(1)) < 0.1 * MB


def test_peak_knows_what_backward_allocates() -> None:
    weight = torch.ones(MB, requires_grad=True)  # 4 MB, and so are the product, its gradient and the weight's

    def step() -> None:
        (weight * 2).exp().sum().backward()
        weight.grad = None

    assert 8 * MB <= peak_bytes(step) <= 17 * MB


@pytest.mark.parametrize(('changes', 'highest'), [((), 0), ((3, -3, 2), 3), ((-5, 4), 0), ((1, 2, -1, 4, -6), 6)])
def test_highest_sum(changes: tuple, highest: int) -> None:
    assert highest_sum(changes) == highest


def test_disagreement_is_relative_to_each_parameter() -> None:
    expected = dict(large=torch.tensor([100., 1.]), small=torch.tensor([0.01, 0.]))
    assert disagreement(expected, dict(expected)) == 0
    got = dict(large=torch.tensor([100., 2.]), small=torch.tensor([0.01, 0.005]))
    assert disagreement(expected, got) == pytest.approx(0.5)
    with pytest.raises(RuntimeError, match='small'):
        disagreement(expected, dict(large=expected['large']))
