r"""A student of UDAS with labelled Cityscapes images that is two networks, which also learn from each other's labels.

python tools/train.py configs/udas/gta2cs_ssl_100_cps.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/udas/gta2cs_student_cps.py
Trained on the same images as gta2cs_student.py, but with the cross-entropy in place of L_cons. The first network is the
student; in checkpoints, the other one is `second`.
"""
_base_ = './gta2cs_student.py'
budget = 500
model = dict(
    _delete_=True, type='CrossPseudoSupervision', cps_weight=1.5, segmentor=_base_.model.segmentor)
