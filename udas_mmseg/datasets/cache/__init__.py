"""A cache of decoded images at training size."""
from .dataset import Cache, CachedDataset, CachedSteps, cached, without_caches

__all__ = ['Cache', 'CachedDataset', 'CachedSteps', 'cached', 'without_caches']
