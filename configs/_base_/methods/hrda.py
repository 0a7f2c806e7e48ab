# DAFormer's training for HRDA, ECCV 2022: GTA5 at 2560x1440 and Cityscapes at 2048x1024, in crops of 1024x1024. The
# network is in _base_/models/hrda_*.py. The margins are twice those of DAFormer, and also at both sides.
_base_ = './daformer.py'
method = dict(margins=dict(top=30, bottom=240, left=30, right=30))
rare_classes = dict(min_crop_pixels=6000)
