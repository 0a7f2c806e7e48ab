"""The one home of version workarounds.

`apply()` runs when `udas_mmseg` is imported, before MMSegmentation is. Each workaround names its symptom, the
versions that show it and when it can go; each looks for the symptom itself first, so that an installation
without it (full mmcv, a torchvision that works, a fixed MMEngine or one of its maintained forks) is untouched.
"""
import importlib.machinery
import importlib.util
import pickle
import sys
import types
from functools import cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import torch

__all__ = ['apply', 'applied', 'open_mmagic']

_KEPT_TEXTS = 8  # of configs: those of one run and some more


class _MissingOps(types.ModuleType):
    """A stand-in for `mmcv._ext`: every operator exists and says how to get the real one when it is called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        if name in ('get_compiler_version', 'get_compiling_cuda_version'):  # asked for by mmcv's environment report
            return lambda: 'n/a'

        def missing(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(
                f'mmcv operator `{name}` was called, but mmcv is installed without compiled operators (mmcv-lite). '
                'No model of udas_mmseg needs one. For a model that does, install the full mmcv 2.1 for your torch '
                'instead: see docs/install.md.')

        return missing


def placeholder_mmcv_ext() -> bool:
    """Let `mmcv.ops` be imported from mmcv-lite.

    Symptom: `import mmseg.models` raises ModuleNotFoundError: No module named 'mmcv._ext'.
    Versions: mmcv-lite 2.x with mmsegmentation 1.x. mmsegmentation 1.2.2 needs mmcv < 2.2, for which there are no
    binary packages on a recent torch. Can go when full mmcv installs from the index everywhere.
    """
    if 'mmcv._ext' in sys.modules or importlib.util.find_spec('mmcv') is None:
        return False
    if importlib.util.find_spec('mmcv._ext') is not None:
        return False
    module = _MissingOps('mmcv._ext')
    module.__spec__ = importlib.machinery.ModuleSpec('mmcv._ext', loader=None)
    sys.modules['mmcv._ext'] = module
    return True


@cache
def _torchvision_library() -> torch.library.Library:
    """The library that holds the schemas; they live as long as it does."""
    return torch.library.Library('torchvision', 'FRAGMENT')  # noqa: TOR901


def declare_torchvision_ops() -> bool:
    """Let torchvision be imported where its compiled part does not load.

    Symptom: `import torchvision` raises RuntimeError: operator torchvision::nms does not exist; with it MMEngine's
    environment report, hence every Runner. Versions: the index's Linux wheels (built for CUDA) on a CPU-only torch.
    torchvision itself copes with the missing library, but registers two fake kernels for operators that it did not
    declare. Can go when torchvision guards these two registrations.
    """
    if 'torchvision' in sys.modules or hasattr(torch.ops.torchvision, 'nms'):
        return False
    spec = importlib.util.find_spec('torchvision')
    if spec is None or not spec.submodule_search_locations:
        return False
    for library in Path(spec.submodule_search_locations[0]).glob('_C.*'):
        try:
            torch.ops.load_library(str(library))  # what `import torchvision` does first
            return False
        except OSError:
            break
    else:
        return False
    _torchvision_library().define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    _torchvision_library().define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    return True


def _history_buffer_method(owner: Any, name: str) -> Callable:
    """What checkpoints call `getattr` for: a statistic of MMEngine's `HistoryBuffer`, and nothing else.

    Raises:
        UnpicklingError: for any other object or name, as if `getattr` were not allowed.
    """
    from mmengine.logging import HistoryBuffer
    if owner is not HistoryBuffer or name not in HistoryBuffer._statistics_methods:
        raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) in a checkpoint is refused: only statistics of '
                                     'HistoryBuffer are allowed.')
    return getattr(owner, name)


def allow_checkpoint_classes() -> bool:
    """Let MMEngine resume its own checkpoints with torch's safe loading left on.

    Symptom: resuming raises UnpicklingError: Weights only load failed ... HistoryBuffer, then numpy types.
    Versions: mmengine <= 0.10.7 with torch >= 2.6, whose `torch.load` defaults to `weights_only=True`. Exactly the
    classes that a checkpoint's message hub is made of are allowed, nothing else; `getattr`, by which a buffer's
    methods are stored, only for those. Can go when MMEngine does this.
    """
    if tuple(int(part) for part in torch.__version__.split('.')[:2]) < (2, 6):
        return False
    from mmengine.logging import HistoryBuffer
    if HistoryBuffer in torch.serialization.get_safe_globals():
        return False
    try:
        from numpy._core import multiarray
    except ImportError:  # numpy 1.x
        from numpy.core import multiarray  # type: ignore[no-redef]
    HistoryBuffer()  # registers its statistics
    allowed: List[Any] = [HistoryBuffer, np.ndarray, np.dtype, (_history_buffer_method, 'builtins.getattr')]
    # checkpoints written under numpy 1.x name `numpy.core`, newer ones `numpy._core`
    for function in ('_reconstruct', 'scalar'):
        for package in ('numpy.core', 'numpy._core'):
            allowed.append((getattr(multiarray, function), f'{package}.multiarray.{function}'))
    # an array's dtype is unpickled through its own class in numpy >= 1.25
    for code in '?bBhHiIlLqQefdg':
        allowed.append(type(np.dtype(code)))
    torch.serialization.add_safe_globals(allowed)
    return True


def format_configs_once() -> bool:
    """Let a config that is asked for again not be formatted again.

    Symptom: a training of seconds takes several more. MMEngine gives the text of its config to the log, the work
    directory, the message hub and every checkpoint, and has yapf format it each time, for half a second or more.
    Versions: mmengine 0.10. Can go when MMEngine keeps the text.
    """
    config = importlib.import_module('mmengine.config.config')
    original = getattr(config, 'FormatCode', None)
    if original is None or original.__name__ == 'format_once':
        return False
    formatted: Dict[Tuple[str, str], Any] = {}

    def format_once(text: str, **options: Any) -> Any:
        key = text, repr(options)
        if key not in formatted:
            if len(formatted) >= _KEPT_TEXTS:
                formatted.clear()
            formatted[key] = original(text, **options)
        return formatted[key]

    config.FormatCode = format_once  # type: ignore[attr-defined]
    return True


def require_undeclared_packages() -> None:
    """Say what is missing before MMSegmentation does it less clearly.

    Symptom: `import mmseg.models` raises ModuleNotFoundError: No module named 'ftfy' (or 'regex').
    Versions: mmsegmentation 1.2.x imports both and declares neither. Can go when it declares them.

    Raises:
        ModuleNotFoundError: with the command that installs what is missing.
    """
    missing = [name for name in ('ftfy', 'regex') if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(f"mmsegmentation imports {' and '.join(missing)} without declaring it. "
                                  f"Run: pip install {' '.join(missing)}")


class _BarePackage(types.ModuleType):
    """A package whose modules can be imported one by one, without what its own `__init__` would import."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        raise AttributeError(f'{self.__name__}.{name} is not loaded: udas_mmseg.translation opened only the parts of '
                             f'MMagic that it needs. For all of MMagic, `import mmagic.models` before it.')


def open_mmagic() -> bool:
    """Let single modules of `mmagic.models` be imported. Called when translation is asked for, and only then.

    Symptom: `import mmagic.models` imports every model that MMagic has, some of which need versions of diffusers,
    transformers and huggingface_hub that are long gone, and raises AttributeError: np.bool8. Versions: mmagic 1.2.0;
    numpy >= 1.24. A `mmagic.models` that is loaded already is left alone. Can go when MMagic imports lazily.

    Returns:
        bool: Whether packages were put in place.

    Raises:
        ModuleNotFoundError: if MMagic is not installed, with the command that installs it.
    """
    if 'mmagic.models' in sys.modules:
        return False
    spec = importlib.util.find_spec('mmagic')
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError('image translation needs MMagic, which is not installed. Run: pip install --no-deps '
                                  'mmagic==1.2.0 (its own list of requirements no longer fits together)')
    if not hasattr(np, 'bool8'):
        np.bool8 = np.bool_  # type: ignore[attr-defined]
    models = Path(spec.submodule_search_locations[0], 'models')
    for name, folder in (('mmagic.models', models), ('mmagic.models.editors', models / 'editors'),
                         ('mmagic.models.archs', models / 'archs')):
        package = _BarePackage(name)
        package.__path__ = [str(folder)]
        package.__spec__ = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
        sys.modules[name] = package
        parent, _, child = name.rpartition('.')
        setattr(importlib.import_module(parent), child, package)
    return True


_WORKAROUNDS = (placeholder_mmcv_ext, declare_torchvision_ops, allow_checkpoint_classes, format_configs_once)
_applied: List[str] = []


def apply() -> None:
    """Apply every workaround whose symptom is present. A second call does nothing."""
    require_undeclared_packages()
    _applied.extend(workaround.__name__ for workaround in _WORKAROUNDS if workaround())


def applied() -> List[str]:
    """Names of the workarounds that this process needed."""
    return list(_applied)
