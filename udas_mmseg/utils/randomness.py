"""Randomness as a pure function of a key, instead of a state that has to be carried along.

Every random decision of a training run is drawn from generators seeded with a key such as (seed, position) or (seed,
iteration, rank). A resumed run then only needs to know where it is: there is no state to save for each rank, and
neither the number of workers nor a validation in between changes what is drawn next.
"""
import contextlib
import random
import zlib
from typing import Iterator, List, Union

import numpy as np
import torch

Key = Union[int, str]


def _entropy(key: Key) -> int:
    """A non-negative integer for one part of a key; names are hashed the same way in every process."""
    return zlib.crc32(key.encode()) if isinstance(key, str) else int(key)


def derive_seeds(*key: Key) -> List[int]:
    """Four independent 32-bit seeds for a key.

    Args:
        key (int | str): Parts of the key, e.g. a seed, a name and a position; integers must not be negative.

    Returns:
        list[int]: Four seeds in [0, 2**32).
    """
    return np.random.SeedSequence([_entropy(part) for part in key]).generate_state(4).tolist()


def key_generator(*key: Key) -> np.random.Generator:
    """A new NumPy generator for a key; the global generators stay as they are."""
    return np.random.default_rng([_entropy(part) for part in key])


def child_key() -> List[int]:
    """Four numbers in [0, 2**32) drawn from NumPy's global generator, as the first parts of a key."""
    return np.random.randint(0, 2**32, size=4, dtype=np.int64).tolist()


def child_generator() -> np.random.Generator:
    """A generator seeded from NumPy's global one: what it draws is a function of that one's state.

    For transforms, which MMCV lets draw from the global generators, on top of functions that take a generator.
    """
    return np.random.default_rng(child_key())


def seed_process(*key: Key) -> None:
    """Seed python's, NumPy's and torch's (CPU and current accelerators) global generators from a key."""
    seeds = derive_seeds(*key)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2] << 32 | seeds[3])


@contextlib.contextmanager
def seeded_rng(*key: Key) -> Iterator[None]:
    """Run a block with the global CPU generators seeded from a key, then put them back as they were.

    Transforms of MMCV and MMSegmentation draw from the global generators of python, NumPy and torch. Inside this
    block what they draw depends on the key alone, and the process's own sequence continues unchanged afterwards.

    Args:
        key (int | str): Parts of the key.

    Example:
        >>> with seeded_rng(0, 'source', 17):
        ...     first = np.random.rand()
        >>> with seeded_rng(0, 'source', 17):
        ...     assert np.random.rand() == first
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seeds = derive_seeds(*key)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    # not torch.manual_seed, which would also reseed every accelerator
    torch.random.default_generator.manual_seed(seeds[2] << 32 | seeds[3])
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
