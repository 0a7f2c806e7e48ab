"""Segmentors, one method family a file."""
from .multi_level import MultiLevelEncoderDecoder

__all__ = ['MultiLevelEncoderDecoder']
