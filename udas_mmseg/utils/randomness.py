"""Random generators that are seeded from a key, so that no random state has to be stored.

Every random decision of a training run uses generators that are seeded with a key such as (seed, position) or (seed,
iteration, rank). A resumed run then only needs its position or iteration. No state has to be saved for each rank, and
the random numbers depend neither on the number of workers nor on a validation in between.
"""
import contextlib
import random
import zlib
from typing import Iterator, List, Union

import numpy as np
import torch

Key = Union[int, str]


def _entropy(key: Key) -> int:
    """Convert one part of a key to a non-negative integer; names have the same hash in every process."""
    return zlib.crc32(key.encode()) if isinstance(key, str) else int(key)


def derive_seeds(*key: Key) -> List[int]:
    """Derive four independent 32-bit seeds from a key.

    Args:
        key (int | str): Parts of the key, e.g. a seed, a name and a position; integers must not be negative.

    Returns:
        list[int]: Four seeds in [0, 2**32).
    """
    return np.random.SeedSequence([_entropy(part) for part in key]).generate_state(4).tolist()


def key_generator(*key: Key) -> np.random.Generator:
    """Return a new NumPy generator seeded from a key; the global generators are not changed."""
    return np.random.default_rng([_entropy(part) for part in key])


def child_key() -> List[int]:
    """Draw four numbers in [0, 2**32) from NumPy's global generator, to use as the first parts of a key."""
    return np.random.randint(0, 2**32, size=4, dtype=np.int64).tolist()


def child_generator() -> np.random.Generator:
    """Return a generator that is seeded from NumPy's global generator.

    It is meant for transforms, which use the global generators in MMCV, but call functions that need a generator.
    """
    return np.random.default_rng(child_key())


def seed_process(*key: Key) -> None:
    """Seed the global generators of Python, NumPy and torch (CPU and current accelerators) from a key."""
    seeds = derive_seeds(*key)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2] << 32 | seeds[3])


@contextlib.contextmanager
def seeded_rng(*key: Key) -> Iterator[None]:
    """Run a block with the global CPU generators seeded from a key, and restore their states afterwards.

    Transforms of MMCV and MMSegmentation use the global generators of Python, NumPy and torch. Inside this block, their
    random numbers depend only on the key. Afterwards, the generators of the process continue unchanged.

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
