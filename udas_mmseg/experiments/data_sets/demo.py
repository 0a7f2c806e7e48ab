"""The generated street scenes of the demo, at 256x128 with 19 classes."""
from typing import Dict, Mapping, Tuple

from ...utils.project import tool_command
from ..step import Work
from ..table import DataSet, Needed
from ..work import Labels, Training, Translations, Translator
from .common import NO_REPORT, ON_TRANSLATIONS, RANDOM_POINTS, READINGS, ROUNDS

_NO_SIZE = 'the scenes have 256x128 pixels, so that a larger size of the input would show no more'


def _train(name: str, takes: Mapping[str, str] = {}, *options: str) -> Training:
    return Training(f'configs/demo/{name}.py', takes, options)


_STAGES: Dict[str, Work] = dict(
    source_only=_train('source_only'),
    oracle=_train('oracle'),
    translator=Translator('configs/demo/cyclegan.py'),
    translations=Translations('translator'),
    uda=_train('uda'),
    translated=_train('source_only', ON_TRANSLATIONS),
    translated_uda=_train('uda', ON_TRANSLATIONS),
    ssl_0=_train('ssl_0', {'self_training.adapt.checkpoint': 'translated_uda', **ON_TRANSLATIONS}, *ROUNDS),
    ssl=_train('ssl', ON_TRANSLATIONS, *ROUNDS),
    ssl_all=_train('ssl', ON_TRANSLATIONS, 'budget=1/1', *ROUNDS),
    supervised=_train('supervised'))
_METHODS: Dict[str, Work] = dict(
    cycada_translator=Translator(
        'configs/demo/cyclegan.py', {'model.semantic_consistency.checkpoint': 'source_only'},
        ('model.semantic_consistency.config=configs/demo/source_only.py', 'model.semantic_consistency.weight=1.0')),
    cycada_translations=Translations('cycada_translator'),
    cycada=_train('adaptsegnet', {'translated_root': 'cycada_translations'}),
    adaptsegnet=_train('adaptsegnet'),
    advent=_train('advent'),
    mrnet=_train('mrnet'),
    mrnet_labels=Labels('mrnet', ('--views', '1')),
    rectified=_train('rectified', {'model.init_cfg.checkpoint': 'mrnet',
                                   'train_dataloader.dataset.dataset.pseudo_label_root': 'mrnet_labels'}))
_NEW_HEAD: Tuple[str, ...] = ('model.decode_head.channels=64', 'model.decode_head.norm_cfg.type=BN')
_TASK_MODELS: Dict[str, Work] = dict(
    fcn=_train('oracle', {}, 'model.decode_head.type=FCNHead', *_NEW_HEAD),
    deeplabv3plus=_train('oracle', {}, 'model.decode_head.type=DepthwiseSeparableASPPHead', *_NEW_HEAD,
                         'model.decode_head.c1_in_channels=32', 'model.decode_head.c1_channels=16'),
    deeplabv2=_train('oracle'),
    **READINGS)
_FEW_LABELS: Dict[str, Work] = dict(
    supervised_semi=_train('supervised'),
    mean_teacher_semi=_train('mean_teacher'),
    cps_semi=_train('cps'),
    cps_cutmix_semi=_train('cps', {}, 'model.cut_mix=True'))
_ADAPTED = {'self_training.adapt.checkpoint': 'uda'}
_LABOR: Dict[str, Work] = dict(
    uda_labor=_train('uda'),
    labor_ppl=_train('labor', _ADAPTED, NO_REPORT),
    labor_spl=_train('labor', _ADAPTED, 'self_training.query.strategy=spl', NO_REPORT),
    labor_random=_train('labor', _ADAPTED, *RANDOM_POINTS),
    oracle_labor=_train('oracle'))

DEMO = DataSet(
    name='demo',
    title='generated street scenes, 19 classes',
    note='Half a ResNet-18 from scratch, 256x128, 600 iterations. mIoU on the "real" validation scenes.',
    models={**_STAGES, **_METHODS, **_TASK_MODELS, **_FEW_LABELS, **_LABOR},
    absent=dict(
        adaptsegnet_large=_NO_SIZE,
        adaptsegnet_small=_NO_SIZE,
        ssl_online_0='the config with online self-training, self_training/ssl_online.py, has another size'),
    needed=(Needed('UDAS_DEMO_ROOT', 'data/demo', ('gta5/images', 'gta5/labels', 'cityscapes/leftImg8bit/train',
                                                   'cityscapes/leftImg8bit/val', 'cityscapes/gtFine/val'),
                   f'Generate the scenes with `{" ".join(tool_command("make_demo_data"))} data/demo`, or set '
                   'UDAS_DEMO_ROOT to the folder of existing ones.'), ))
