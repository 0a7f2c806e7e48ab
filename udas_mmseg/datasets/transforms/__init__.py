"""Transforms in MMSegmentation's registry, one family a file."""
from .loading import LoadLabelIds, LoadVerifiedImage, SampleError
from .style_transfer import FourierAmplitudeTransfer, LabStatisticsTransfer

__all__ = ['FourierAmplitudeTransfer', 'LabStatisticsTransfer', 'LoadLabelIds', 'LoadVerifiedImage', 'SampleError']
