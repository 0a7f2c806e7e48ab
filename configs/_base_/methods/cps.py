# Cross pseudo supervision, CVPR 2021: two networks of one config label each other's images; lambda of PASCAL VOC.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
method = dict(type='CrossPseudoSupervision', cps_weight=1.5)
