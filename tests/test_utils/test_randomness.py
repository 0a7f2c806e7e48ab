"""Randomness is a function of its key and leaves the process alone."""
import random

import numpy as np
import pytest
import torch

from udas_mmseg.utils.randomness import derive_seeds, key_generator, seed_process, seeded_rng


def draw() -> tuple:
    return random.random(), float(np.random.rand()), float(torch.rand(1))


def test_same_key_same_draws() -> None:
    with seeded_rng(0, 'source', 7):
        first = draw()
    draw()
    with seeded_rng(0, 'source', 7):
        assert draw() == first


@pytest.mark.parametrize('other', [(1, 'source', 7), (0, 'target', 7), (0, 'source', 8)])
def test_any_part_of_the_key_matters(other: tuple) -> None:
    assert not set(derive_seeds(0, 'source', 7)) & set(derive_seeds(*other))


def test_process_state_is_restored_even_after_an_error() -> None:
    seed_process(3)
    expected = draw()
    seed_process(3)
    with pytest.raises(ZeroDivisionError), seeded_rng(0):
        draw()
        raise ZeroDivisionError
    assert draw() == expected


def test_generator_leaves_global_state_alone() -> None:
    seed_process(3)
    expected = draw()
    seed_process(3)
    key_generator(1, 'pass').permutation(10)
    assert draw() == expected
