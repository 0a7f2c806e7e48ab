# What every run of a translator shares.
_base_ = './default_runtime.py'
custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])
default_hooks = dict(
    translator=dict(type='TranslatorCheckpointHook'),
    panels=dict(type='TranslationPanelHook'))  # needs its data sets: docs/visualization.md
