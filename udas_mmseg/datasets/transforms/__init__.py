"""Transforms in MMSegmentation's registry; each file has one family."""
from ..image_files import SampleError
from .affine_map import AffineMap
from .answers import LoadAnswers, SparseLabelResize
from .auto_augment import SegAugment, SegAutoAugment, SegRandAugment, SegWeakAugment
from .domain_cutmix import (
    Box,
    DomainClassMix,
    DomainCutMix,
    DomainMixing,
    paste_box,
    paste_mask,
    sample_box,
    sample_classes,
)
from .flip_scale import SegFlipScale
from .loading import LoadLabelIds, LoadVerifiedImage
from .pseudo_label import LoadPseudoLabel
from .resize import AntialiasedResize
from .style_transfer import FourierAmplitudeTransfer, LabStatisticsTransfer
from .style_views import SegStyles
from .teacher_view import KeepTeacherView

__all__ = [
    'AffineMap', 'AntialiasedResize', 'Box', 'DomainClassMix', 'DomainCutMix', 'DomainMixing',
    'FourierAmplitudeTransfer', 'KeepTeacherView', 'LabStatisticsTransfer', 'LoadAnswers', 'LoadLabelIds',
    'LoadPseudoLabel', 'LoadVerifiedImage', 'SampleError', 'SegAugment', 'SegAutoAugment', 'SegFlipScale',
    'SegRandAugment', 'SegStyles', 'SegWeakAugment', 'SparseLabelResize', 'paste_box', 'paste_mask', 'sample_box',
    'sample_classes'
]
