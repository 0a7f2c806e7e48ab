"""Image translation with MMagic's CycleGAN.

`custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])` in a config registers it. Only this package
imports MMagic. If it is missing, the error says how to install it.
"""
from .checkpoint_hook import TranslatorCheckpointHook, check_image_format
from .cyclegan import DomainCycleGAN
from .panel_hook import TranslationPanelHook
from .resize_generator import ResizeConvGenerator
from .semantic_consistency import SemanticConsistency

__all__ = [
    'DomainCycleGAN', 'ResizeConvGenerator', 'SemanticConsistency', 'TranslationPanelHook', 'TranslatorCheckpointHook',
    'check_image_format'
]
