"""A student of UDAS with 10 labelled "real" scenes: the mixed scenes of uda_cutmix.py, and its teacher's labels.

python tools/train.py configs/demo/ssl.py    # trains it in rounds
python tools/train.py configs/demo/student.py
The second command reads pseudo-labels from the folder UDAS_PSEUDO_ROOT.
"""
_base_ = './student_0.py'
budget = 10
pseudo_labeled = dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.pseudo_labeled_train)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.few_cutmix), pseudo_labeled=dict(_delete_=True, **pseudo_labeled)))
