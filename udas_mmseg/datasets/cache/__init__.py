"""A cache of decoded images at training size."""
from .configs import Cache, check_caches, without_caches
from .dataset import CachedDataset, CachedSteps, cached
from .pack import CacheError

__all__ = ['Cache', 'CacheError', 'CachedDataset', 'CachedSteps', 'cached', 'check_caches', 'without_caches']
