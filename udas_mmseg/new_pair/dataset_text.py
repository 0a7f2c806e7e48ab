"""The text of a pair's data set config."""
import os.path as osp
from typing import Any, Dict, Iterable, List, Optional, Sequence

from ..datasets.image_files import STORED
from ..datasets.label_maps import IGNORE
from ..datasets.label_scan import IDS, Value
from .class_map import Classes
from .folders import Folder
from .names import format_value
from .plan import PRESETS, Plan

_WIDTH = 116  # columns

_TRAINING = '''
# scaled, cropped to the size of all training images, and flipped
weak = dict(type='SegWeakAugment', crop_size=crop, scale_range=(1.0, 1.5), flip_prob=0.5)
colors = dict(type='PhotoMetricDistortion')
pack = dict(type='PackSegInputs')
source_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    label_map=source_label_map,{source_channel}
    data_prefix=dict(img_path=source_img_dir, seg_map_path=source_seg_dir),{source_list}
    img_suffix={source_suffix!r},
    seg_map_suffix={source_seg_suffix!r},
    pipeline=[load_source, dict(type='LoadLabelIds'), resize_source, weak, colors, pack])
target_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    data_prefix=dict(img_path=target_img_dir),{target_list}
    img_suffix={target_suffix!r},
    pipeline=[load_target, resize_target, weak, colors, pack])
# whole images without augmentation or labels: for batch norm, pictures and translation
source_images = dict(
    source_train,
    label_map=None,
    data_prefix=dict(img_path=source_img_dir),
    pipeline=[load_source, resize_source, pack])
target_images = dict(target_train, pipeline=[load_target, resize_target, pack])
# target images with the labels of a teacher, strongly augmented; self_training.py fills in the folder
pseudo_labeled_train = dict(
    target_train,
    type='PseudoLabeledDataset',
    pipeline=[
        load_target,
        dict(type='LoadPseudoLabel', threshold=0.6), resize_target, weak,
        dict(type='SegAutoAugment', policy='imagenet'), pack
    ])
'''

_LABELED = '''
# target images with labels, mixed into those of the source (docs/mixing.md)
labeled_target_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    label_map=labeled_label_map,{labeled_channel}
    data_prefix=dict(img_path=labeled_img_dir, seg_map_path=labeled_seg_dir),{labeled_list}
    img_suffix={labeled_suffix!r},
    seg_map_suffix={labeled_seg_suffix!r},
    pipeline=[{load}, dict(type='LoadLabelIds'), resize_target, weak])
mixed_train = dict(
    type='DomainMixDataset',
    dataset=dict(source_train, pipeline=source_train['pipeline'][:-2]),
    target=labeled_target_train,
    pipeline=[dict(type='DomainCutMix', alpha=1.0), colors, pack])
'''

_LOADER = '''
train_dataloader = dict(
    batch_size={batch_size},
    num_workers={workers},
    persistent_workers=True,
    sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', source=source_train, target=target_train))
'''

_VAL = '''# the label is read after the resize, so that predictions are scored at its size
test_pipeline = [{load}, resize_target, dict(type='LoadLabelIds'), pack]
target_val = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    label_map=val_label_map,{val_channel}
    data_prefix=dict(img_path=val_img_dir, seg_map_path=val_seg_dir),{val_list}
    img_suffix={val_suffix!r},
    seg_map_suffix={val_seg_suffix!r},
    test_mode=True,
    pipeline=test_pipeline)
val_dataloader = dict(
    batch_size=1,
    num_workers={workers},
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=target_val)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
'''

_NO_VAL = '''# no labelled target images were given: nothing is scored
test_pipeline = [load_target, resize_target, pack]
'''


def dataset_text(plan: Plan) -> str:
    """Return the data set config of a pair."""
    parts = [_head(plan), _class_text(plan.classes), _maps(plan), _sizes(plan)]
    settings = _settings(plan)
    parts.append(_TRAINING.format(**settings))
    if plan.labeled:
        parts.append(_LABELED.format(load=_load(plan.labeled), **settings))
    parts.append(_LOADER.format(**settings))
    parts.append(_VAL.format(load=_load(plan.val), **settings) if plan.val else _NO_VAL)
    return ''.join(parts)


def _head(plan: Plan) -> str:
    lines = ['# The data of this pair: folders, classes, label maps and sizes. Written by tools/new_pair.py, which',
             '# does not read it again: edit it freely. The folders are absolute, so that commands work anywhere.']
    for prefix, folder in _prefixes(plan):
        lines.append(f'{prefix}_img_dir = {folder.images!r}')
        if folder.labels:
            lines.append(f'{prefix}_seg_dir = {folder.labels!r}')
    return '\n'.join(lines) + '\n'


def _prefixes(plan: Plan) -> List[Any]:
    """Return the prefix of the names in the config for each folder."""
    named = [('source', plan.source), ('target', plan.target), ('labeled', plan.labeled), ('val', plan.val)]
    return [(prefix, folder) for prefix, folder in named if folder is not None]


def _class_text(classes: Classes) -> str:
    palette = [str(list(color)) for color in classes.palette]
    return (f'metainfo = dict(\n    classes=({_wrap(map(repr, classes.names), 13)}),\n'
            f'    palette=[{_wrap(palette, 13)}])\n')


def _maps(plan: Plan) -> str:
    """Return the label maps, each with what was found in the files."""
    text = '# id or colour (red, green, blue) in the label files -> number of the class; 255 is ignored\n'
    found = dict(source=plan.classes.source_map, labeled=plan.maps.get('labeled_target'), val=plan.maps.get('val'))
    for prefix, folder in _prefixes(plan):
        label_map = found.get(prefix)
        if label_map is not None:
            text += _shares(folder, label_map, plan.classes)
            entries = [f'{value}: {train}' for value, train in label_map.items()]
            text += f'{prefix}_label_map = {{{_wrap(entries, 4, first=len(prefix) + 14)}}}\n'
    return text


def _shares(folder: Folder, label_map: Dict[Value, int], classes: Classes) -> str:
    """Return a comment with the share of each id or colour."""
    assert folder.scan is not None
    names = {number: name for number, name in enumerate(classes.names)}
    parts = [f'{format_value(value)} {names.get(train, "ignored")} {100 * folder.scan.share(value):.1f} %'
             for value, train in label_map.items()]
    return f'# {folder.title}: ' + _wrap(parts, 2, first=4 + len(folder.title), start='# ') + '\n'


def _sizes(plan: Plan) -> str:
    (width, height), (source, target) = plan.sizes.crop, plan.sizes.scales
    lines = [f'crop = ({height}, {width})  # height, width of all training images']
    for prefix, folder, scale in (('source', plan.source, source), ('target', plan.target, target)):
        lines.append(f'load_{prefix} = {_load_dict(folder)}')
        lines.append(f"resize_{prefix} = dict(type='AntialiasedResize', scale={scale}, keep_ratio=True)")
    return '\n'.join(lines) + '\n'


def _load_dict(folder: Folder) -> str:
    stored = f', color_type={STORED!r}' if folder.color_type == STORED else ''
    return f"dict(type='LoadVerifiedImage'{stored})"


def _load(folder: Folder) -> str:
    """Return how labelled target images are loaded: like the others, unless their labels need another reading."""
    return _load_dict(folder) if folder.color_type == STORED else 'load_target'


def _settings(plan: Plan) -> Dict[str, Any]:
    preset = PRESETS[plan.preset]
    settings: Dict[str, Any] = dict(batch_size=preset.batch_size, workers=preset.workers)
    for prefix, folder in _prefixes(plan):
        channel = folder.scan.channel if folder.scan else None
        settings.update({
            f'{prefix}_suffix': folder.img_suffix,
            f'{prefix}_seg_suffix': folder.seg_suffix,
            f'{prefix}_channel': f'\n    label_channel={channel!r},' if channel else '',
            f'{prefix}_list': f'\n    ann_file={list_path(plan, folder)!r},' if folder.is_listed else ''})
    return settings


def list_path(plan: Plan, folder: Folder) -> str:
    """Return the path of the list of the images to use, for a folder of which some are left out."""
    return osp.join(plan.out, f'{folder.title}.txt')


def _wrap(parts: Iterable[str], indent: int, first: int = 0, start: str = '') -> str:
    """Join parts with commas, and break lines."""
    lines: List[str] = []
    line, width = '', first or indent
    for part in parts:
        if line and width + len(line) + len(part) + 2 > _WIDTH:
            lines.append(line + ',')
            line, width = '', indent
        line += (', ' if line else '') + part
    joined = '\n' + (start or ' ' * indent)
    return joined.join([*lines, line])


def class_lines(folder: Folder, label_map: Optional[Dict[Value, int]] = None, classes: Sequence[str] = ()) -> List[str]:
    """Return a table of the ids or colours of a folder: share, class if known, and the file with most pixels of it."""
    assert folder.scan is not None
    rows = [['id' if folder.scan.form == IDS else 'colour', 'share', 'class', 'most in']]
    for value in folder.scan.pixels:
        train = (label_map or {}).get(value, IGNORE)
        rows.append([format_value(value), f'{100 * folder.scan.share(value):.2f} %',
                     classes[train] if train != IGNORE else 'ignored',
                     osp.relpath(folder.scan.examples[value], folder.labels)])
    if label_map is None:
        rows = [[*row[:2], row[3]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['    ' + '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


