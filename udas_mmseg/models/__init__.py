"""Models in MMSegmentation's registry."""
from .backbones import DeepLabResNet
from .data_preprocessor import DomainDataPreProcessor
from .decode_heads import DeepLabV2Head
from .discriminators import FCDiscriminator, MultiLevelDiscriminator, MultiScaleDiscriminator
from .segmentors import (
    AdversarialSegmentor,
    BranchSegmentor,
    MultiLevelEncoderDecoder,
    RectifiedEncoderDecoder,
    StudentTeacherSegmentor,
)
from .teachers import PixelWeightLabeling, SureShareLabeling, ThresholdLabeling
from .terms import ConsistencyTerm, EntropyTerm, HeadDivergenceTerm

__all__ = [
    'AdversarialSegmentor', 'BranchSegmentor', 'ConsistencyTerm', 'DeepLabResNet', 'DeepLabV2Head',
    'DomainDataPreProcessor', 'EntropyTerm', 'FCDiscriminator', 'HeadDivergenceTerm', 'MultiLevelDiscriminator',
    'MultiLevelEncoderDecoder', 'MultiScaleDiscriminator', 'PixelWeightLabeling', 'RectifiedEncoderDecoder',
    'StudentTeacherSegmentor', 'SureShareLabeling', 'ThresholdLabeling'
]
