"""The network of DAFormer (MiT-B5) on GTA5 alone: the baseline of its adaptation, and public checkpoints.

python tools/train.py configs/daformer/source-only_mit-b5_40k_gta2cs-512x512.py
A public checkpoint of DAFormer, or of MIC on top of it, on Cityscapes val (docs/checkpoints.md):
python tools/model_converters/daformer.py iter_40000_relevant.pth gta2cs_daformer.pth
python tools/test.py configs/daformer/source-only_mit-b5_40k_gta2cs-512x512.py gta2cs_daformer.pth
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/daformer_mit-b5.py',
    '../_base_/datasets/gta2cs_512x512.py', '../_base_/schedules/adamw_linear_40k.py'
]
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train, max_broken=100))
