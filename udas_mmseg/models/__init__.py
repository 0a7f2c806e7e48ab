"""Models in MMSegmentation's registry."""
from .data_preprocessor import DomainDataPreProcessor
from .decode_heads import DeepLabV2Head
from .segmentors import MultiLevelEncoderDecoder

__all__ = ['DeepLabV2Head', 'DomainDataPreProcessor', 'MultiLevelEncoderDecoder']
