"""UDAS with all 2,975 labelled Cityscapes images: gta2cs_ssl.py with another budget.

python tools/train.py configs/udas/gta2cs_ssl_2975.py
"""
_base_ = './gta2cs_ssl.py'
budget = 2975
