"""A tiny run in rounds of active labelling: the configs beside those of tiny_self_training.py."""
from pathlib import Path

from tiny_self_training import DATA, write_configs

SELECTOR = f'''_base_ = './base.py'
{DATA}
# large weights, so that the classifiers differ although they are hardly trained
head = dict(segmentor['decode_head'], init_cfg=dict(type='Normal', layer='Conv2d', std=1.0))
model = dict(type='PixelSelector', segmentor=dict(segmentor, decode_head=head))
train_dataloader = dict(
    loader, dataset=dict(type='DomainPairDataset', pseudo_labeled=pseudo_labeled_train, target=target_train))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
'''

STUDENT = '''_base_ = './adapt.py'
answered_train = dict(
    type='AnsweredDataset', metainfo='CityscapesDataset', data_root=f'{_base_.data}/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/train'), img_suffix='_leftImg8bit.png',
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadAnswers'), *_base_.crop])
train_dataloader = dict(dataset=dict(labeled_target=answered_train))
loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
model = dict(segmentor=dict(decode_head=dict(loss_decode=loss), auxiliary_head=dict(loss_decode=loss)))
'''

ACTIVE = '''
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
runner_type = 'SelfTrainingRunner'
randomness = dict(seed=0)
self_training = dict(
    rounds=1,
    keep='last',
    stages=dict(each_round=('label', 'selector', 'query', 'annotate', 'active_student'), after=('export',)),
    adapt=dict(config='{{fileDirname}}/adapt.py'),
    label=dict(views=1, batch_size=2, workers=0, min_coverage=0, max_class_share=1),
    selector=dict(config='{{fileDirname}}/selector.py'),
    query=dict(strategy='ppl', points_per_image=6, workers=0),
    annotate=dict(by='truth'),
    active_student=dict(config='{{fileDirname}}/active_student.py'),
    export=dict(num_images=1))
'''


def write_active(folder: Path, iters: int = 2, train: int = 4) -> Path:
    """Generated data and the configs of all stages; the path of the config that runs them."""
    write_configs(folder, iters, train)
    for name, text in (('selector', SELECTOR), ('active_student', STUDENT), ('active', ACTIVE)):
        (folder / f'{name}.py').write_text(text)
    return folder / 'active.py'
