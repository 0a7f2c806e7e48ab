"""All workarounds for versions of other packages.

`apply()` runs when `udas_mmseg` is imported, before MMSegmentation is imported. The docstring of each workaround has
its symptom, the affected versions, and the condition under which it can be removed. Each workaround first checks for
the symptom itself, so that it does not change installations without it (full mmcv, a working torchvision, a fixed
MMEngine or one of its maintained forks).
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

__all__ = ['apply', 'applied', 'fastest_memory_format', 'open_mmagic', 'open_timm', 'torchvision_functional']

_KEPT_TEXTS = 8  # number of cached config texts: enough for one run and a few more


class _MissingOps(types.ModuleType):
    """A placeholder for `mmcv._ext`: every operator exists, and raises an error with instructions when it is called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        if name in ('get_compiler_version', 'get_compiling_cuda_version'):  # used by mmcv's environment report
            return lambda: 'n/a'

        def missing(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(
                f'mmcv operator `{name}` was called, but mmcv is installed without compiled operators (mmcv-lite). '
                'No model of udas_mmseg needs one. For a model that does, install the full mmcv 2.1 for your torch '
                'instead: see docs/install.md.')

        return missing


def placeholder_mmcv_ext() -> bool:
    """Make `mmcv.ops` importable with mmcv-lite.

    Symptom: `import mmseg.models` raises ModuleNotFoundError: No module named 'mmcv._ext'.
    Versions: mmcv-lite 2.x with mmsegmentation 1.x. mmsegmentation 1.2.2 needs mmcv < 2.2, which has no binary packages
    for a recent torch. Remove it when full mmcv can be installed from the package index everywhere.
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
    """Return the library with the operator schemas, which exist as long as the library does."""
    return torch.library.Library('torchvision', 'FRAGMENT')  # noqa: TOR901


def declare_torchvision_ops() -> bool:
    """Make torchvision importable if its compiled part does not load.

    Symptom: `import torchvision` raises RuntimeError: operator torchvision::nms does not exist. MMEngine's environment
    report, and therefore every Runner, fails in the same way. Versions: the package index's Linux wheels (built for
    CUDA) with a CPU-only torch. torchvision itself works without the library, but registers two fake kernels for
    operators that it did not declare. Remove it when torchvision guards these two registrations.
    """
    if 'torchvision' in sys.modules or hasattr(torch.ops.torchvision, 'nms'):
        return False
    spec = importlib.util.find_spec('torchvision')
    if spec is None or not spec.submodule_search_locations:
        return False
    for library in Path(spec.submodule_search_locations[0]).glob('_C.*'):
        try:
            torch.ops.load_library(str(library))  # the first step of `import torchvision`
            return False
        except OSError:
            break
    else:
        return False
    _torchvision_library().define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    _torchvision_library().define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    return True


def _history_buffer_method(owner: Any, name: str) -> Callable:
    """Replacement for `getattr` in checkpoints, which only returns statistics of MMEngine's `HistoryBuffer`.

    Raises:
        UnpicklingError: for any other object or name.
    """
    from mmengine.logging import HistoryBuffer
    if owner is not HistoryBuffer or name not in HistoryBuffer._statistics_methods:
        raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) in a checkpoint is refused: only statistics of '
                                     'HistoryBuffer are allowed.')
    return getattr(owner, name)


def allow_checkpoint_classes() -> bool:
    """Let MMEngine resume its own checkpoints without turning off torch's safe loading.

    Symptom: resuming raises UnpicklingError: Weights only load failed ... HistoryBuffer, then numpy types.
    Versions: mmengine <= 0.10.7 with torch >= 2.6, whose `torch.load` defaults to `weights_only=True`. Only the classes
    in the message hub of a checkpoint are allowed. `getattr`, with which the methods of a buffer are stored, is only
    allowed for these methods. Remove it when MMEngine does this.
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
    # checkpoints from numpy 1.x refer to `numpy.core`, newer ones to `numpy._core`
    for function in ('_reconstruct', 'scalar'):
        for package in ('numpy.core', 'numpy._core'):
            allowed.append((getattr(multiarray, function), f'{package}.multiarray.{function}'))
    # in numpy >= 1.25, the dtype of an array is unpickled through its own class
    for code in '?bBhHiIlLqQefdg':
        allowed.append(type(np.dtype(code)))
    torch.serialization.add_safe_globals(allowed)
    return True


def format_configs_once() -> bool:
    """Cache the formatted text of a config.

    Symptom: a training of a few seconds takes several seconds longer. MMEngine writes the text of its config to the
    log, the work directory, the message hub and every checkpoint, and formats it with yapf each time, which takes half
    a second or more. Versions: mmengine 0.10. Remove it when MMEngine caches the text.
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
    """Raise a clear error if packages are missing that MMSegmentation imports without declaring them.

    Symptom: `import mmseg.models` raises ModuleNotFoundError: No module named 'ftfy' (or 'regex').
    Versions: mmsegmentation 1.2.x imports both and declares neither. Remove it when it declares them.

    Raises:
        ModuleNotFoundError: if one is missing; the message has the command that installs it.
    """
    missing = [name for name in ('ftfy', 'regex') if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(f"mmsegmentation imports {' and '.join(missing)} without declaring it. "
                                  f"Run: pip install {' '.join(missing)}")


class _BarePackage(types.ModuleType):
    """A package whose modules can be imported one by one, without running its own `__init__`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        raise AttributeError(f'{self.__name__}.{name} is not loaded: udas_mmseg.translation imports only the parts of '
                             f'MMagic that it needs. For all of MMagic, `import mmagic.models` before it.')


def open_mmagic() -> bool:
    """Make single modules of `mmagic.models` importable. This is only called when translation is used.

    Symptom: `import mmagic.models` imports all models of MMagic, some of which need outdated versions of diffusers,
    transformers and huggingface_hub, and raises AttributeError: np.bool8. Versions: mmagic 1.2.0; numpy >= 1.24. If
    `mmagic.models` is already loaded, nothing is changed. Remove it when MMagic imports lazily.

    Returns:
        bool: Whether placeholder packages were installed.

    Raises:
        ModuleNotFoundError: if MMagic is not installed; the message has the command that installs it.
    """
    if 'mmagic.models' in sys.modules:
        return False
    spec = importlib.util.find_spec('mmagic')
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError('image translation needs MMagic, which is not installed. Run: pip install --no-deps '
                                  'mmagic==1.2.0 (its own requirements conflict with each other)')
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


def torchvision_functional() -> Any:
    """Return `torchvision.transforms.v2.functional`, imported when it is first needed, which takes a second.

    On CPU-only torch, `declare_torchvision_ops` has made torchvision importable.

    Raises:
        ModuleNotFoundError: if torchvision is not installed; the message has the command that installs it.
    """
    if importlib.util.find_spec('torchvision') is None:
        raise ModuleNotFoundError('augmentation on the device needs torchvision, which is not installed. Run: pip '
                                  'install torchvision (the version for your torch: see docs/install.md), or set '
                                  'augment=False in the model.')
    return importlib.import_module('torchvision.transforms.v2.functional')


def open_timm() -> Any:
    """Return `timm`, imported when it is first needed, which takes a second.

    Raises:
        ModuleNotFoundError: if timm is not installed; the message has the command that installs it.
    """
    if importlib.util.find_spec('timm') is None:
        raise ModuleNotFoundError('TimmVisionTransformer needs timm, which is not installed. Run in the checkout of '
                                  "this project: pip install -e '.[vfm]'")
    return importlib.import_module('timm')


def fastest_memory_format(module: torch.nn.Module) -> torch.memory_format:
    """Return channels-last, or the contiguous format for networks with which channels-last is not safe.

    Symptom: segmentation faults, or `free(): invalid next size`, in or after the backward pass of a 1x1 convolution of
    channels-last images with a stride and fewer than 8 input channels, on CPUs with AVX2 but not AVX-512: the gradient
    of its input is written beyond its memory. Versions: oneDNN 3.12 of torch 2.13. Only very small networks have such
    convolutions, such as a ResNet with `base_channels=4`. Remove it when torch has an oneDNN without the fault.
    """
    tiny = any(isinstance(part, torch.nn.Conv2d) and part.in_channels < 8 and max(part.kernel_size) == 1
               and max(part.stride) > 1 for part in module.modules())
    unsafe = tiny and torch.backends.cpu.get_cpu_capability() == 'AVX2'
    return torch.contiguous_format if unsafe else torch.channels_last


_WORKAROUNDS = (placeholder_mmcv_ext, declare_torchvision_ops, allow_checkpoint_classes, format_configs_once)
_applied: List[str] = []


def apply() -> None:
    """Apply all workarounds whose symptom is present. A second call does nothing."""
    require_undeclared_packages()
    _applied.extend(workaround.__name__ for workaround in _WORKAROUNDS if workaround())


def applied() -> List[str]:
    """Return the names of the workarounds that were applied in this process."""
    return list(_applied)
