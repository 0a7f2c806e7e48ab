"""The second rung of the demo's ladder: trained on translated scenes alone.

UDAS_TRANSLATED_ROOT=work_dirs/demo/self_training python tools/train.py configs/demo/self_training/translated.py
That folder holds what `make demo` or configs/demo/self_training/ssl.py translated. Figures: docs/results.md.
"""
_base_ = './source_only.py'
translated_train = dict(
    _base_.source_train,
    translated_root='{{$UDAS_TRANSLATED_ROOT:work_dirs/demo/self_training}}/01_translate',
    missing_translation='error')
train_dataloader = dict(dataset=dict(dataset=dict(_delete_=True, **translated_train)))
