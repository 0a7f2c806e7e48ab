"""A student with 5 labelled CamVid images: these, translated CARLA, and CamVid with the teacher's labels.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_5.py    # with all that it needs
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_5.py
The second needs translated images and pseudo-labels. Figures: docs/results.md.
"""
_base_ = './student_0.py'
labeled_target = dict(
    _base_.labeled_target_train,
    pipeline=[*_base_.labeled_target_pipeline[:4], _base_.mix_pad, *_base_.labeled_target_pipeline[4:]],
    ann_file='splits/labeled_5.txt')
repeated_target = dict(type='RepeatDataset', times=600, dataset=labeled_target)
labeled_train = dict(type='ConcatDataset', datasets=[_base_.translated_train, repeated_target])
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **labeled_train),
        pseudo_labeled=dict(target=dict(ann_file='splits/unlabeled_without_5.txt'))))
