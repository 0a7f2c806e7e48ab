# VFM-UDA for the schedule of 600 iterations on small images: the teacher of DACS, and no margins. The pixels of rare
# classes are those of labels of 256x128.
_base_ = './vfm_uda.py'
method = dict(ema_teacher=dict(momentum=0.99), margins=None)
rare_classes = dict(min_pixels=50, min_crop_pixels=25)
