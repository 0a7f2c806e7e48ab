# DAFormer's training for HRDA, ECCV 2022: GTA5 at 2560x1440 and Cityscapes at 2048x1024, in crops of 1024x1024. The
# network is in _base_/models/hrda_*.py. Of the published margins of the whole image, 30 pixels at the left and right
# are left out: `margins` are those of the crops, of which few begin at the border of the image.
_base_ = './daformer.py'
method = dict(margins=dict(top=30, bottom=240))
rare_classes = dict(min_crop_pixels=6000)
