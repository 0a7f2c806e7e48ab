"""Compare a config with the files on disk before a run starts."""
import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from ..utils.config_dicts import config_dicts
from ..utils.indices import spread_evenly
from .branches import BRANCHES
from .cache import check_caches
from .class_ids import check_class_ids
from .image_files import SampleError
from .image_folders import describe_kinds, extended_names, left_out, no_images, other_images
from .image_groups import check_evaluator, metrics_with_groups
from .label_budget import build_label_budget_dataset
from .label_colors import is_color_map
from .label_fit import count_raw_ids, fitting_maps
from .label_mapped import LabelMappedDataset, check_folders
from .label_maps import LabelMapError
from .list_files import NO_LABELS, check_listed_files, refuse_clutter, refuse_unreadable_lines
from .pipeline_order import check_order
from .sample_scan import SampleScan
from .scan_comparison import compare_scans
from .transforms.loading import LabelLoader, LoadLabelIds
from .transforms.teacher_view import TEACHER_IMAGE
from .translated import first_names, original_path

NUM_SCANNED = 8  # samples of each data set
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_WRAPPED = ('dataset', 'datasets')  # argument names of MMEngine's wrappers


def check_config(cfg: Dict[str, Any], num_scanned: Optional[int] = NUM_SCANNED) -> List[str]:
    """Check every data set of a config, and the model's classes and pretrained weights.

    The following is checked: folders and files exist; images have labels; some labels, evenly spaced in the data set,
    have known ids and the size of their images, and are not ignored as a whole; pipelines load labels at the right
    place; every head has the number of classes of the data; files of weights exist; groups of metrics fit the images.

    Args:
        cfg (Config | dict): An MMSegmentation config.
        num_scanned (int, optional): Number of samples of each data set to read, evenly spaced; None for all. Defaults
            to 8.

    Returns:
        list[str]: A line about each data set, followed by indented lines about the samples that were read.

    Raises:
        ValueError: listing all mistakes.
    """
    lines: List[str] = []
    problems: List[str] = []
    seen: List[dict] = []
    scans: Dict[str, SampleScan] = {}
    for path, checkpoint in _entries(cfg.get('model') or {}, 'checkpoint'):
        if isinstance(checkpoint, str) and '://' not in checkpoint and not osp.isfile(checkpoint):
            problems.append(f'{path}={checkpoint!r} does not exist. Copy the weights there, or set it to where they '
                            'are.')
    for loader in LOADERS:
        dataset_cfgs = _leaf_datasets((cfg.get(loader) or {}).get('dataset'), f'{loader}.dataset')
        for place, dataset_cfg, max_broken in dataset_cfgs:
            if dataset_cfg in seen:
                continue
            seen.append(dataset_cfg)
            try:
                dataset = _open_dataset(dataset_cfg, cfg.get('model') or {})
                if dataset is None:
                    lines.append(f'{place}: {dataset_cfg["type"]}, not checked')
                    continue
                check_order(dataset.pipeline, loader != 'train_dataloader')
                summary, scans[place] = _scan(dataset, num_scanned, max_broken)
                lines += [f'{place}: {summary}', *_notes(dataset), *scans[place].lines()]
            except (OSError, ValueError, TypeError, AssertionError) as error:
                problems.append(f'{place}: {error}')
    lines += compare_scans(scans)
    problems += [*_check_teacher(cfg), *check_caches(cfg.get('train_dataloader'), 'train_dataloader')]
    lines += [] if problems else _check_groups(cfg, problems)
    if problems:
        raise ValueError('the config does not fit the data:\n- ' + '\n- '.join(problems))
    return lines


def _check_groups(cfg: Dict[str, Any], problems: List[str]) -> List[str]:
    """Check the groups of images of the metrics: a line about each metric; adds to the problems."""
    lines = []
    for loader in LOADERS[1:]:
        key = loader.replace('dataloader', 'evaluator')
        if not metrics_with_groups(cfg.get(key)):
            continue
        leaves = _leaf_datasets((cfg.get(loader) or {}).get('dataset'), loader)
        datasets = [_open_dataset(dataset_cfg, {}) for _, dataset_cfg, _ in leaves]
        paths = [info['img_path'] for dataset in datasets if dataset is not None for info in dataset.data_list]
        try:
            lines += [] if None in datasets else check_evaluator(cfg[key], paths, key)
        except ValueError as error:
            problems.append(str(error))
    return lines


def _check_teacher(cfg: Dict[str, Any]) -> List[str]:
    """Find mistakes without an error in training: a teacher that is never updated, or gets the student's input."""
    problems = []
    hooks = [hook.get('type') for hook in cfg.get('custom_hooks') or [] if isinstance(hook, dict)]
    if (cfg.get('model') or {}).get('ema_teacher') is not None and 'EMATeacherHook' not in hooks:
        problems.append('model.ema_teacher is set, but nothing updates the teacher. Add dict(type="EMATeacherHook") to '
                        'custom_hooks.')
    for path, pipeline in _entries((cfg.get('train_dataloader') or {}).get('dataset'), 'pipeline', 'train_dataloader'):
        steps = {step['type']: step for step in pipeline if isinstance(step, dict)}
        if 'KeepTeacherView' in steps and TEACHER_IMAGE not in steps.get('PackSegInputs', {}).get('meta_keys', ()):
            problems.append(f'{path}: KeepTeacherView adds {TEACHER_IMAGE!r}, but PackSegInputs does not keep it. Set '
                            f'PackSegInputs.meta_keys=("img_path", "ori_shape", "img_shape", "{TEACHER_IMAGE}").')
    return problems


def _leaf_datasets(cfg: Any, place: str, max_broken: int = 0) -> Iterator[Tuple[str, dict, int]]:
    """Iterate over the configs of data sets that read files, with their keys and the `max_broken` of their streams."""
    if isinstance(cfg, (list, tuple)):
        for number, item in enumerate(cfg):
            yield from _leaf_datasets(item, f'{place}[{number}]', max_broken)
    elif isinstance(cfg, dict):
        max_broken = cfg.get('max_broken', max_broken)
        # a budget is checked as what it makes of the data set in it
        wrapped = [] if _is_budget(cfg) else [key for key, value in cfg.items() if _is_wrapped(key, value)]
        for key in wrapped:
            yield from _leaf_datasets(cfg[key], f'{place}.{key}', max_broken)
        if not wrapped:
            yield place, cfg, max_broken


def _is_wrapped(key: str, value: Any) -> bool:
    """Whether an entry of a data set's config holds one or several data sets.

    A branch does even if its type is unknown, so that the summary names it; any other entry does by its type.
    """
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(_is_wrapped(key, item) for item in value)
    return isinstance(value, dict) and (key in _WRAPPED or key in BRANCHES or _kind_of(value) is not None)


def _kind_of(cfg: dict) -> Any:
    """The class or function that a data set's config names, or None."""
    kind = cfg.get('type')
    return DATASETS.get(kind) if isinstance(kind, str) else kind


def _open_dataset(cfg: dict, model: dict) -> Optional[BaseDataset]:
    """Build a data set, and check its files and classes; None if it is not one of MMEngine's."""
    kind = _kind_of(cfg)
    if not (_is_budget(cfg) or (isinstance(kind, type) and issubclass(kind, BaseDataset))):
        return None
    # not serialized, because MMEngine cannot serialize an empty list
    lazy = dict(lazy_init=True, serialize_data=False)
    try:
        dataset = DATASETS.build(_with_inner(cfg, lazy) if _is_budget(cfg) else {**cfg, **lazy})
    except AssertionError:  # without a message: PascalVOCDataset checks its files so
        inner = cfg['dataset'] if _is_budget(cfg) else cfg
        root, listed = inner.get('data_root') or '', inner.get('ann_file')
        check_folders([osp.join(root, path) for path in inner['data_prefix'].values()],
                      osp.join(root, listed) if listed else '')
        raise
    prefix = dataset.data_prefix
    folders = [prefix[key] for key in ('img_path', 'seg_map_path') if prefix.get(key) is not None]
    is_local = getattr(dataset, 'backend_args', None) is None
    is_mmsegs = isinstance(dataset, BaseSegDataset) and is_local and not isinstance(dataset, LabelMappedDataset)
    if is_local:
        check_folders(folders, dataset.ann_file)
    if is_mmsegs and osp.isfile(dataset.ann_file):
        refuse_unreadable_lines(dataset)
    dataset.full_init()
    if len(dataset) == 0:
        raise ValueError(f'the list {dataset.ann_file} is empty. {NO_LABELS}' if dataset.ann_file else
                         no_images(folders[0], getattr(dataset, 'img_suffix', '')))
    if is_mmsegs and not dataset.ann_file:
        refuse_clutter(dataset)
    if isinstance(dataset, BaseSegDataset) and dataset.ann_file and is_local:
        check_listed_files(dataset)
    _check_num_classes(dataset, model)
    return dataset


def _check_num_classes(dataset: BaseDataset, model: dict) -> None:
    """Check that every head of the model has the classes of a data set."""
    name, classes = type(dataset).__name__, tuple(dataset.metainfo.get('classes') or ())
    for path, count in _entries(model, 'num_classes'):
        if not classes:
            raise ValueError(f'{name} has no classes, but {path}={count}. Set `metainfo` of this data set to that of '
                             "the labelled one: metainfo=dict(classes=('road', ...), palette=[...]).")
        if count != len(classes):
            raise ValueError(f'{path}={count}, but {name} has {len(classes)} classes {classes}. Set '
                             f'{path}={len(classes)}, or correct `metainfo.classes`.')


def _scan(dataset: BaseDataset, num_scanned: Optional[int], max_broken: int) -> Tuple[str, SampleScan]:
    """Read some samples; a description of the data set, and what was found."""
    loaders = [step for step in dataset.pipeline.transforms if type(step).__name__.startswith('Load')]
    classes = tuple(dataset.metainfo.get('classes') or ())
    resizes = any('Resize' in type(step).__name__ for step in dataset.pipeline.transforms)
    scan = SampleScan(classes, loaders, resizes)
    count = len(dataset)
    indices = spread_evenly(count, count if num_scanned is None else num_scanned, True)
    for index in indices:
        try:
            scan.add(_load_sample(dataset.get_data_info(index), loaders, len(classes)))
        except SampleError as error:
            scan.broken.append(str(error))
            if len(scan.broken) > max_broken:
                raise
    if len(scan.broken) == len(indices):  # not just a few bad files; a stream would only fail at its limit
        raise ValueError(f'all {len(indices)} samples that were read are broken (max_broken={max_broken}). The first: '
                         f'{scan.broken[0]}')
    found = f'{len(indices) - len(scan.broken)} of {len(indices)} found good' if scan.broken else 'and found good'
    labeled = 'unlabelled images'
    if 'seg_map_path' in dataset.get_data_info(0):
        reads = any(isinstance(load, (LabelLoader, LoadAnnotations)) for load in loaders)
        labeled = 'labelled images' if reads else 'images whose labels are not read'
    return f'{type(dataset).__name__}, {count} {labeled}{_translated(dataset)}, {len(indices)} read {found}', scan


def _notes(dataset: BaseDataset) -> List[str]:
    """Describe images in the folder of a data set that its suffix leaves out, and labels that it takes for images."""
    prefix, suffix = dataset.data_prefix, getattr(dataset, 'img_suffix', '')
    folder = prefix.get('img_path')
    if getattr(dataset, 'backend_args', None) is not None or dataset.ann_file or not folder or not suffix:
        return []
    # labels may be stored beside their images
    is_labeled = prefix.get('seg_map_path') is not None
    there = other_images(folder, (suffix, dataset.seg_map_suffix) if is_labeled else (suffix, ))
    notes = []
    hidden = left_out(folder, suffix)
    if hidden:
        notes.append(f'  left out: {len(hidden)} hidden files and files of other programs in {folder}: '
                     f'{first_names(hidden)}')
    if there:
        notes.append(f'  warning: img_suffix={suffix!r} leaves out {describe_kinds(there)} in {folder}. To use them, '
                     f'rename them, or add a second data set with img_suffix={next(iter(there))!r}')
    names = [original_path(info)[:-len(suffix)] for info in dataset.data_list]
    labels = extended_names(names, names)
    if 4 * len(labels) >= len(names):
        notes.append(f'  warning: {len(labels)} of {len(names)} images are named like another one with a word added, '
                     f'such as {osp.basename(labels[0] + suffix)!r}. If these are labels, move them to a folder of '
                     'their own, or list the images in `ann_file`')
    return notes


def _with_inner(cfg: dict, changes: dict) -> dict:
    """Return a config with changes to the data set in its budget, if it has one."""
    return {**cfg, 'dataset': {**cfg['dataset'], **changes}} if isinstance(cfg.get('dataset'), dict) else cfg


def _is_budget(cfg: dict) -> bool:
    return _kind_of(cfg) is build_label_budget_dataset


def _translated(dataset: BaseDataset) -> str:
    """Describe how many images of a data set are translated, if it has translations."""
    if getattr(dataset, 'translated_root', None) is None:
        return ''
    count = sum(bool(info.get('is_translated')) for info in dataset.data_list)
    return f' ({count} translated)'


def _load_sample(info: dict, loaders: Sequence, num_classes: int) -> dict:
    """Load a sample as in training, and check the ids of its label."""
    label_path = info.get('seg_map_path')
    if label_path is not None and not osp.exists(label_path):
        raise FileNotFoundError(f'{info["img_path"]} has no label: {label_path} does not exist. Check '
                                '`seg_map_suffix` and `data_prefix`.')
    for load in loaders:
        try:
            info = load(info)
        except LabelMapError as error:
            raise ValueError(f'{error}{_fitting_maps(info, load, num_classes)}') from error
        if info is None:
            raise ValueError(f'{type(load).__name__} could not load a sample.')
    if 'gt_seg_map' in info and num_classes:
        check_class_ids(info['gt_seg_map'], num_classes, label_path or 'a label')
    return info


def _fitting_maps(info: dict, load: LoadLabelIds, num_classes: int) -> str:
    """Propose a map for a label that has an id outside its map; '' for colours."""
    if is_color_map(load.effective_map(info)):
        return ''
    label = dict(info, label_channel=load.label_channel or info.get('label_channel'))
    return fitting_maps(count_raw_ids([label], load.backend_args), num_classes)


def _entries(cfg: Any, wanted: str, path: str = 'model') -> Iterator[Tuple[str, Any]]:
    """Iterate over all entries with a name in a config, with their dotted keys."""
    return ((f'{place}.{wanted}', part[wanted]) for place, part in config_dicts(cfg, path) if wanted in part)
