r"""CyCADA's translator between GTA5 and Cityscapes: CycleGAN with semantic consistency of a segmentor of GTA5.

python tools/train.py configs/udas/gta2cs_source_only.py       # the segmentor, which is then frozen
python tools/train.py configs/translation/cycada_resnet9_200k_gta2cs-640x360.py
python tools/translate.py configs/translation/cycada_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_cycada --size 640x360
"""
_base_ = './cyclegan_resnet9_200k_gta2cs-640x360.py'
model = dict(
    semantic_consistency=dict(
        config='configs/udas/gta2cs_source_only.py',
        checkpoint='{{$UDAS_CHECKPOINT:work_dirs/udas/gta2cs_source_only/iter_120000.pth}}',
        weight=1.0))
