"""Data sets, label maps and training streams."""
from .answered import AnsweredDataset
from .branches import BRANCHES, Branch, register_branch
from .cache import CachedDataset
from .domain_mix import DomainMixDataset
from .domain_pair import DomainPairDataset
from .driving import ACDCDataset, GTA5Dataset, KITTISegDataset, SYNTHIADataset
from .image_files import SampleError
from .label_budget import LabelBudget, build_label_budget_dataset
from .label_mapped import LabelMappedDataset
from .label_maps import BUILT_IN_LABEL_MAPS, map_labels, resolve_label_map
from .multi_view import MultiViewDataset
from .orders import SAMPLING_ORDERS, SamplingOrder, UniformOrder
from .pseudo_labeled import PseudoLabeledDataset
from .random_version import RandomVersionDataset
from .rare_class import RareClassOrder
from .repeat import RepeatToLengthDataset
from .sampler import PositionSampler
from .stream import StreamDataset, StreamIndex
from .transforms import (
    DomainClassMix,
    DomainCutMix,
    FourierAmplitudeTransfer,
    LabStatisticsTransfer,
    LoadAnswers,
    LoadLabelIds,
    LoadPseudoLabel,
    LoadVerifiedImage,
    SegAutoAugment,
    SegFlipScale,
    SegRandAugment,
    SegWeakAugment,
    SparseLabelResize,
)

__all__ = [
    'ACDCDataset', 'AnsweredDataset', 'BRANCHES', 'BUILT_IN_LABEL_MAPS', 'Branch', 'CachedDataset', 'DomainClassMix',
    'DomainCutMix', 'DomainMixDataset', 'DomainPairDataset', 'FourierAmplitudeTransfer', 'GTA5Dataset',
    'KITTISegDataset', 'LabStatisticsTransfer', 'LabelBudget', 'LabelMappedDataset', 'LoadAnswers', 'LoadLabelIds',
    'LoadPseudoLabel', 'LoadVerifiedImage', 'MultiViewDataset', 'PositionSampler', 'PseudoLabeledDataset',
    'RandomVersionDataset', 'RareClassOrder', 'RepeatToLengthDataset', 'SAMPLING_ORDERS', 'SYNTHIADataset',
    'SampleError', 'SamplingOrder', 'SegAutoAugment', 'SegFlipScale', 'SegRandAugment', 'SegWeakAugment',
    'SparseLabelResize', 'StreamDataset', 'StreamIndex', 'UniformOrder', 'build_label_budget_dataset', 'map_labels',
    'register_branch', 'resolve_label_map'
]
