"""UDAS with 1,000 labelled Cityscapes images: gta2cs_ssl.py with another budget.

python tools/train.py configs/udas/gta2cs_ssl_1000.py
"""
_base_ = './gta2cs_ssl.py'
budget = 1000
