"""Segmentors, one method family a file."""
from .adversarial import AdversarialSegmentor
from .multi_level import MultiLevelEncoderDecoder
from .rectified import RectifiedEncoderDecoder

__all__ = ['AdversarialSegmentor', 'MultiLevelEncoderDecoder', 'RectifiedEncoderDecoder']
