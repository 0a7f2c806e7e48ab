"""LabOR with points (PPL) on GTA5 -> Cityscapes at 640x360: 20 points an image in each of two rounds.

python tools/train.py configs/labor/labor-ppl_r101-d8_120k_gta2cs-640x360.py
Not measured. The paper labels 40 points an image.
"""
_base_ = './labor-spl_r101-d8_120k_gta2cs-640x360.py'
self_training = dict(query=dict(strategy='ppl', points_per_image=20))
