"""The texts of a pair's configs, except for the data set: the network, each method, and all stages."""
import os.path as osp
from typing import Callable, Dict

from ..utils.project import shown_path, tool_command
from .plan import PRESETS, SMALL, Plan

_SMALL_SETUP = '''# What all configs of this pair share: network, data and schedule. For a CPU: a small network, from
# {start}.
{note}_base_ = [
    '{base}/default_runtime.py',
    '{base}/models/{network}.py',
    './dataset.py',
    '{base}/schedules/adamw_poly_600.py',
]
iters = {iters}
{model}param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end={warmup}, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin={warmup}, end=iters, by_epoch=False)
]
train_cfg = dict(max_iters=iters, val_interval=iters)
{no_val}default_hooks = dict(
    checkpoint=dict(interval={save}), logger=dict(interval=25),
    panels=dict(interval={half}, dataset=_base_.{panel}))
# few channels, to be fast on a CPU
discriminators = dict(
    type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16))
# after the training, the statistics of batch norm are computed on whole target images
target_statistics = dict(type='TargetNormStatisticsHook', branch=_base_.target_images)
'''

_FULL_SETUP = '''# What all configs of this pair share: network, data and schedule. For a GPU: ResNet-101, from
# {start}.
{note}_base_ = [
    '{base}/default_runtime.py',
    '{base}/models/{network}.py',
    './dataset.py',
    '{base}/schedules/sgd_poly100k_100k.py',
]
iters = {iters}
{model}param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=iters, by_epoch=False)]
train_cfg = dict(max_iters=iters, val_interval={save})
{no_val}default_hooks = dict(
    checkpoint=dict(interval={save}), panels=dict(interval={half}, dataset=_base_.{panel}))
discriminators = dict(type='MultiLevelDiscriminator')
# after the training, the statistics of batch norm are computed on whole target images
target_statistics = dict(type='TargetNormStatisticsHook', branch=_base_.target_images)
'''

_SOURCE_ONLY = '''"""The source alone: the lower bound.

{train} {me}
"""
_base_ = './setup.py'
{work_dir}train_dataloader = dict(
    batch_size={double}, dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
'''

_UDA = '''"""Adaptation to the target: discriminators on both heads and L_kl between them{with_labels}.

{train} {me}    # without translation
self_training.py trains it{translated}, as the first teacher.
"""
_base_ = ['./setup.py', '{base}/methods/{uda}.py']
{work_dir}model = dict(
    _base_.method, _delete_=True, segmentor=_base_.model, discriminators=_base_.discriminators{kl})
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
custom_hooks = [*_base_.custom_hooks, _base_.target_statistics]
{mixed}'''

_ONLINE = '''"""Online self-training (DACS): a moving average labels the target in every step{with_labels}.

{train} {all}    # trains it after the stages that it needs
{train} {me}    # without translation; set `load_from` to a trained model if it is short
The moving average is also what predicts. The options are in docs/online_self_training.md; the augmentation needs
torchvision.
"""
_base_ = ['./setup.py', '{base}/methods/dacs.py']
{work_dir}model = dict(_base_.method, _delete_=True, segmentor=_base_.model, predict_with='teacher'{mixing})
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
{mixed}'''

_STUDENT = '''"""A student of self_training.py: the source, and target images with the labels of a teacher.

{train} {all}    # trains it in rounds, after the stages that it needs
"""
_base_ = ['./setup.py', '{base}/methods/student.py']
{work_dir}train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.{source},
        pseudo_labeled=_base_.pseudo_labeled_train))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, _base_.target_statistics]
'''

_STUDENT_CUTMIX = '''"""The first student of self_training_online.py: student.py with boxes of the source (CutMix).

{train} {all}    # trains it after the stages that it needs
Batch norm keeps the statistics of training, and the moving average of the student predicts.
"""
_base_ = './student.py'
{work_dir}cutmix = dict(
    type='DomainMixDataset',
    dataset=dict(_base_.source_train, pipeline=_base_.source_train.pipeline[:-2]),
    target=dict(_base_.pseudo_labeled_train, pipeline=_base_.pseudo_labeled_train.pipeline[:-2]),
    pipeline=[dict(type='DomainCutMix', alpha=1.0), *_base_.pseudo_labeled_train.pipeline[-2:]])
train_dataloader = dict(dataset=dict(pseudo_labeled=dict(_delete_=True, **cutmix)))
model = dict(ema_teacher=dict(momentum=0.99), predict_with='teacher')
custom_hooks = [*_base_.custom_hooks[:-1], dict(type='EMATeacherHook')]  # without target_statistics
'''

_CYCLEGAN = '''"""The translator: CycleGAN between source and target.

{train} {me}
"""
_base_ = [
    '{base}/translation_runtime.py',
    '{base}/models/{cyclegan}.py',
    './dataset.py',
]
{work_dir}iters = {iters}
crop_pipeline = [dict(type='RandomCrop', crop_size={crop}), dict(type='RandomFlip', prob=0.5), _base_.pack]
source, target = _base_.source_images, _base_.target_images
train_dataloader = dict(
    batch_size=1,
    dataset=dict(
        source=dict(
            source, _delete_=True, pipeline=[_base_.load_source, _base_.resize_source, *crop_pipeline]),
        target=dict(
            target, _delete_=True, pipeline=[_base_.load_target, _base_.resize_target, *crop_pipeline])))
translate_dataloader = dict(batch_size={batch_size}, num_workers={workers}, dataset=source)
{model}# constant for the first half, then linearly to 0
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iters // 2, end=iters, by_epoch=False)
]
train_cfg = dict(type='PositionTrainLoop', max_iters=iters)
default_hooks = dict(
    checkpoint=dict(interval={save}), panels=dict(interval={half}, dataset=dict(source=source, target=target)))
'''

_SELF_TRAINING = '''"""All stages: {stages}.

{train} {me}
{train} {me} --dry-run    # print the plan, and try each training
After an interruption, run the same command again (docs/self_training.md). The model is then
{out}/export/{pair}.pth.
"""
_base_ = '{base}/self_training_runtime.py'
{work_dir}self_training = dict(
    rounds={rounds},
{source_only}    translate={translate},
    adapt=dict(config='{{{{fileDirname}}}}/uda.py'),
    label=dict(views=3, batch_size={batch_size}, workers={workers}),
    student=dict(config='{{{{fileDirname}}}}/student.py', init='{init}'),
    export=dict(name={pair!r}, num_images=6))
'''


_BASELINE = '''    # the first row of the report, which no other stage needs; None saves this training
    source_only=dict(config='{{fileDirname}}/source_only.py'),
'''

_SELF_TRAINING_ONLINE = '''"""All stages with online self-training (docs/own_data.md, "What to do on your own data").

{train} {me}
{train} {me} --dry-run    # print the plan, and try each training
{stages}source_only.py; online.py, which begins with it; a round on its pseudo-labels with CutMix; online rounds.
Each begins with the moving average of the last one. After an interruption, run the same command again.
"""
_base_ = './self_training.py'
{work_dir}self_training = dict(
    keep='last',
{source_only}    warm_up=dict(config='{{{{fileDirname}}}}/source_only.py'),
    adapt=dict(config='{{{{fileDirname}}}}/online.py'),
    label=dict(per_round=[dict(), None]),
    student=dict(
        config='{{{{fileDirname}}}}/student_cutmix.py',
        init='teacher',
        per_round=[dict(), dict(config='{{{{fileDirname}}}}/online.py')]))
'''


_FEW_CLASSES = 5  # half of three, rounded up, leaves little of the target: CutMix was better; five is a choice


def config_texts(plan: Plan) -> Dict[str, str]:
    """Return the content of each config file by its name. Another method is another entry of `_WRITERS`."""
    return {f'{name}.py': write(plan, name) for name, write in _WRITERS.items()
            if plan.translates or name != 'cyclegan'}


def _common(plan: Plan, name: str) -> Dict[str, object]:
    preset, iters = PRESETS[plan.preset], plan.iterations
    work_dir = osp.join(plan.work_dir, name)
    return dict(
        base=plan.base, note=plan.base_note, pair=plan.name, out=work_dir, train=' '.join(tool_command('train')),
        me=config_path(plan, name), all=config_path(plan, 'self_training'),
        work_dir=f'work_dir = {work_dir!r}\n' if plan.sets_work_dir else '', iters=iters,
        save=max(1, iters // (3 if plan.preset == SMALL else 10)), half=max(1, iters // 2),
        batch_size=2 * preset.batch_size, double=2 * preset.batch_size, workers=preset.workers)


def _setup(plan: Plan, name: str) -> str:
    small = plan.preset == SMALL
    network = 'deeplabv2-multi_r101-d8'
    if small:
        network = 'deeplabv2-multi_mobilenetv2-d8' if plan.weights else 'deeplabv2-multi_r18-d8'
    start, model = 'random weights', '' if small else 'model = dict(backbone=dict(init_cfg=None))\n'
    if plan.weights:
        start = plan.weights
        model = ('model = dict(\n    backbone=dict(init_cfg=dict('
                 f"type='Pretrained', checkpoint={plan.weights!r})))\n")
    return (_SMALL_SETUP if small else _FULL_SETUP).format(
        **_common(plan, name), network=network, start=start, model=model,
        warmup=max(1, min(50, plan.iterations // 6)), panel='target_val' if plan.val else 'target_images',
        no_val='' if plan.val else 'val_cfg = None\ntest_cfg = None\n')


def _source_only(plan: Plan, name: str) -> str:
    return _SOURCE_ONLY.format(**_common(plan, name))


def _with_labels(plan: Plan) -> Dict[str, str]:
    """The parts of a config's text that mix labelled target images, if there are any, into the source."""
    if not plan.labeled:
        return dict(mixed='', with_labels='')
    mixed = 'train_dataloader = dict(dataset=dict(source=dict(_delete_=True, **_base_.mixed_train)))\n'
    return dict(mixed=mixed,
                with_labels=', with labelled target images')


def _online(plan: Plan, name: str) -> str:
    few = len(plan.classes.names) <= _FEW_CLASSES
    return _ONLINE.format(**_all_online(plan, name), **_with_labels(plan), mixing=", mixing='cut_mix'" if few else '')


def _student_cutmix(plan: Plan, name: str) -> str:
    return _STUDENT_CUTMIX.format(**_all_online(plan, name))


def _self_training_online(plan: Plan, name: str) -> str:
    # without translations, the warm-up is this training
    once = '' if plan.translates or not plan.val else '    source_only=None,\n'
    return _SELF_TRAINING_ONLINE.format(**_common(plan, name), stages='Translation; ' if plan.translates else '',
                                        source_only=once)


def _all_online(plan: Plan, name: str) -> Dict[str, object]:
    return {**_common(plan, name), 'all': config_path(plan, 'self_training_online')}


def _uda(plan: Plan, name: str) -> str:
    small = plan.preset == SMALL
    # L_kl begins after the same share of the iterations as in the published schedule: 15,000 of 120,000
    kl = '' if small else f',\n    kl=dict(_base_.method.kl, begin={plan.iterations // 8})'
    return _UDA.format(**_common(plan, name), uda='uda_600' if small else 'uda', kl=kl,
                       translated=' on translated images' if plan.translates else '', **_with_labels(plan))


def _student(plan: Plan, name: str) -> str:
    return _STUDENT.format(**_common(plan, name), source='mixed_train' if plan.labeled else 'source_train')


def _cyclegan(plan: Plan, name: str) -> str:
    small, preset = plan.preset == SMALL, PRESETS[plan.preset]
    (width, height), longest = plan.sizes.crop, preset.translator_crop
    crop = min(height, longest // 2 if small and width > height else longest), min(width, longest)
    common = {**_common(plan, name), 'iters': plan.translator_iterations}
    common.update(save=max(1, plan.translator_iterations // 4), half=max(1, plan.translator_iterations // 2))
    model = 'model = dict(generator=dict(num_blocks=3), discriminator=dict(base_channels=16))\n' if small else ''
    return _CYCLEGAN.format(**common, cyclegan='cyclegan_small' if small else 'cyclegan_resnet9', crop=crop,
                            model=model)


def _self_training(plan: Plan, name: str) -> str:
    # translations have the size of training if all images have one size; else each has that of its original
    size = f', size={plan.sizes.scales[0]}' if len(plan.source.sizes) == 1 else ''
    translate = f"dict(config='{{{{fileDirname}}}}/cyclegan.py'{size})" if plan.translates else 'None'
    stages = 'translation, ' if plan.translates else ''
    return _SELF_TRAINING.format(
        **_common(plan, name), rounds=plan.rounds, translate=translate, source_only=_BASELINE if plan.val else '',
        stages=f'{stages}adaptation, rounds of self-training, and export of the best model',
        init='teacher' if plan.preset == SMALL else 'imagenet')


_WRITERS: Dict[str, Callable[[Plan, str], str]] = dict(
    setup=_setup, source_only=_source_only, cyclegan=_cyclegan, uda=_uda, online=_online, student=_student,
    student_cutmix=_student_cutmix, self_training=_self_training, self_training_online=_self_training_online)


def config_path(plan: Plan, name: str) -> str:
    """Return the path of a config as commands name it."""
    return osp.join(shown_path(plan.out), f'{name}.py')
