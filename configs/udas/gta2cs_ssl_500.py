"""UDAS with 500 labelled Cityscapes images: translation, adaptation, two rounds of self-training; one command.

python tools/train.py configs/udas/gta2cs_ssl_500.py
python tools/train.py configs/udas/gta2cs_ssl_500.py --dry-run    # the plan, and nothing else
tools/dist_train.sh configs/udas/gta2cs_ssl_500.py 2
gta2cs_ssl.py under the name of its budget.
An interrupted run goes on with the same command. What each stage is, and how to run one by hand: docs/self_training.md.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_ssl.py'
