"""CARLA -> CamVid with three classes: its works, and the protocol by which they are scored."""
from typing import Dict, Tuple

from ..step import Work
from ..table import DataSet, Needed
from ..work import Labels, Training, Translations, Translator
from .common import NO_REPORT, ON_TRANSLATIONS, READINGS, ROUNDS

_BASE = 'configs/benchmarks/carla2camvid'
_NO_SIZE = 'the size of the input means nothing for the images of CARLA, which have 160x80 pixels'


def _aspp(model: str) -> Tuple[str, ...]:
    """Return the options for the head of `_base_/models/aspp_head_mobilenetv2-d8.py`, as the ladder's configs have."""
    return (f'{model}.decode_head.type=ASPPHead', f'{model}.decode_head.channels=128',
            f'{model}.decode_head.norm_cfg.type=BN')


def _method(name: str, **takes: str) -> Training:
    """Return a training of two domains with DeepLabv3's head."""
    return Training(f'{_BASE}/{name}.py', takes, _aspp('model.segmentor'))


_STAGES: Dict[str, Work] = dict(
    source_only=Training(f'{_BASE}/ladder/source_only.py'),
    oracle=Training(f'{_BASE}/ladder/oracle.py'),
    translator=Translator(f'{_BASE}/cyclegan.py'),
    translations=Translations('translator'),
    # as ST + UDA, but without the translation
    uda=Training(f'{_BASE}/ladder/adapted_0.py', options=('train_dataloader.dataset.source.translated_root=None', )),
    translated=Training(f'{_BASE}/ladder/translated.py', ON_TRANSLATIONS),
    translated_uda=Training(f'{_BASE}/ladder/adapted_0.py', ON_TRANSLATIONS),
    ssl_0=Training(f'{_BASE}/ladder/ssl_0.py',
                   {'self_training.adapt.checkpoint': 'translated_uda', **ON_TRANSLATIONS}, ROUNDS),
    ssl_online_0=Training(f'{_BASE}/ladder/ssl_online_0.py',
                          {'self_training.warm_up.checkpoint': 'translated', **ON_TRANSLATIONS}, ROUNDS),
    ssl=Training(f'{_BASE}/ladder/ssl.py', ON_TRANSLATIONS, ROUNDS),
    supervised=Training(f'{_BASE}/supervised.py', options=_aspp('model')))
_METHODS: Dict[str, Work] = dict(
    cycada_translator=Translator(
        f'{_BASE}/cyclegan.py', {'model.semantic_consistency.checkpoint': 'source_only'},
        (f'model.semantic_consistency.config={_BASE}/ladder/source_only.py', 'model.semantic_consistency.weight=1.0')),
    cycada_translations=Translations('cycada_translator'),
    cycada=_method('adaptsegnet', translated_root='cycada_translations'),
    adaptsegnet=_method('adaptsegnet'),
    advent=_method('advent'),
    mrnet=_method('mrnet'),
    mrnet_labels=Labels('mrnet', ('--views', '1')),
    rectified=Training(
        f'{_BASE}/rectified.py', {'model.init_cfg.checkpoint': 'mrnet',
                                  'train_dataloader.dataset.dataset.pseudo_label_root': 'mrnet_labels'},
        _aspp('model')))
_TASK_MODELS: Dict[str, Work] = dict(
    fcn=Training(f'{_BASE}/oracle.py', options=(
        'model.decode_head.type=FCNHead', 'model.decode_head.channels=128', 'model.decode_head.norm_cfg.type=BN')),
    deeplabv3plus=Training(f'{_BASE}/oracle.py', options=(
        'model.decode_head.type=DepthwiseSeparableASPPHead', 'model.decode_head.channels=128',
        'model.decode_head.norm_cfg.type=BN', 'model.decode_head.c1_in_channels=24',
        'model.decode_head.c1_channels=24')),
    deeplabv2=Training(f'{_BASE}/oracle.py'),
    **READINGS)
_FEW_LABELS: Dict[str, Work] = dict(
    supervised_semi=Training(f'{_BASE}/supervised.py'),
    mean_teacher_semi=Training(f'{_BASE}/mean_teacher.py'),
    cps_semi=Training(f'{_BASE}/cps.py'),
    cps_cutmix_semi=Training(f'{_BASE}/cps_cutmix.py'))
_ADAPTED = {'self_training.adapt.checkpoint': 'uda_labor'}
_LABOR: Dict[str, Work] = dict(
    uda_labor=Training(f'{_BASE}/uda.py'),
    labor_ppl=Training(f'{_BASE}/labor_ppl.py', _ADAPTED, (NO_REPORT, )),
    labor_spl=Training(f'{_BASE}/labor_spl.py', _ADAPTED, (NO_REPORT, )),
    labor_random=Training(f'{_BASE}/labor_baseline.py', _ADAPTED,
                          ('self_training.query.strategy=random', NO_REPORT)),
    oracle_labor=Training(f'{_BASE}/oracle.py'))

CARLA2CAMVID = DataSet(
    name='carla2camvid',
    title='CARLA -> CamVid, 3 classes',
    note='MobileNetV2 with ImageNet weights, crops of 160x80, 600 iterations; the head is that of DeepLabv3 in the '
    'tables of UDAS (4.3), and of DeepLabv2 in those of CPS and LabOR. mIoU over the last 30 % of three sequences '
    'of CamVid, whose images are in no training: their mean, which decides, and the worst; and on CamVid val.',
    models={**_STAGES, **_METHODS, **_TASK_MODELS, **_FEW_LABELS, **_LABOR},
    absent=dict(
        adaptsegnet_large=_NO_SIZE,
        adaptsegnet_small=_NO_SIZE,
        ssl_all='the lists of label budgets of CamVid end at 10 images'),
    needed=(Needed('UDAS_DATA_ROOT', 'data', ('carla/images', 'carla/labels', 'camvid/images', 'camvid/labels',
                                              'camvid/splits/pool.txt'),
                   'The data do not come with the project: configs/benchmarks/carla2camvid/README.md describes them. '
                   'Set UDAS_DATA_ROOT to their folder, or try --data demo, which is generated.'),
            Needed('UDAS_WEIGHTS_ROOT', 'weights', ('mobilenet_v2_imagenet.pth', ),
                   'Set UDAS_WEIGHTS_ROOT to the folder of the ImageNet weights of MobileNetV2.')),
    scores=(('mean', 'mIoU/mean'), ('worst', 'mIoU/worst'), ('val', 'mIoU/val')))
