"""The tables of UDAS. Figures are mIoU on Cityscapes val, GTA5 -> Cityscapes at 640x360 if nothing else is said."""
from ..table import MIOU, Row, Table

INPUT_SIZE = Table(
    name='4.2.1',
    paper='UDAS, section 4.2.1',
    title='the size of the input',
    rows=(Row('AdaptSegNet at 1280x720', 'adaptsegnet_large', 42.35),
          Row('AdaptSegNet at 640x360', 'adaptsegnet_small', 28.59)),
    reference='AdaptSegNet at 1280x720')

TASK_MODELS = Table(
    name='4.2.2',
    paper='UDAS, section 4.2.2',
    title='task models, with all labels of the target',
    rows=(Row('FCN', 'fcn', 68.03), Row('DeepLabv3+', 'deeplabv3plus', 74.97), Row('DeepLabv2', 'deeplabv2', 69.1)),
    note='The paper has ResNet-50 for FCN and DeepLabv3+, and ResNet-101 for DeepLabv2.')

TRANSLATION = Table(
    name='4.2.3',
    paper='UDAS, section 4.2.3',
    title='translation, read by a model that was trained on the target',
    rows=(Row('source', 'source_read', 30.1), Row('source, translated by CycleGAN', 'translations_read', 36.2),
          Row('target', 'target_read', 74.9)),
    reference='source',
    scores=MIOU,
    note='A row has the mIoU of a DeepLabv3+ that was trained with all labels of the target, on up to 500 images.')

STAGES = Table(
    name='4.3.1',
    paper='UDAS, section 4.3.1',
    title='stages, and other methods',
    rows=(Row('no adaptation', 'source_only', 28.5), Row('UDA', 'uda', 30.8), Row('ST (CycleGAN)', 'translated', 36.6),
          Row('ST + UDA', 'translated_uda', 44.4), Row('UDAS, no labels', 'ssl_0', 43.9),
          Row('UDAS with online self-training, no labels', 'ssl_online_0'),
          Row('UDAS (ST + DA + SSL), all labels', 'ssl_all', 63.5), Row('CyCADA', 'cycada', 39.5),
          Row('AdaptSegNet', 'adaptsegnet', 42.4), Row('AdvEnt', 'advent', 45.5),
          Row('Seg-Uncertainty', 'rectified', 48.3), Row('supervised, all labels', 'oracle', 69.1)),
    reference='no adaptation',
    note="ST: style transfer, which is the translation of the source. The paper's figures of the other methods are at "
    'their own image sizes; UDAS without labels and the last row are from its section 4.3.2. Online self-training is '
    "not the paper's.")

LABELS = Table(
    name='4.3.2',
    paper='UDAS, section 4.3.2',
    title='numbers of labelled target images',
    rows=(Row('supervised, all (2,975)', 'oracle', 69.1), Row('supervised, 1,000', 'supervised', 61.2, budget=0),
          Row('supervised, 500', 'supervised', 55.4, budget=1), Row('supervised, 100', 'supervised', 41.6, budget=2),
          Row('UDAS, all (2,975)', 'ssl_all', 63.5), Row('UDAS, 1,000', 'ssl', 60.6, budget=0),
          Row('UDAS, 500', 'ssl', 61.3, budget=1), Row('UDAS, 100', 'ssl', 55.6, budget=2),
          Row('UDAS, 0', 'ssl_0', 43.9)),
    reference='supervised, all (2,975)',
    budgets=dict(gta2cs=('1000', '500', '100'), carla2camvid=('10', '5', '1'), demo=('67', '33', '7')),
    note="The names of the rows have the paper's numbers. Other pairs have fewer images: their numbers are beside the "
    'configs.')

TABLES = (INPUT_SIZE, TASK_MODELS, TRANSLATION, STAGES, LABELS)
