"""A student of ssl_online.py: online.py, and "real" scenes with the labels of the round's teacher in the same step.

python tools/train.py configs/demo/self_training/ssl_online.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/demo/self_training/student_online.py
The second command reads the output of the first one, from the folders UDAS_DEMO_TRANSLATIONS and UDAS_DEMO_LABELS.
"""
_base_ = './online.py'
budget = '1/20'
train_dataloader = dict(
    dataset=dict(
        pseudo_labeled=dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.pseudo_labeled_train)))
