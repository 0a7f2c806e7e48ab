# The pixel selector of LabOR, ICCV 2021: two classifiers on a shared backbone learn pseudo-labels, and maximise their
# discrepancy on target images. Weight and gradient are those of step B of MCD, CVPR 2018.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
method = dict(type='PixelSelector', discrepancy_weight=1.0, discrepancy_updates='classifiers')
