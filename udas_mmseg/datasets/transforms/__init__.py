"""Transforms in MMSegmentation's registry, one family a file."""
from .loading import LoadLabelIds, LoadVerifiedImage, SampleError

__all__ = ['LoadLabelIds', 'LoadVerifiedImage', 'SampleError']
