"""Converting the config and weights of a trained segmentor to plain MMSegmentation; `export_segmentor.py` writes them.

Each component of this package is replaced by a component of MMSegmentation that computes the same. A component without
such an equivalent is an error that names it. Components for training only (discriminators, losses, streams) are left
out.
"""
import inspect
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

import torch
from mmengine.config import Config
from mmseg.datasets import CityscapesDataset
from mmseg.models import EncoderDecoder
from mmseg.registry import DATASETS, METRICS, MODELS, TASK_UTILS, TRANSFORMS
from torch import Tensor

from ..datasets import LabelMappedDataset, LoadLabelIds, LoadVerifiedImage, resolve_label_map
from ..datasets.label_maps import PALETTE
from ..datasets.transforms import AntialiasedResize
from ..evaluation import SubsetIoUMetric
from ..models import (
    DAFormerHead,
    DeepLabV2Head,
    DomainDataPreProcessor,
    HRDAEncoderDecoder,
    SegNet,
    SegNetHead,
    TimmVisionTransformer,
    VFMUDAHead,
)
from ..models.predictor import predictor_config
from ..models.trained import segmentor_weights
from ..utils.config_dicts import config_dicts

_PACKAGE = __name__.split('.')[0]
# networks that MMSegmentation does not have: exported models import them from this package
_KEPT = (DAFormerHead, HRDAEncoderDecoder, SegNet, SegNetHead, TimmVisionTransformer, VFMUDAHead)
_RAW_IDS, _TRAIN_IDS = '_labelIds.png', '_labelTrainIds.png'  # suffixes of the label files of Cityscapes


class ExportedConfig(NamedTuple):
    """A config for plain MMSegmentation, and notes for its reader."""
    config: Dict[str, Any]
    notes: List[str]


def export_config(cfg: Config) -> ExportedConfig:
    """Convert a config to plain MMSegmentation.

    Args:
        cfg (Config): A config; it is not changed.

    Returns:
        ExportedConfig: Model, test pipeline and, if MMSegmentation has an equivalent, test data and metric. The
            `custom_imports` have this package if the model has one of its networks that MMSegmentation cannot express.

    Raises:
        ValueError: if there is no test pipeline, or a component of it or of the model has no equivalent.
    """
    notes: List[str] = []
    source = cfg.to_dict()
    if predictor_config(cfg)[0]['type'] in ('SegmentorMean', 'ClassifierMean'):
        raise ValueError("model.predict_with='mean': plain MMSegmentation has no segmentor that predicts the mean of "
                         "two networks or classifiers. Set model.predict_with='first' or 'second' to export one of "
                         'them.')
    loader = source.get('test_dataloader') or {}
    pipeline = loader.get('dataset', {}).get('pipeline') or source.get('test_pipeline')
    if not pipeline:
        raise ValueError('the config has neither test_dataloader.dataset.pipeline nor test_pipeline, so it is unknown '
                         'how images are loaded. Add `test_pipeline`, as in configs/_base_/datasets.')
    config: Dict[str, Any] = dict(
        default_scope='mmseg',
        model=_export_model(predictor_config(cfg)[0], notes),
        test_pipeline=[_export_step(step) for step in pipeline])
    components = list(_components(config))
    for path, kind in components:
        if _is_ours(kind) and kind not in _KEPT and not (path.startswith('model.') and _is_kept(config['model'])):
            raise ValueError(f'{path} is {kind.__name__}, which has no equivalent in MMSegmentation, so the model '
                             f'cannot be exported. Run it with {_PACKAGE} installed, or train with a component of '
                             'MMSegmentation instead.')
    packages = {kind.__module__.split('.')[0] for _, kind in components}
    imported = [_PACKAGE, *(source.get('custom_imports') or {}).get('imports', [])]
    imports = [name for name in dict.fromkeys(imported) if name.split('.')[0] in packages]
    if imports:
        config['custom_imports'] = dict(imports=imports, allow_failed_imports=False)
        notes.append(f'The model has components of {", ".join(imports)}, which must be installed.')
    if loader:
        config.update(_export_test(source, loader, pipeline, notes))
    return ExportedConfig(config, notes)


def export_state_dict(state_dict: Mapping[str, Tensor], cfg: Config) -> Dict[str, Tensor]:
    """Convert weights to those of the exported model.

    Args:
        state_dict (Mapping[str, Tensor]): Weights of the original model; only those of the segmentor are used.
        cfg (Config): Config of the original.

    Returns:
        dict[str, Tensor]: Weights for the model of `export_config`.
    """
    segmentor, prefix = predictor_config(cfg)
    weights = segmentor_weights(state_dict, prefix)
    if _is_kept(segmentor):
        return weights
    for place, head in _heads(segmentor):
        if MODELS.get(head['type']) is DeepLabV2Head:
            ours = [key for key in weights if key.startswith(f'{place}.convs.')]
            converted = export_deeplabv2_weights({key[len(place) + 1:]: weights.pop(key) for key in ours})
            weights.update({f'{place}.{key}': value for key, value in converted.items()})
    return weights


def export_deeplabv2_weights(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Convert a `DeepLabV2Head` to an `ASPPHead` with one channel for each class, without norm and activation.

    The dilated branches are copied. The image-pooling branch is zero, the 3x3 bottleneck adds the other branches at
    its centre tap, and `conv_seg` is the identity.

    Args:
        weights (Mapping[str, Tensor]): `convs.<i>.weight` (K, C, 3, 3) and `convs.<i>.bias` (K, ).

    Returns:
        dict[str, Tensor]: Weights of the `ASPPHead`, of the same dtype.
    """
    count = len(weights) // 2
    like = weights['convs.0.weight']
    classes, channels = like.shape[:2]
    identity = torch.eye(classes, dtype=like.dtype)
    bottleneck = like.new_zeros(classes, (count + 1) * classes, 3, 3)
    bottleneck[:, :, 1, 1] = torch.cat([torch.zeros_like(identity), *[identity] * count], dim=1)
    converted = {
        'image_pool.1.conv.weight': like.new_zeros(classes, channels, 1, 1),
        'bottleneck.conv.weight': bottleneck,
        'conv_seg.weight': identity[:, :, None, None].clone()
    }
    converted.update({key.replace('.weight', '.bias'): like.new_zeros(classes) for key in list(converted)})
    for number in range(count):
        for kind in ('weight', 'bias'):
            converted[f'aspp_modules.{number}.conv.{kind}'] = weights[f'convs.{number}.{kind}'].clone()
    return converted


def _export_model(segmentor: Dict[str, Any], notes: List[str]) -> Dict[str, Any]:
    model = {**_without_pretrained(segmentor), 'train_cfg': {}}
    weight = (model.get('test_cfg') or {}).get('aux_weight')
    if weight:
        raise ValueError(f'test_cfg.aux_weight={weight}: both heads predict, which no segmentor of MMSegmentation '
                         'does. Set aux_weight=0 to export the main head.')
    kind = MODELS.get(model['type'])
    if isinstance(kind, type) and issubclass(kind, EncoderDecoder) and _is_ours(kind) and kind not in _KEPT:
        accepted = inspect.signature(EncoderDecoder).parameters
        model = {'type': 'EncoderDecoder', **{key: value for key, value in model.items() if key in accepted}}
    preprocessor = model['data_preprocessor'] or {}
    if MODELS.get(preprocessor.get('type', '')) is DomainDataPreProcessor:
        preprocessor['type'] = 'SegDataPreProcessor'
        if preprocessor.get('size') is None and preprocessor.get('size_divisor') is None:
            preprocessor['size_divisor'] = 1  # for training only; MMSegmentation requires one of the two
    for place, head in _heads(model) if not _is_kept(model) else ():
        if any(_is_ours(loss) for _, loss in _components(head.get('loss_decode'))):
            del head['loss_decode']
            notes.append(f"{place} has MMSegmentation's default loss: it was trained with a loss of {_PACKAGE}.")
        if MODELS.get(head['type']) is DeepLabV2Head:
            _export_deeplabv2_head(place, head)
    return model


def _export_deeplabv2_head(place: str, head: Dict[str, Any]) -> None:
    defaults = inspect.signature(DeepLabV2Head).parameters
    dilations = tuple(head.get('dilations', defaults['dilations'].default))
    if 1 in dilations:
        raise ValueError(f'model.{place}.dilations={dilations}: a 3x3 convolution of dilation 1 has no equivalent in '
                         "MMSegmentation's ASPPHead, which uses a 1x1 convolution for dilation 1. Only heads with "
                         'larger dilations, such as (6, 12, 18, 24), can be exported.')
    head.pop('init_cfg', None)
    head.update(type='ASPPHead', dilations=dilations, channels=head.get('out_channels') or head['num_classes'],
                dropout_ratio=0, conv_cfg=None, norm_cfg=None, act_cfg=None)


def _export_step(step: Dict[str, Any]) -> Dict[str, Any]:
    kind = TRANSFORMS.get(step['type'])
    if kind is LoadVerifiedImage:
        return {**step, 'type': 'LoadImageFromFile'}
    if kind is LoadLabelIds:  # its label map is left out, see `_export_dataset`
        return {'type': 'LoadAnnotations', **{key: step[key] for key in ('backend_args', ) if key in step}}
    if kind is AntialiasedResize:  # whose values are Pillow's
        return {**step, 'type': 'Resize', 'backend': 'pillow', 'interpolation': 'bicubic'}
    return dict(step)


def _export_test(source: Dict[str, Any], loader: Dict[str, Any], pipeline: List[Dict[str, Any]],
                 notes: List[str]) -> Dict[str, Any]:
    dataset = _export_dataset(dict(loader['dataset']), pipeline, notes)
    if dataset is None:
        notes.append(f'The test data are left out: {loader["dataset"]["type"]} with these labels has no equivalent in '
                     'MMSegmentation.')
        return {}
    dataset['pipeline'] = [_export_step(step) for step in pipeline]
    metrics = source.get('test_evaluator') or dict(type='IoUMetric')
    metrics = [dict(metric) for metric in (metrics if isinstance(metrics, list) else [metrics])]
    for metric in metrics:
        if METRICS.get(metric['type']) is SubsetIoUMetric:
            metric['type'] = 'IoUMetric'
            left_out = [name for name in ('subsets', 'groups') if metric.pop(name, None)]
            if left_out:
                notes.append('test_evaluator gives the mean over all classes and images; '
                             f'{" and ".join(left_out)} are left out.')
    kept = {key: loader[key] for key in ('batch_size', 'num_workers', 'persistent_workers') if key in loader}
    return dict(
        test_dataloader=dict(**kept, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset),
        test_evaluator=[metric for metric in metrics if not _is_ours(METRICS.get(metric['type']))],
        test_cfg=dict(type='TestLoop'),
        # needed by MMSegmentation's tools/test.py --show-dir
        default_hooks=dict(visualization=dict(type='SegVisualizationHook')),
        visualizer=dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer'))


def _export_dataset(dataset: Dict[str, Any], pipeline: List[Dict[str, Any]],
                    notes: List[str]) -> Optional[Dict[str, Any]]:
    """Convert the test data to plain MMSegmentation, which cannot map raw ids; None if this is not possible."""
    kind = DATASETS.get(dataset['type'])
    loads = [step for step in pipeline if TRANSFORMS.get(step['type']) is LoadLabelIds]
    maps = [step.get('label_map') for step in loads]
    if dataset.get('label_map') == PALETTE or any(part.get('label_channel') for part in (dataset, *loads)):
        return None
    suffix = dataset.get('seg_map_suffix', '')
    if kind is CityscapesDataset and maps == ['cityscapes'] and suffix.endswith(_RAW_IDS):
        dataset['seg_map_suffix'] = suffix.replace(_RAW_IDS, _TRAIN_IDS)
        maps = []
        notes.append(f"The test labels are Cityscapes' *{_TRAIN_IDS}, which MMSegmentation's "
                     'tools/dataset_converters/cityscapes.py makes.')
    if kind is LabelMappedDataset:
        maps.append(dataset.pop('label_map', None))
        dataset = {'img_suffix': '.png', 'seg_map_suffix': '.png', **dataset, 'type': 'BaseSegDataset'}
        kind = DATASETS.get('BaseSegDataset')
    changed = [raw for label_map in maps if label_map is not None
               for raw, train in resolve_label_map(label_map).items() if raw != train]
    return None if changed or _is_ours(kind) or 'pipeline' not in dataset else dataset


def _heads(model: Dict[str, Any]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Iterate over the configs of all heads, each with the prefix of its weights."""
    for key in ('decode_head', 'auxiliary_head'):
        heads = model.get(key) or []
        if isinstance(heads, dict):
            yield key, heads
        else:
            yield from ((f'{key}.{number}', head) for number, head in enumerate(heads))


def _components(node: Any) -> Iterator[Tuple[str, type]]:
    """Iterate over the classes of all components in a config, each with its dotted key."""
    for path, part in config_dicts(node):
        for registry in (MODELS, TRANSFORMS, TASK_UTILS):
            kind = registry.get(part['type']) if 'type' in part else None
            if isinstance(kind, type):
                yield path, kind
                break


def _is_kept(model: Mapping[str, Any]) -> bool:
    """Whether the segmentor itself is imported from this package, which its parts may then be, too."""
    return MODELS.get(model['type']) in _KEPT


def _is_ours(kind: Any) -> bool:
    return getattr(kind, '__module__', '').split('.')[0] == _PACKAGE


def _without_pretrained(node: Any) -> Any:
    """Return a copy without initial weights, which are not needed because there is a checkpoint."""
    if isinstance(node, dict):
        return {key: _without_pretrained(value) for key, value in node.items()
                if key != 'pretrained' and not (key == 'init_cfg' and 'Pretrained' in str(value))}
    if isinstance(node, (list, tuple)):
        return type(node)(_without_pretrained(item) for item in node)
    return node
