"""Models in MMSegmentation's registry."""
from .backbones import DeepLabResNet
from .data_preprocessor import DomainDataPreProcessor
from .decode_heads import DeepLabV2Head
from .discriminators import FCDiscriminator, MultiLevelDiscriminator, MultiScaleDiscriminator
from .segmentors import AdversarialSegmentor, MultiLevelEncoderDecoder, RectifiedEncoderDecoder, StudentTeacherSegmentor

__all__ = [
    'AdversarialSegmentor', 'DeepLabResNet', 'DeepLabV2Head', 'DomainDataPreProcessor', 'FCDiscriminator',
    'MultiLevelDiscriminator', 'MultiLevelEncoderDecoder', 'MultiScaleDiscriminator', 'RectifiedEncoderDecoder',
    'StudentTeacherSegmentor'
]
