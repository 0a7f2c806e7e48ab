"""Data sets, label maps and training streams."""
from .domain_mix import DomainMixDataset
from .domain_pair import DomainPairDataset
from .driving import GTA5Dataset, KITTISegDataset, SYNTHIADataset
from .label_mapped import LabelMappedDataset
from .label_maps import BUILT_IN_LABEL_MAPS, map_labels, resolve_label_map
from .sampler import PositionSampler
from .stream import StreamDataset, StreamIndex
from .transforms import FourierAmplitudeTransfer, LabStatisticsTransfer, LoadLabelIds, LoadVerifiedImage, SampleError

__all__ = [
    'BUILT_IN_LABEL_MAPS', 'DomainMixDataset', 'DomainPairDataset', 'FourierAmplitudeTransfer', 'GTA5Dataset',
    'KITTISegDataset', 'LabStatisticsTransfer', 'LabelMappedDataset', 'LoadLabelIds', 'LoadVerifiedImage',
    'PositionSampler', 'SYNTHIADataset', 'SampleError', 'StreamDataset', 'StreamIndex', 'map_labels',
    'resolve_label_map'
]
