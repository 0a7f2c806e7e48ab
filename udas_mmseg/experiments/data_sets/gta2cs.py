"""GTA5 -> Cityscapes, the pair of the papers."""
from typing import Dict, Mapping

from ..step import Work
from ..table import DataSet, Needed
from ..work import Labels, Training, Translations, Translator
from .common import NO_REPORT, ON_TRANSLATIONS, RANDOM_POINTS, READINGS, ROUNDS

_SIZE = ('--size', '640x360')  # that of the trainings, so that the files are small


def _train(name: str, takes: Mapping[str, str] = {}, *options: str) -> Training:
    return Training(f'configs/{name}.py', takes, options)


_STAGES: Dict[str, Work] = dict(
    source_only=_train('udas/gta2cs_source_only'),
    oracle=_train('udas/gta2cs_supervised', {}, 'budget=2975'),
    translator=Translator('configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py'),
    translations=Translations('translator', _SIZE),
    uda=_train('udas/gta2cs_uda'),
    translated=_train('udas/gta2cs_translated', ON_TRANSLATIONS),
    translated_uda=_train('udas/gta2cs_translated_uda', ON_TRANSLATIONS),
    ssl_0=_train('udas/gta2cs_ssl_0', {'self_training.adapt.checkpoint': 'translated_uda', **ON_TRANSLATIONS}, *ROUNDS),
    ssl=_train('udas/gta2cs_ssl', ON_TRANSLATIONS, *ROUNDS),
    ssl_all=_train('udas/gta2cs_ssl', ON_TRANSLATIONS, 'budget=2975', *ROUNDS),
    supervised=_train('udas/gta2cs_supervised'))
_METHODS: Dict[str, Work] = dict(
    cycada_translator=Translator('configs/translation/cycada_resnet9_200k_gta2cs-640x360.py',
                                 {'model.semantic_consistency.checkpoint': 'source_only'}),
    cycada_translations=Translations('cycada_translator', _SIZE),
    cycada=_train('cycada/cycada_r101-d8_120k_gta2cs-640x360', {'translated_root': 'cycada_translations'}),
    adaptsegnet=_train('adaptsegnet/adaptsegnet_r101-d8_120k_gta2cs-1280x720'),
    adaptsegnet_large=_train('adaptsegnet/adaptsegnet_r101-d8_120k_gta2cs-1280x720'),
    adaptsegnet_small=_train('udas/gta2cs_uda', {}, 'model.kl=None'),  # the only difference between the two methods
    advent=_train('advent/advent_r101-d8_120k_gta2cs-1280x720'),
    mrnet=_train('mrnet/mrnet_r101-d8_100k_gta2cs-1024x512', {}, 'train_cfg.max_iters=25000'),
    mrnet_labels=Labels('mrnet', ('--views', '4', '--augment', 'type=SegFlipScale', '--merge', 'mean'),
                        ('model.segmentor.test_cfg.aux_weight=0.5', )),
    rectified=_train('mrnet/rectified_r101-d8_100k_gta2cs-512x256', {
        'model.init_cfg.checkpoint': 'mrnet', 'train_dataloader.dataset.dataset.pseudo_label_root': 'mrnet_labels'}))
_TASK_MODELS: Dict[str, Work] = dict(
    fcn=_train('task_models/oracle_fcn-r50-d8_120k_cityscapes-640x360'),
    deeplabv3plus=_train('task_models/oracle_deeplabv3plus-r50-d8_120k_cityscapes-640x360'),
    deeplabv2=_train('udas/gta2cs_supervised', {}, 'budget=2975'),
    **READINGS)
_FEW_LABELS: Dict[str, Work] = dict(
    mean_teacher_semi=_train('mean_teacher/mean-teacher_deeplabv3plus-r50-d8_84k_cityscapes-800x800'),
    cps_semi=_train('cps/cps_deeplabv3plus-r50-d8_22k_cityscapes-800x800'),
    cps_cutmix_semi=_train('cps/cps_deeplabv3plus-r50-d8_22k_cityscapes-800x800', {}, 'model.cut_mix=True',
                           'model.cps_weight=5', 'model.cps_branches=[target]'))
_ADAPTED = {'self_training.adapt.checkpoint': 'uda'}
_PPL = 'labor/labor-ppl_r101-d8_120k_gta2cs-640x360'
_LABOR: Dict[str, Work] = dict(
    uda_labor=_train('udas/gta2cs_uda'),
    labor_ppl=_train(_PPL, _ADAPTED, NO_REPORT),
    labor_spl=_train('labor/labor-spl_r101-d8_120k_gta2cs-640x360', _ADAPTED, NO_REPORT),
    labor_random=_train(_PPL, _ADAPTED, *RANDOM_POINTS),
    oracle_labor=_train('udas/gta2cs_supervised', {}, 'budget=2975'))

GTA2CS = DataSet(
    name='gta2cs',
    title='GTA5 -> Cityscapes, 19 classes',
    note='mIoU on Cityscapes val. Networks, sizes and schedules are in the configs.',
    models={**_STAGES, **_METHODS, **_TASK_MODELS, **_FEW_LABELS, **_LABOR},
    absent=dict(
        supervised_semi='there is no config for labelled images alone with the crops of CPS',
        ssl_online_0='self-training that also trains online has a config with labels only, gta2cs_ssl_online.py'),
    needed=(Needed('UDAS_DATA_ROOT', 'data', ('gta5/images', 'gta5/labels', 'cityscapes/leftImg8bit/train',
                                              'cityscapes/leftImg8bit/val', 'cityscapes/gtFine/train',
                                              'cityscapes/gtFine/val'),
                   'Set UDAS_DATA_ROOT to the folder with gta5/ and cityscapes/ as downloaded (docs/datasets.md), or '
                   'try --data demo, which is generated.'), ))
