"""Data that every config under configs/ can read, and small versions of what a config describes."""
import json
import shutil
from pathlib import Path
from typing import Any, Iterator, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from adversarial_models import deeplabv2
from small_data import write_carla_and_camvid, write_demo_data, write_image
from udas_mmseg.pseudo_labels.writer import confidence_path
from udas_mmseg.utils.config_dicts import config_dicts
from udas_mmseg.utils.mirrored_folder import mirrored_path

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / 'configs'
EVERY = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
SELF_TRAINING = [path for path in EVERY if 'ssl' in path.stem]  # stages, each with a config of its own
ACTIVE = [path for path in EVERY if path.stem.startswith('labor') and not path.stem.startswith(
    ('labor_selector', 'labor_student'))]  # the same in rounds of active labelling
TRAINED = [path for path in EVERY if path not in (*SELF_TRAINING, *ACTIVE)]
# every width and height differs from what a config resizes or crops to
SIZE, DEMO_SIZE = (1400, 800), (320, 160)


def name_of(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


def write_every_data_set(root: Path) -> Path:
    """Three training images of each data set, larger than configs crop them, and two for validation, small."""
    for folder, size in ((root, SIZE), (root / 'demo', DEMO_SIZE)):
        write_demo_data(folder, 3, 2)
        for path in folder.rglob('*.png'):
            if 'val' not in path.parts:
                enlarge(path, size)
    shutil.copytree(root / 'cityscapes/leftImg8bit/train', root / 'cityscapes/leftImg8bit/train_extra')
    write_carla_and_camvid(root)
    write_synthia(root / 'synthia')
    write_voc(root / 'VOCdevkit/VOC2012')
    write_night(root)
    for images, translated in (('gta5/images', 'gta5_translated'), ('gta5/images', 'gta5_cycada'),
                               ('demo/gta5/images', 'demo_translations'), ('carla/images', 'carla_cyclegan'),
                               ('synthia/RGB', 'synthia_translated')):
        shutil.copytree(root / images, root / translated)
    (root / 'weights.pth').touch()  # never loaded: nothing is initialised here
    return root


def enlarge(path: Path, size: Tuple[int, int]) -> None:
    """Repeat the pixels of an image or label file, whose palette stays."""
    Image.open(path).resize(size, Image.Resampling.NEAREST).save(path)


def write_synthia(root: Path) -> None:
    """SYNTHIA-RAND-CITYSCAPES has 16-bit labels with the id in the red channel."""
    rng = np.random.default_rng(0)
    for number in range(2):
        write_image(root / f'RGB/{number:07d}.png', blocks(rng, 256, SIZE, 3).astype(np.uint8))
        label = np.zeros((SIZE[1], SIZE[0], 3), np.uint16)
        label[:, :, 2] = blocks(rng, 23, SIZE)
        write_image(root / f'GT/LABELS/{number:07d}.png', label)


def write_voc(root: Path) -> None:
    """PASCAL VOC 2012 with labels of SBD; one image is not in the list of the training set."""
    rng = np.random.default_rng(0)
    lists = dict(trainaug=['2007_000032', '2008_000008', '2008_000015'], val=['2007_000033'])
    for name in [*lists['trainaug'], *lists['val'], '2007_000027']:
        write_image(root / f'JPEGImages/{name}.jpg', blocks(rng, 256, (60, 45), 3))
        label = blocks(rng, 21, (60, 45))
        label[:2] = 255
        for folder in ('SegmentationClass', 'SegmentationClassAug'):
            write_image(root / f'{folder}/{name}.png', label)
    for stem, names in lists.items():
        path = root / f'ImageSets/Segmentation/{stem}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(names) + '\n')


def write_night(root: Path) -> None:
    """A training and a validation image of each condition of ACDC, and of Dark Zurich."""
    rng = np.random.default_rng(0)
    folders = [(root / 'acdc', f'{condition}/{{}}') for condition in ('fog', 'night', 'rain', 'snow')]
    for folder, split in [*folders, (root / 'dark_zurich', '{}/night')]:
        for name, size in (('train', SIZE), ('val', (64, 32))):
            path = f'{split.format(name)}/GOPR0400/GOPR0400_frame_000001'
            write_image(folder / f'rgb_anon/{path}_rgb_anon.png', blocks(rng, 256, size, 3))
            write_image(folder / f'gt/{path}_gt_labelTrainIds.png', blocks(rng, 19, size))


def blocks(rng: np.random.Generator, limit: int, size: tuple, *channels: int) -> np.ndarray:
    """Random numbers below a limit, the same in blocks of 8x8 pixels: (H, W, ...) uint8, quickly compressed."""
    width, height = size
    small = rng.integers(0, limit, (-(-height // 8), -(-width // 8), *channels), dtype=np.uint8)
    return small.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def write_pseudo_labels(cfg: Config) -> None:
    """Random train ids and confidences where a config reads some, as `tools/pseudo_label.py` writes them."""
    num_classes = cfg.model.get('segmentor', cfg.model).get('decode_head', {}).get('num_classes', 19)
    for _, dataset in config_dicts(cfg.train_dataloader):
        labels = Path(dataset.get('pseudo_label_root', '/'))
        if dataset.get('type') == 'PseudoLabeledDataset' and not (labels / 'index.json').exists():
            write_labels_of(dataset, labels, num_classes)
        if 'answers_root' in dataset:
            write_answers(dataset, Path(dataset['answers_root']), num_classes)


def write_answers(dataset: dict, folder: Path, num_classes: int) -> None:
    """Random train ids for a part of each image, as a round of active labelling has them."""
    root = str(Path(dataset.get('data_root') or '', dataset['data_prefix']['img_path']))
    listed = Path(dataset.get('data_root') or '', dataset.get('ann_file') or 'none')
    names = [f'{name}{dataset["img_suffix"]}' for name in listed.read_text().split()] if listed.is_file() else None
    for image in [Path(root, name) for name in names] if names else Path(root).rglob(f'*{dataset["img_suffix"]}'):
        height, width = cv2.imread(str(image)).shape[:2]
        label = blocks(np.random.default_rng(0), num_classes, (width, height))
        label[::3] = 255
        write_image(folder / 'labels' / mirrored_path(str(image), root), label)
    metainfo = dataset['metainfo']
    classes = (DATASETS.get(metainfo).METAINFO if isinstance(metainfo, str) else metainfo)['classes']
    (folder / 'selection.json').write_text(json.dumps(dict(classes=list(classes))))


def write_labels_of(dataset: dict, labels: Path, num_classes: int) -> None:
    rng = np.random.default_rng(0)
    root = str(Path(dataset.get('data_root') or '', dataset['data_prefix']['img_path']))
    images = list(Path(root).rglob(f'*{dataset["img_suffix"]}'))
    assert images, root
    for image in images:
        name = mirrored_path(str(image), root)
        height, width = cv2.imread(str(image)).shape[:2]
        write_image(labels / name, blocks(rng, num_classes, (width, height)))
        write_image(labels / confidence_path(name), blocks(rng, 256, (width, height)))
    metainfo = dataset['metainfo']
    classes = (DATASETS.get(metainfo).METAINFO if isinstance(metainfo, str) else metainfo)['classes']
    index = dict(teacher=dict(checkpoint='none'), classes=list(classes), num_images=len(images),
                 confidence_histogram=dict.fromkeys(classes, [1] * 256))
    (labels / 'index.json').write_text(json.dumps(index))


def fit_to_small_data(cfg: Config, root: Path) -> Config:
    """One labelled image in place of each label budget, weights that exist, and pseudo-labels; in place."""
    for part in (cfg.train_dataloader, cfg.val_dataloader, cfg.model):
        for _, entry in config_dicts(part):
            if entry.get('type') == 'LabelBudgetDataset':
                entry.update(n=1, list_dir=str(root / 'splits'))
            if entry.get('type') == 'RareClassOrder':  # few scenes do not have every class
                entry.update(classes=[0], min_pixels=1, min_crop_pixels=0)
            checkpoint = entry.get('checkpoint')
            if checkpoint and '://' not in checkpoint and not Path(checkpoint).exists():
                entry['checkpoint'] = str(root / 'weights.pth')
    write_pseudo_labels(cfg)
    return cfg


def shrink(cfg: Config, root: Path) -> Config:
    """Images of 128x64 and few layers in place of those that a config describes, in place."""
    # discriminators at several scales, or on the heads' small maps, need larger images
    large = 'MultiScaleDiscriminator' in str(cfg.model) or not cfg.model.get('upsample_maps', True)
    size = (256, 128) if large else (128, 64)
    if cfg.model.type == 'DomainCycleGAN':
        make_translator_small(cfg, root)
    if cfg.model.type != 'DomainCycleGAN' or 'carla' not in str(cfg.train_dataloader):  # whose images are small already
        for part in (cfg.train_dataloader, cfg.val_dataloader, cfg.get('translate_dataloader'), cfg.model):
            shrink_images(part, *size)
    shrink_model(cfg)
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    evaluation = cfg.val_dataloader or cfg.translate_dataloader
    evaluation.update(batch_size=1, num_workers=0, persistent_workers=False)
    return cfg


def shrink_model(cfg: Config) -> None:
    """Few layers and channels, in place."""
    shrink_resnet(cfg)
    shrink_mobilenet(cfg)
    for _, part in config_dicts(cfg.model):
        if part.get('type') in ('FCNHead', 'PSPHead', 'SegformerHead'):
            part['channels'] = 16
        if part.get('type') == 'FCNHead' and part['in_channels'] in (160, 320):  # the auxiliary one of SegFormer
            part['in_channels'] = 4
        if part.get('type') == 'SegNet':
            part.update(channels=(4, 4, 8, 8, 8), num_convs=(2, 1, 1, 1, 1))
        if part.get('type') == 'SegNetHead':
            part['in_channels'] = 4
        if part.get('type') == 'SegformerHead':
            part['in_channels'] = [4, 4, 4, 4]
        if part.get('type') == 'DepthwiseSeparableASPPHead':
            part.update(channels=8, c1_channels=8)
        if part.get('type') == 'MixVisionTransformer':
            part.update(embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1])
        if part.get('type') == 'DAFormerHead':
            part.update(in_channels=[4, 4, 4, 4], channels=8, embed_channels=8)
        if 'detail_size' in part:
            part['detail_size'] = (32, 64)
        if part.get('type') == 'TimmVisionTransformer':
            part.update(model_kwargs=dict(embed_dim=16, depth=2, num_heads=2, img_size=28))
        if part.get('type') == 'VFMUDAHead':
            part['in_channels'] = 16
        if part.get('margins'):
            part['margins'] = dict(top=1, bottom=8)
        if part.get('type') == 'SureShareLabeling':  # with an untrained teacher, the target would have no loss
            part['threshold'] = 0.0
        if part.get('type') == 'MaskedConsistencyTerm' and part.get('mask') != 'tokens':
            part['block_size'] = 8
        if part.get('type') == 'MultiLevelDiscriminator':
            part['discriminator'] = {'type': 'FCDiscriminator', **part.get('discriminator', {}), 'base_channels': 8}


def shrink_resnet(cfg: Config) -> None:
    """A quarter of ResNet-18 for larger ones; its stages have a quarter of the channels of ResNet-50 and ResNet-101."""
    large = dict(in_channels=(1024, 2048), c1_in_channels=(256, ))
    for _, part in config_dicts(cfg.model):
        if part.get('depth') in (50, 101):
            part.update(depth=18, base_channels=16, stem_channels=16)
        for key in ('in_channels', 'c1_in_channels'):
            if part.get(key) in large[key]:
                part[key] //= 16


def shrink_mobilenet(cfg: Config) -> None:
    """An eighth of the channels, which stay multiples of 8, where heads take the fifth and the last stage."""
    parts = [part for _, part in config_dicts(cfg.model)]
    for part in parts if any(part.get('type') == 'MobileNetV2' for part in parts) else []:
        if part.get('type') == 'MobileNetV2':
            part['widen_factor'] = 0.125
        if part.get('type') == 'ASPPHead':
            part['channels'] = 16
        if part.get('in_channels') in (96, 320):
            part['in_channels'] = {96: 16, 320: 40}[part['in_channels']]


def shrink_images(cfg: Any, width: int, height: int) -> None:
    for part in dicts_in(cfg):
        for key in ('scale', 'crop_size'):
            if isinstance(part.get(key), tuple):
                part[key] = (width, height) if key == 'scale' else (height, width)
        if 'size' in part and part.get('type', '').endswith('PreProcessor'):
            part['size'] = (height, width)
        elif 'size' in part and part.get('type') == 'Pad':
            part['size'] = (width, height)


def dicts_in(cfg: Any) -> Iterator[dict]:
    return (part for _, part in config_dicts(cfg))


def make_translator_small(cfg: Config, root: Path) -> None:
    """Few channels and one block, and a small network in place of the segmentor of CyCADA."""
    cfg.model.generator.update(base_channels=4, num_blocks=1)
    cfg.model.discriminator.update(base_channels=4, num_conv=1)
    if 'semantic_consistency' in cfg.model:
        assert (ROOT / cfg.model.semantic_consistency.config).exists()
        segmentor = deeplabv2()
        segmentor['decode_head']['num_classes'] = segmentor['auxiliary_head']['num_classes'] = 19
        torch.save(MODELS.build(segmentor).state_dict(), root / 'segmentor.pth')
        cfg.model.semantic_consistency.update(config=dict(model=segmentor), checkpoint=str(root / 'segmentor.pth'))
