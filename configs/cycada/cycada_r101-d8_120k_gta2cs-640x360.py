"""CyCADA's two halves: GTA5 translated with semantic consistency, then a discriminator on the segmentor's output.

python tools/translate.py configs/translation/cycada_gta2cs.py CHECKPOINT --out data/gta5_cycada --size 640x360
python tools/train.py configs/cycada/cycada_r101-d8_120k_gta2cs-640x360.py
CyCADA's own discriminator sees features; here it sees the output of both heads, as in AdaptSegNet.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../udas/gta2cs_uda.py'
model = dict(kl=None)
train_dataloader = dict(
    dataset=dict(source=dict(translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_cycada', missing_translation='error')))
