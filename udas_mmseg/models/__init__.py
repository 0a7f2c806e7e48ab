"""Models in MMSegmentation's registry."""
from .backbones import DeepLabResNet, SegNet, TimmVisionTransformer
from .branch_parallel import BranchDistributedDataParallel
from .data_preprocessor import DomainDataPreProcessor
from .decode_heads import DAFormerHead, DeepLabV2Head, SegNetHead, VFMUDAHead
from .discriminators import (
    FCDiscriminator,
    MultiLevelDiscriminator,
    MultiScaleDiscriminator,
    ResidualMultiScaleDiscriminator,
)
from .postprocess import find_classes_faster
from .segmentors import (
    AdversarialSegmentor,
    BranchSegmentor,
    ClassifierMean,
    CrossPseudoSupervision,
    HRDAEncoderDecoder,
    MultiLevelEncoderDecoder,
    OnlineSelfTrainingSegmentor,
    PixelSelector,
    RectifiedEncoderDecoder,
    SegmentorMean,
    SemiSupervisedSegmentor,
    StudentTeacherSegmentor,
)
from .teachers import ClassBalancedLabeling, PixelWeightLabeling, SureShareLabeling, ThresholdLabeling
from .terms import ConsistencyTerm, EntropyTerm, FeatureDistanceTerm, HeadDivergenceTerm, MaskedConsistencyTerm

find_classes_faster()

__all__ = [
    'AdversarialSegmentor', 'BranchDistributedDataParallel', 'BranchSegmentor', 'ClassBalancedLabeling',
    'ClassifierMean', 'ConsistencyTerm', 'CrossPseudoSupervision', 'DAFormerHead', 'DeepLabResNet', 'DeepLabV2Head',
    'DomainDataPreProcessor', 'EntropyTerm', 'FCDiscriminator', 'FeatureDistanceTerm', 'HRDAEncoderDecoder',
    'HeadDivergenceTerm', 'MaskedConsistencyTerm', 'MultiLevelDiscriminator', 'MultiLevelEncoderDecoder',
    'MultiScaleDiscriminator', 'OnlineSelfTrainingSegmentor', 'PixelSelector', 'PixelWeightLabeling',
    'RectifiedEncoderDecoder', 'ResidualMultiScaleDiscriminator', 'SegNet', 'SegNetHead', 'SegmentorMean',
    'SemiSupervisedSegmentor', 'StudentTeacherSegmentor', 'SureShareLabeling', 'ThresholdLabeling',
    'TimmVisionTransformer', 'VFMUDAHead'
]
