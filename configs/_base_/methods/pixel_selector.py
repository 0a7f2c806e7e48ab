# The pixel selector of LabOR, ICCV 2021: two classifiers on a shared backbone learn pseudo-labels, and maximise their
# discrepancy on target images. Weight and gradient are those of step B of MCD, CVPR 2018.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
method = dict(type='PixelSelector', discrepancy_weight=1.0, discrepancy_updates='classifiers')
# Pseudo-labels with the thresholds of IAST, by class and image; `portion` fits the data.
selector_labels = dict(type='LoadPseudoLabel', threshold=0.9, class_balanced=dict(portion=0.5, beta=0.9))
