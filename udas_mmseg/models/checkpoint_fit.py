"""Comparing a checkpoint with the model and the classes of a config."""
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from mmengine.config import Config
from mmseg.registry import DATASETS
from torch import Tensor

_LISTED = 3  # number of names in messages
_BACKBONE = 'backbone.'
_COUNTER = 'num_batches_tracked'  # older checkpoints do not have it, and it does not affect predictions


class Differences(NamedTuple):
    """Names of weights, with their prefix, in which a checkpoint differs from a model."""
    missing: List[str]
    unexpected: List[str]
    other_shape: List[str]

    def __str__(self) -> str:
        """Return the first names of each kind and their number; '' if there are none."""
        kinds = {'missing': self.missing, 'unexpected': self.unexpected, 'of another shape': self.other_shape}
        return '; '.join(f'{len(names)} {kind} ({listed(names)})' for kind, names in kinds.items() if names)


def compare_weights(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], prefix: str = '') -> Differences:
    """Compare the weights of a checkpoint with the state dict of a network.

    Args:
        wanted (Mapping[str, Tensor]): State dict of the network.
        weights (Mapping[str, Tensor]): Weights of the checkpoint, by the same names.
        prefix (str): Prefix of the names in messages. Defaults to ''.
    """
    return Differences(
        [prefix + key for key in wanted if key not in weights and not key.endswith(_COUNTER)],
        [prefix + key for key in weights if key not in wanted],
        [f'{prefix}{key}: {tuple(weights[key].shape)} instead of {tuple(wanted[key].shape)}'
         for key in wanted if key in weights and weights[key].shape != wanted[key].shape])  # yapf: disable


def advice(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> str:
    """Return how to correct a checkpoint whose weights differ from those of a segmentor."""
    common = 'Use the config and the --cfg-options of its training.'
    of_backbone = {key[len(_BACKBONE):] for key in wanted if key.startswith(_BACKBONE)}
    pretrained = ('A pretrained backbone belongs to the config: backbone=dict(..., init_cfg=dict(type="Pretrained", '
                  'checkpoint=FILE{})).')
    if weights and all(key.startswith(_BACKBONE) for key in weights):
        return 'It has only the weights of a backbone. ' + pretrained.format(f', prefix="{_BACKBONE}"')
    if any(key in wanted for key in weights):
        return common
    if any(key in of_backbone for key in weights):
        return 'It has the weights of a backbone without a head. ' + pretrained.format('')
    first = next(iter(wanted), '')
    longer = next((key for key in weights if key.endswith(f'.{first}')), '')
    if longer:
        return (f'Nothing of it would be loaded: its names begin with {longer[:-len(first)]!r}, as in {longer}, and '
                f'the model has {first}. Remove this prefix from the names in its state dict.')
    return f'Nothing of it would be loaded: it has no name of the model, such as {first}. {common}'


def data_metainfo(cfg: Config) -> Dict[str, Any]:
    """Return the `metainfo` of the test data of a config, or else of its validation data; {} without classes."""
    for key in ('test_dataloader', 'val_dataloader'):
        dataset = (cfg.get(key) or {}).get('dataset') or {}
        if 'pipeline' in dataset:
            metainfo = DATASETS.build({**dataset, 'lazy_init': True, 'pipeline': []}).metainfo
            if metainfo.get('classes'):
                return metainfo
    return {}


def compare_classes(meta: Mapping[str, Any], cfg: Config) -> str:
    """Compare the classes with which a checkpoint was trained with those of a config's data.

    Args:
        meta (Mapping): `meta` of the checkpoint.
        cfg (Config): Config with test or validation data.

    Returns:
        str: The difference; '' if there is none, or one of the two is unknown.
    """
    trained = (meta.get('dataset_meta') or {}).get('classes') or meta.get('CLASSES') or ()  # the second: MMSeg 0.x
    theirs = [str(name) for name in trained]
    ours = [str(name) for name in data_metainfo(cfg).get('classes') or ()] if theirs else []
    if not ours or _plain(theirs) == _plain(ours):
        return ''
    if len(theirs) != len(ours):
        return (f'it was trained with {len(theirs)} classes ({listed(theirs)}), the data have {len(ours)} '
                f'({listed(ours)})')
    place = next(index for index, pair in enumerate(zip(_plain(theirs), _plain(ours))) if pair[0] != pair[1])
    kind = 'the same classes in another order' if sorted(_plain(theirs)) == sorted(_plain(ours)) else 'other classes'
    return f'it was trained with {kind}: class {place} is {theirs[place]!r}, and {ours[place]!r} in the data'


def listed(names: Sequence[str]) -> str:
    """Join the first few names."""
    return ', '.join(names[:_LISTED]) + (', ...' if len(names) > _LISTED else '')


def _plain(names: Sequence[str]) -> List[str]:
    """Return names without differences in case, spaces and hyphens."""
    return [name.lower().replace(' ', '').replace('-', '').replace('_', '') for name in names]
