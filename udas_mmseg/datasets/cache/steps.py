"""The first steps of a pipeline, whose result can be stored: which they are, their settings, and keys of samples."""
import hashlib
import inspect
import os
import os.path as osp
import random
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import cv2
import mmcv
import mmseg
import numpy as np
import PIL
import torch
from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile, Resize
from mmseg.datasets.transforms import LoadAnnotations as LoadSegAnnotations
from mmseg.datasets.transforms import Resize as SegResize

from ...utils.digests import file_digest
from ...version import __version__
from ..transforms import (
    AntialiasedResize,
    LoadAnswers,
    LoadLabelIds,
    LoadPseudoLabel,
    LoadVerifiedImage,
    SparseLabelResize,
)
from .pack import CacheError

_LOADS = (LoadImageFromFile, LoadVerifiedImage, LoadAnnotations, LoadSegAnnotations, LoadLabelIds, LoadAnswers,
          LoadPseudoLabel)
_RESIZES = (Resize, SegResize, AntialiasedResize)
_CHANGES_SIZE = ('Resize', 'Crop', 'Rescale')  # parts of the names of transforms
_PER_ACCESS = ('sample_idx', )  # entries of a sample that differ between lists of the same images


class SampleKey(NamedTuple):
    """Identity of a sample: of all that its stored result depends on, and of its files without their state."""
    content: int
    files: int


def first_steps(steps: Sequence[Any], also: Sequence[str], full_size: bool, owner: str) -> int:
    """Return how many of the first steps of a pipeline give the same result for a sample each time.

    Args:
        steps (Sequence): The transforms.
        also (Sequence[str]): Names of other transforms that do so.
        full_size (bool): Whether images may be stored as they are in their files if they are resized or cropped later.
        owner (str): Name of the data set, for messages.

    Raises:
        CacheError: if there is none, or only the size of the files can be stored, but `full_size` is False.
    """
    also = [also] if isinstance(also, str) else also  # else parts of the name would match
    count = 0
    while count < len(steps) and _is_steady(steps[count], also):
        count += 1
    names = [type(step).__name__ for step in steps]
    if count == 0:
        raise CacheError(f'{owner} cannot be cached: its pipeline begins with {names[0] if names else "nothing"}. Let '
                         'it begin with LoadVerifiedImage, or, if this transform gives the same result for an image '
                         f'each time, name it in `also` of the cache: also={names[:1]}.')
    changes = [name for name in names[count:] if any(part in name for part in _CHANGES_SIZE)]
    if changes and not full_size and not any(_resizes(step) for step in steps[:count]):
        raise CacheError(f'{owner}: only the steps up to {names[count - 1]} give the same result each time, so images '
                         f'would be cached in the size of their files, before {changes[0]}. Set full_size=True of the '
                         'cache if there is room for this, or put a Resize to a fixed size directly after the labels '
                         'are loaded.')
    return count


def _is_steady(step: Any, also: Sequence[str]) -> bool:
    """Whether a transform gives the same result for the same files each time."""
    kind = type(step)
    if kind.__name__ in also:
        return True
    if kind is LoadPseudoLabel:
        return step.keep_power == 0  # else pixels are drawn
    if kind is SparseLabelResize:
        return _is_steady(step.resize, also)
    return kind in _LOADS + _RESIZES


def _resizes(step: Any) -> bool:
    return any(part in type(step).__name__ for part in _CHANGES_SIZE)


def describe_steps(steps: Sequence[Any]) -> Dict[str, Any]:
    """Return all that the result of steps depends on besides the sample: settings, code, and versions of libraries.

    Raises:
        CacheError: if a setting of a step cannot be compared.
    """
    versions = dict(udas_mmseg=__version__, numpy=np.__version__, torch=str(torch.__version__), opencv=cv2.__version__,
                    pillow=PIL.__version__, mmcv=mmcv.__version__, mmsegmentation=mmseg.__version__,
                    instructions=torch.backends.cpu.get_cpu_capability())
    described = []
    for step in steps:
        try:
            code = inspect.getsourcefile(type(step))
            described.append(dict(step=_text(step), code=file_digest(code) if code else ''))
        except TypeError as error:
            raise CacheError(f'{type(step).__name__} cannot be cached: {error}, so a change of it would not be '
                             'noticed. Keep numbers, texts, lists, dicts and arrays in the attributes of a transform '
                             'that is cached.') from error
    return dict(steps=described, versions=versions)


def sample_key(info: Mapping[str, Any], steps: Sequence[Any]) -> SampleKey:
    """Return the identity of a sample: its data information, and size and time of change of each of its files.

    Args:
        info (Mapping): Data information; entries whose names end in `_path` are paths.
        steps (Sequence): Transforms. Further files that they read are the result of their method `other_files(info)`.

    Raises:
        TypeError: if an entry cannot be compared.
    """
    files, parts = _files_of(info, steps), []
    for name, value in info.items():
        if name not in _PER_ACCESS and not _is_path(name, value):
            parts.append(f'{name}: {_text(value)}')
    paths = [f'{name}: {osp.abspath(path)}' for name, path in files]
    stamps = [f'{_stamp(path)}' for _, path in files]
    return SampleKey(_hash([*paths, *stamps, *parts]), _hash(paths))


def missing_file(info: Mapping[str, Any], steps: Sequence[Any]) -> str:
    """Return the path of a file of a sample that is not on this machine; '' if there is none."""
    return next((path for _, path in _files_of(info, steps) if not osp.isfile(path)), '')


def _files_of(info: Mapping[str, Any], steps: Sequence[Any]) -> List[Tuple[str, str]]:
    """Return the files of a sample, each with a name."""
    files = [(name, value) for name, value in info.items() if _is_path(name, value)]
    for step in steps:
        if hasattr(step, 'other_files'):
            files += [(type(step).__name__, path) for path in step.other_files(info)]
    return files


def _is_path(name: str, value: Any) -> bool:
    return name.endswith('_path') and isinstance(value, str)


def _stamp(path: str) -> Tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # found when it is read
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _hash(parts: Sequence[str]) -> int:
    return int.from_bytes(hashlib.blake2b('\n'.join(parts).encode(), digest_size=8).digest(), 'little')


def _text(value: Any) -> str:
    """Return a text that is the same for equal values only.

    Raises:
        TypeError: if a value has no such text; the message names its type.
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
        return repr(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest = hashlib.blake2b(value.tobytes(), digest_size=16).hexdigest()
        return f'array({value.dtype.str}, {value.shape}, {digest})'
    if isinstance(value, Mapping):
        return '{' + ', '.join(f'{_text(key)}: {_text(part)}' for key, part in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        return f'{type(value).__name__}({", ".join(map(_text, value))})'
    if isinstance(value, BaseTransform):
        return f'{type(value).__module__}.{type(value).__qualname__}({_text(vars(value))})'
    raise TypeError(f'a value of type {type(value).__name__} cannot be compared')


def run_steps(steps: Sequence[Any], info: Dict[str, Any]) -> Dict[str, Any]:
    """Apply steps to the data information of a sample, and return the entries that they add or change.

    Raises:
        CacheError: if a step draws random numbers, or removes entries or the sample.
    """
    before = {name: _text(value) for name, value in info.items()}
    results = info
    for step in steps:
        states = _random_states()
        results = step(results)
        name = type(step).__name__
        if _random_states() != states:
            raise CacheError(f'{name} draws random numbers, so its result cannot be cached. Remove it from `also` of '
                             'the cache.')
        if results is None or not before.keys() <= results.keys():
            raise CacheError(f'{name} removes entries of a sample, so its result cannot be cached. Remove it from '
                             '`also` of the cache.')
    return {name: value for name, value in results.items() if name not in before or _text(value) != before[name]}


def _random_states() -> Tuple[Any, ...]:
    """Return the states of the global generators of Python, NumPy and torch, to compare them."""
    numbers = np.random.get_state(legacy=False)
    return random.getstate(), _text(numbers), torch.get_rng_state().numpy().tobytes()
