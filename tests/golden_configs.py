"""Configs of the short runs of golden.py: every method, a translator, and self-training in all its stages."""
from pathlib import Path
from typing import Any, Dict

from mmengine.config import Config

LOAD, PACK = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
CROP = [dict(type='RandomCrop', crop_size=(64, 64)), dict(type='RandomFlip', prob=0.5)]
AUGMENT = dict(type='SegAutoAugment', policy='imagenet')
HEAD = dict(type='DeepLabV2Head', num_classes=19, dilations=(2, 3), align_corners=True)
SEGMENTOR = dict(
    type='MultiLevelEncoderDecoder', data_preprocessor=dict(type='DomainDataPreProcessor', mean=[100.] * 3,
                                                            std=[50.] * 3),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                  dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN')),
    decode_head=dict(HEAD, in_channels=32, in_index=3), auxiliary_head=dict(HEAD, in_channels=16, in_index=2),
    train_cfg=dict(), test_cfg=dict(mode='whole'))  # yapf: disable
SMALL = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=2))
SGD = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
ADAM = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
PER_CHILD = dict(constructor='PerChildOptimWrapperConstructor', segmentor=SGD, discriminators=ADAM)
LABELS_ALONE = dict(constructor='PerChildOptimWrapperConstructor', segmentor=SGD)
SEPARATE = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)


def datasets(data: Path) -> Dict[str, dict]:
    """Every data set that a run may use, by name."""
    gta5 = dict(type='GTA5Dataset', data_root=str(data / 'gta5'), ann_file='train.txt',
                data_prefix=dict(img_path='images', seg_map_path='labels'))
    cityscapes = dict(type='CityscapesDataset', data_root=str(data / 'cityscapes'))
    labeled = dict(cityscapes, seg_map_suffix='_gtFine_labelIds.png',
                   data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'))
    load_source, load_target = [LOAD, dict(type='LoadLabelIds')], [LOAD, dict(type='LoadLabelIds',
                                                                              label_map='cityscapes')]
    budget = dict(type='LabelBudgetDataset', n=2, seed=2021, list_dir=str(data / 'splits'))
    target = dict(cityscapes, data_prefix=dict(img_path='leftImg8bit/train'), pipeline=[LOAD, *CROP, PACK])
    found = dict(
        source=dict(gta5, pipeline=[*load_source, *CROP, dict(type='PhotoMetricDistortion'), PACK]),
        target=target,
        labeled=dict(labeled, pipeline=[*load_target, *CROP, PACK]),
        unlabeled=dict(budget, part='unlabeled', dataset=target),
        val=dict(labeled, data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'), test_mode=True,
                 pipeline=[*load_target, PACK]))
    found['cutmix'] = dict(
        type='DomainMixDataset', dataset=dict(gta5, pipeline=[*load_source, *CROP]),
        target=dict(budget, part='labeled', dataset=dict(labeled, pipeline=[*load_target, *CROP])),
        pipeline=[dict(type='DomainCutMix', alpha=1.0), AUGMENT, PACK])
    found['classmix'] = dict(found['cutmix'], pipeline=[dict(type='DomainClassMix'), PACK])
    found['fda'] = dict(
        type='DomainMixDataset', dataset=dict(gta5, pipeline=load_source), target=dict(target, pipeline=[LOAD]),
        pipeline=[dict(type='FourierAmplitudeTransfer', beta=(0.01, 0.05)), dict(type='LabStatisticsTransfer'), *CROP,
                  PACK])
    found['teacher_view'] = dict(target, pipeline=[
        LOAD, *CROP, dict(type='KeepTeacherView'), dict(type='SegAutoAugment', geometric=False),
        dict(type='PackSegInputs', meta_keys=('img_path', 'ori_shape', 'img_shape', 'teacher_img'))])
    found['pseudo'] = dict(
        type='PseudoLabeledDataset', metainfo='CityscapesDataset', data_root=str(data / 'cityscapes'),
        data_prefix=dict(img_path='leftImg8bit/train'), img_suffix='_leftImg8bit.png',
        pseudo_label_root=str(data / 'pseudo_labels'),
        pipeline=[LOAD, dict(type='LoadPseudoLabel', threshold=0.05), *CROP, dict(type='SegRandAugment'), PACK])
    balanced = dict(type='LoadPseudoLabel', threshold=0.9, class_balanced=dict(portion=0.4, beta=0.9))
    found['balanced'] = dict(found['pseudo'], pipeline=[LOAD, balanced, *CROP, PACK])
    return found


def adversarial(**options: Any) -> Dict[str, Any]:
    """Model and optimizers of an `AdversarialSegmentor`; larger weights than published, so that they matter."""
    options = dict(dict(discriminators=SMALL, adversarial=dict(weight=(0.1, 0.02))), **options)
    return dict(model=dict(type='AdversarialSegmentor', segmentor=SEGMENTOR, **options),
                optim_wrapper=PER_CHILD if options['discriminators'] else LABELS_ALONE, model_wrapper_cfg=SEPARATE)


def student(**options: Any) -> Dict[str, Any]:
    """Model and optimizer of a `StudentTeacherSegmentor`."""
    return dict(model=dict(type='StudentTeacherSegmentor', segmentor=SEGMENTOR, **options), optim_wrapper=SGD)


def trainings(data: Path) -> Dict[str, Dict[str, Any]]:
    """A config for each method: what is not the same for all."""
    found = datasets(data)

    def pair(**branches: str) -> dict:
        return dict(type='DomainPairDataset', **{branch: found[name] for branch, name in branches.items()})

    def stream(name: str, branch: str = 'source') -> dict:
        return dict(type='StreamDataset', dataset=found[name], branch=branch)

    uda = pair(source='source', target='target')
    multi_scale = dict(type='MultiScaleDiscriminator', base_channels=2, num_layers=2, num_scales=2)
    statistics = dict(type='TargetNormStatisticsHook', branch=dict(found['target'], pipeline=[LOAD, PACK]))
    labels_in_training = dict(
        type='MaxConfidencePseudoLabelHook', out=str(data / 'labels_in_training'), dataset=found['target'], interval=2,
        views=2, workers=0)
    return dict(
        source_only=dict(model=SEGMENTOR, optim_wrapper=SGD, dataset=stream('source')),
        style_transfer=dict(model=SEGMENTOR, optim_wrapper=SGD, dataset=stream('fda')),
        adaptsegnet=dict(adversarial(), dataset=uda, panels=dict(type='DomainPanelHook', interval=2, num_images=1)),
        adaptsegnet_accumulated=dict(
            adversarial(), dataset=uda,
            optim_wrapper=dict(PER_CHILD, segmentor=dict(SGD, accumulative_counts=2),
                               discriminators=dict(ADAM, accumulative_counts=2))),
        advent=dict(adversarial(adapt_map='self_information'), dataset=uda),
        minent=dict(adversarial(discriminators=None, entropy=dict(weight=(0.1, 0.02))), dataset=uda),
        mrnet=dict(adversarial(discriminators=dict(SMALL, discriminator=multi_scale), gan_objective='lsgan',
                               kl=dict(form='memory_regularization', weight=0.1, begin=1, ramp=2)), dataset=uda),
        batch_norm=dict(adversarial(discriminators=None), dataset=uda),
        udas=dict(adversarial(kl=dict(form='symmetric_cross_entropy', weight=0.1)),
                  dataset=pair(source='cutmix', target='unlabeled'), hooks=[statistics]),
        udas_joint=dict(
            adversarial(joint_forward=True, upsample_maps=False, channels_last=False,
                        discriminators=dict(type='MultiLevelDiscriminator', discriminator=dict(
                            type='FCDiscriminator', base_channels=2, strides=(1, 1, 1, 1, 1))),
                        kl=dict(form='symmetric_cross_entropy', weight=0.1)),
            dataset=pair(source='classmix', labeled_target='labeled', target='target')),
        rectified=dict(model=dict(SEGMENTOR, type='RectifiedEncoderDecoder'), optim_wrapper=SGD,
                       dataset=stream('pseudo', 'pseudo_labeled')),
        student=dict(student(pseudo_weight=0.5), dataset=pair(source='source', pseudo_labeled='pseudo')),
        student_consistency=dict(
            student(consistency=dict(num_views=3, smoothing=0.1)),
            dataset=pair(source='source', labeled_target='labeled', pseudo_labeled='balanced')),
        student_joint=dict(student(joint_forward=True), dataset=pair(source='cutmix', pseudo_labeled='pseudo')),
        mean_teacher=dict(
            student(ema_teacher=dict(momentum=0.5, threshold=0.05, weight=0.7), predict_with='teacher'),
            dataset=pair(source='source', target='teacher_view'), hooks=[dict(type='EMATeacherHook')]),
        online=dict(
            model=dict(type='OnlineSelfTrainingSegmentor', segmentor=SEGMENTOR, margins=dict(top=2),
                       terms=[dict(type='MaskedConsistencyTerm', block_size=8)],
                       ema_teacher=dict(momentum=0.5, labeling=dict(type='SureShareLabeling', threshold=0.06))),
            optim_wrapper=SGD, hooks=[dict(type='EMATeacherHook')],
            dataset=dict(pair(source='source', target='target'), orders=dict(source=dict(
                type='RareClassOrder', classes=(0, 5), min_pixels=20, min_crop_pixels=10,
                cache_dir=str(data / 'cache'))))),
        labels_in_training=dict(model=SEGMENTOR, optim_wrapper=SGD, dataset=stream('source'),
                                hooks=[labels_in_training]))


def complete(training: Dict[str, Any], data: Path) -> Dict[str, Any]:
    """The whole config of a training."""
    loader = dict(batch_size=2, num_workers=0, sampler=dict(type='PositionSampler'))
    evaluation = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                      dataset=datasets(data)['val'])
    training = dict(training)
    hooks = dict(logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
                 checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2,
                                 backend_args=dict(backend='atomic')))
    if 'panels' in training:
        hooks['panels'] = training.pop('panels')
    return dict(
        default_scope='mmseg', custom_imports=dict(imports=['udas_mmseg'], allow_failed_imports=False),
        randomness=dict(seed=1), log_processor=dict(by_epoch=False), log_level='WARNING', default_hooks=hooks,
        custom_hooks=[dict(type='CheckFiniteLossHook'), *training.pop('hooks', [])],
        train_dataloader=dict(loader, dataset=training.pop('dataset')), target_train=datasets(data)['target'],
        train_cfg=dict(type='PositionTrainLoop', max_iters=4, val_interval=4), val_cfg=dict(type='ValLoop'),
        param_scheduler=[dict(type='PolyLR', power=0.9, begin=0, end=8, by_epoch=False)],
        val_dataloader=evaluation, val_evaluator=dict(type='SubsetIoUMetric'), test_dataloader=evaluation,
        test_evaluator=[dict(type='SubsetIoUMetric'), dict(type='PseudoLabelQualityMetric', threshold=0.06)],
        test_cfg=dict(type='TestLoop'), **training)  # yapf: disable


def translator(data: Path) -> Dict[str, Any]:
    """Config of a CycleGAN."""
    source = dict(type='GTA5Dataset', data_root=str(data / 'gta5'), ann_file='train.txt',
                  data_prefix=dict(img_path='images'))
    networks = dict(in_channels=3, norm_cfg=dict(type='IN'))
    crop = [LOAD, dict(type='RandomCrop', crop_size=(32, 64)), PACK]
    config = complete(
        dict(
            model=dict(
                type='DomainCycleGAN', buffer_size=2, loss_config=dict(cycle_loss_weight=10., id_loss_weight=5.),
                generator=dict(networks, type='ResnetGenerator', out_channels=3, base_channels=2, num_blocks=1),
                discriminator=dict(networks, type='PatchDiscriminator', base_channels=2, num_conv=1)),
            dataset=dict(type='DomainPairDataset', source=dict(source, pipeline=crop),
                         target=dict(datasets(data)['target'], pipeline=crop)),
            optim_wrapper=dict(constructor='PerChildOptimWrapperConstructor', generators=ADAM, discriminators=ADAM),
            model_wrapper_cfg=SEPARATE), data)
    config['custom_imports'] = dict(imports=['udas_mmseg', 'udas_mmseg.translation'], allow_failed_imports=False)
    config['default_hooks']['translator'] = dict(type='TranslatorCheckpointHook')
    config['translate_dataloader'] = dict(batch_size=2, num_workers=0, dataset=dict(source, pipeline=[LOAD, PACK]))
    for key in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            config[f'{key}_{part}'] = None
    return config


def self_training(folder: Path, data: Path) -> Dict[str, Any]:
    """Config of all stages; those of the stages are written beside it."""
    found = datasets(data)
    source, labeled = dict(found['source'], translated_root=''), dict(found['labeled'])
    pair = dict(type='DomainPairDataset', source=source)
    configs = dict(
        translator=translator(data),
        adapt=complete(dict(adversarial(), dataset=dict(pair, target=found['target'])), data),
        student=complete(dict(student(), dataset=dict(pair, pseudo_labeled=found['pseudo'])), data))
    configs['student']['labeled_target_train'] = labeled
    for name, config in configs.items():
        Config(config).dump(str(folder / f'{name}.py'))
    return dict(
        default_scope='mmseg', custom_imports=dict(imports=['udas_mmseg'], allow_failed_imports=False),
        runner_type='SelfTrainingRunner', randomness=dict(seed=3),
        self_training=dict(
            rounds=2, keep='last', stages=dict(after=('export', )),
            translate=dict(config=str(folder / 'translator.py')),
            adapt=dict(config=str(folder / 'adapt.py')),
            label=dict(views=2, batch_size=2, workers=0, min_coverage=0, max_class_share=1,
                       truth='labeled_target_train'),
            student=dict(config=str(folder / 'student.py'), init='teacher'), export=dict(num_images=1)))
