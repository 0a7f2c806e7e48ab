"""A student of UDAS with 10 labelled "real" scenes: the mixed scenes of uda_cutmix.py, and its teacher's labels.

python tools/train.py configs/demo/ssl.py    # trains it in rounds
python tools/train.py configs/demo/student.py
The second command reads pseudo-labels from the folder UDAS_PSEUDO_ROOT.
"""
_base_ = './student_0.py'
budget = 10
# both domains have the size of the crop; RandomCrop alone does not change smaller images
weak = dict(type='SegWeakAugment', crop_size=(128, 256), scale_range=(0.8, 1.5), flip_prob=0.5)
few = dict(type='LabelBudgetDataset', n=budget, seed=2021)
mixed = dict(
    type='DomainMixDataset',
    dataset=dict(_base_.source_train, pipeline=[*_base_.source_pipeline[:2], weak]),
    target=dict(
        few,
        part='labeled',
        dataset=dict(_base_.labeled_target_train, pipeline=[*_base_.labeled_target_pipeline[:2], weak])),
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
pseudo_labeled = dict(few, part='unlabeled', whole_if_empty=True, dataset=_base_.pseudo_labeled_train)
train_dataloader = dict(
    dataset=dict(source=dict(_delete_=True, **mixed), pseudo_labeled=dict(_delete_=True, **pseudo_labeled)))
