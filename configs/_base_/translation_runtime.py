# Settings of all trainings of translators.
_base_ = './default_runtime.py'
custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])
default_hooks = dict(
    translator=dict(type='TranslatorCheckpointHook'),
    panels=dict(type='TranslationPanelHook'))  # its data sets must be set: docs/visualization.md
