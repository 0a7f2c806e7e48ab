"""A folder in which the commands of the documentation run for real: generated data, and small versions of configs."""
import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, List

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from config_data import fit_to_small_data, shrink
from page_commands import ROOT
from predicting_images import write_video
from small_data import write_demo_data, write_image
from udas_mmseg.engine.launch import load_config
from udas_mmseg.utils.config_dicts import config_dicts

ITERATIONS = 2
# after two iterations no model is sure of anything, and any student is good enough
EASY: Dict[str, Any] = dict(
    rounds=1, label=dict(temperature=0.001, min_coverage=0, max_class_share=1, batch_size=2, workers=0),
    export=dict(num_images=1))


def write_project(root: Path, configs: Iterable[str]) -> None:
    """Write data as the pages name them, and small versions of configs with their names in the repository."""
    for folder in ('data', 'data/demo'):
        write_demo_data(root / folder, 12, 2)
    shutil.copytree(root / 'data/gta5/images', root / 'data/gta5_translated')
    write_own_data(root)
    names = {*configs}
    for name in configs:
        names.update(stages_of(name).values())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in sorted(names):
            write_small(name, root)


def stages_of(name: str) -> Dict[str, str]:
    """The configs of the stages that a config has, by stage."""
    parts = Config.fromfile(ROOT / name).get('self_training', {})
    return {key: os.path.relpath(part['config'], ROOT) for key, part in parts.items()
            if isinstance(part, dict) and 'config' in part}


def write_small(name: str, root: Path) -> None:
    """Write a config that trains a small network on small images for two iterations."""
    cfg = Config.fromfile(ROOT / name)
    if 'self_training' in cfg:
        for key, config in stages_of(name).items():
            cfg.self_training[key].config = config
        cfg.merge_from_dict(dict(self_training=EASY))
        if 'translate' in cfg.self_training:
            cfg.self_training.translate.size = (128, 64)
    else:
        fit_to_small_data(shrink(cfg, root), root)
        cfg.train_cfg.update(max_iters=ITERATIONS, val_interval=ITERATIONS)
        cfg.default_hooks.checkpoint.interval = ITERATIONS
        for _, part in config_dicts(cfg.model):
            part.pop('init_cfg', None)
        cfg.load_from = None
    if 'budget' in cfg:
        cfg.budget = 1
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cfg.dump(path)


def write_checkpoint(name: str, root: Path) -> None:
    """Write a checkpoint with random weights, where a training of the config would write its last one."""
    model = MODELS.build(load_config(str(root / name)).model)
    path = root / checkpoint_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=ITERATIONS), message_hub=dict()), path)


def checkpoint_of(name: str) -> str:
    return f'work_dirs/{name[len("configs/"):-len(".py")]}/iter_{ITERATIONS}.pth'


def write_own_data(root: Path) -> None:
    """Folders of a simulator and of a camera, photos, a video, and files of annotation tools."""
    for number, image in enumerate(sorted((root / 'data/gta5/images').glob('*.png'))):
        copy(image, root / f'SIM/images/{number}.png', root / f'images/{number}.png')
        copy(root / 'data/gta5/labels' / image.name, root / f'SIM/labels/{number}.png')
    for path in (root / 'data/cityscapes/leftImg8bit/train').rglob('*.png'):
        copy(path, root / 'CAMERA/images' / path.name, root / f'data/camvid/images/train/{path.stem}.jpg')
    for path in (root / 'data/cityscapes/leftImg8bit/val').rglob('*.png'):
        copy(path, root / 'photos' / path.name)
    write_video(root / 'drive.mp4')
    write_annotations(root, [f'{number}.png' for number in range(12)])


def write_annotations(root: Path, names: List[str]) -> None:
    """The images of `images/` in the formats of annotation tools: a road below, and a car on it."""
    boxes = [(1, [0, 32, 128, 64]), (2, [40, 40, 80, 60])]
    images = [dict(id=number, file_name=name, width=128, height=64) for number, name in enumerate(names)]
    segments = [(image['id'], category, [[left, top, right, top, right, bottom, left, bottom]])
                for image in images for category, (left, top, right, bottom) in boxes]
    coco = dict(images=images, categories=[dict(id=1, name='road'), dict(id=2, name='car')], annotations=[
        dict(id=number, image_id=image, category_id=category, segmentation=shape, iscrowd=0)
        for number, (image, category, shape) in enumerate(segments)])  # yapf: disable
    for name in ('instances', 'coco', 'coco/annotations', 'coco/annotations/instances_annotations'):
        path = root / f'{name}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(coco))
    shutil.copytree(root / 'images', root / 'coco', dirs_exist_ok=True)
    shown = np.zeros((64, 128, 3), np.uint8)
    for category, (left, top, right, bottom) in boxes:
        shown[top:bottom, left:right, 2] = category  # the id of a segment is in red
    infos = [dict(id=category, category_id=category, iscrowd=0) for category, _ in boxes]
    panoptic = dict(coco, annotations=[dict(image_id=image['id'], file_name=image['file_name'], segments_info=infos)
                                       for image in images])
    (root / 'panoptic.json').write_text(json.dumps(panoptic))
    for name in names:
        write_image(root / 'panoptic_pngs' / name, shown)
        write_image(root / 'export/SegmentationClass' / name, shown * 100)


def copy(path: Path, *copies: Path) -> None:
    for target in copies:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
