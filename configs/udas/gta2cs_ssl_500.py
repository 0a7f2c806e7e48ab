"""UDAS with 500 labelled Cityscapes images: gta2cs_ssl.py under the name of its budget.

python tools/train.py configs/udas/gta2cs_ssl_500.py
"""
_base_ = './gta2cs_ssl.py'
budget = 500
