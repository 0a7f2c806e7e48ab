"""Reading files of public weights, comparing their names with those of a network, and writing the converted weights."""
import io
import os.path as osp
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Tuple, TypeVar

import torch
from torch import Tensor

from ..utils.digests import file_digest
from ..utils.files import AtomicLocalBackend
from ..version import __version__

_COUNTER = '.num_batches_tracked'


@dataclass
class Conversion:
    """The result of converting a public state dict.

    Attributes:
        state_dict (dict[str, Tensor]): Weights by the names of this package.
        left_out (list[str]): Weights that were not converted, with the reason.
        meta (dict[str, Any]): Entries for `meta` of the converted checkpoint.
    """
    state_dict: Dict[str, Tensor]
    left_out: List[str] = field(default_factory=list)
    meta: Dict[str, Any] = field(default_factory=dict)


_Conversion = TypeVar('_Conversion', bound=Conversion)


def convert_file(path: str, out: str, convert: Callable[[Dict[str, Tensor]], _Conversion]) -> _Conversion:
    """Read a public checkpoint, convert its weights, and write them; an existing file is replaced.

    Args:
        path (str): The public file. Only tensors and plain containers are unpickled.
        out (str): The file to write.
        convert (Callable): Converts a state dict.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the input is not a supported checkpoint.
    """
    content = _read(path)
    if osp.exists(out) and osp.samefile(path, out):
        raise ValueError(f'{out} is the input itself. Choose another name for the output.')
    if osp.isdir(out):
        raise IsADirectoryError(f'{out} is a folder. Give the name of a file in it.')
    try:
        result = convert(find_state_dict(content))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    meta = dict(udas_mmseg_version=__version__, converted_from=osp.basename(path),
                converted_from_sha256=file_digest(path), left_out=result.left_out, **_classes(content), **result.meta)
    buffer = io.BytesIO()
    torch.save(dict(meta=meta, state_dict=result.state_dict), buffer)
    AtomicLocalBackend().put(buffer.getvalue(), out)
    return result


def _read(path: str) -> Any:
    """Read a file on the CPU."""
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path} does not exist (looked in {osp.abspath(osp.curdir)}), or is not a file.')
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # the type of the exception depends on where reading fails
        first = (str(error).strip().splitlines() or ['no message'])[0]
        raise ValueError(f'{path} cannot be read as tensors and plain containers. Is the download complete? If it is a '
                         'whole pickled model, save its `model.state_dict()` with the original code. '
                         f'({type(error).__name__}: {first})') from error


def _classes(content: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the classes that MMSegmentation 0.x stored, as the entry `dataset_meta` of 1.x; {} if there are none."""
    meta = content.get('meta')
    if not isinstance(meta, Mapping) or not meta.get('CLASSES'):
        return {}
    return dict(dataset_meta=dict(classes=meta['CLASSES'], palette=meta.get('PALETTE')))


def find_state_dict(checkpoint: Any) -> Dict[str, Tensor]:
    """Find the state dict in the content of a file: the object itself, or its entry `state_dict` or `model`.

    Raises:
        ValueError: if there is no state dict.
    """
    if isinstance(checkpoint, Mapping):
        for key in ('state_dict', 'model'):
            if isinstance(checkpoint.get(key), Mapping):
                return find_state_dict(checkpoint[key])
        if checkpoint and all(isinstance(value, Tensor) for value in checkpoint.values()):
            return {str(key): value for key, value in checkpoint.items()}
        found = f'a dict with the entries {listed(checkpoint)}' if checkpoint else 'an empty dict'
    else:
        found = f'an object of type {type(checkpoint).__name__}'
    raise ValueError(f'the file has {found}, and no state dict. Allowed: a dict of tensors, or one under the key '
                     '"state_dict" or "model". Save `model.state_dict()`.')


def with_counters(weights: Mapping[str, Tensor], wanted: Iterable[str]) -> Dict[str, Tensor]:
    """Add the counters of batch norm that are wanted and missing, as in files of old versions of torch: 0."""
    return {**{name: torch.tensor(0) for name in wanted if name.endswith(_COUNTER)}, **weights}


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tuple[int, ...]], known: str) -> None:
    """Compare names and shapes.

    Args:
        weights (Mapping[str, Tensor]): The weights of the file.
        expected (Mapping[str, tuple[int]]): The shape of each weight of the network.
        known (str): Sentences for the error: which names are known.

    Raises:
        ValueError: if they differ; the message lists the names.
    """
    unknown = [name for name in weights if name not in expected]
    missing = [name for name in expected if name not in weights]
    if unknown or missing:
        parts = [f'unknown: {listed(unknown)}'] * bool(unknown) + [f'missing: {listed(missing)}'] * bool(missing)
        raise ValueError(f'the names do not match; {"; ".join(parts)}. {known}')
    differing = [f'{name} {tuple(weights[name].shape)} instead of {shape}' for name, shape in expected.items()
                 if tuple(weights[name].shape) != shape]  # yapf: disable
    if differing:
        raise ValueError(f'shapes differ: {listed(differing)}.')


def listed(names: Iterable[str], most: int = 6) -> str:
    """Join the first few names, followed by their total number if there are more."""
    names = [str(name) for name in names]
    return ', '.join(names[:most]) + (f', ... ({len(names)} in all)' if len(names) > most else '')
