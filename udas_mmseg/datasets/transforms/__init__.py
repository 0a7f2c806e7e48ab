"""Transforms in MMSegmentation's registry, one family a file."""
from .domain_cutmix import Box, DomainClassMix, DomainCutMix, paste_box, paste_mask, sample_box, sample_classes
from .loading import LoadLabelIds, LoadVerifiedImage, SampleError
from .style_transfer import FourierAmplitudeTransfer, LabStatisticsTransfer

__all__ = [
    'Box', 'DomainClassMix', 'DomainCutMix', 'FourierAmplitudeTransfer', 'LabStatisticsTransfer', 'LoadLabelIds',
    'LoadVerifiedImage', 'SampleError', 'paste_box', 'paste_mask', 'sample_box', 'sample_classes'
]
