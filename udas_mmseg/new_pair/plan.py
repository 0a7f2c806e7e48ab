"""Choosing the settings of a pair's configs: data, classes, sizes, network and number of iterations."""
import importlib.util
import os.path as osp
import urllib.request
from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional

import torch

from ..datasets.label_scan import Value
from ..utils.project import PROJECT
from .class_map import Classes
from .folders import Folder
from .sizes import Sizes

SMALL, FULL = 'small', 'full'
TORCHVISION = 'torchvision://resnet101'
BASE = osp.join(PROJECT, 'configs', '_base_')

SMALL_PIXELS = 160 * 80  # of a crop, for minutes on two CPU cores
MAX_PIXELS = 1024 * 512
# Bytes that a training step of a student with ResNet-101 keeps for its backward pass, for each pixel of a crop, with
# one crop of each domain. Counted with torch's hooks of saved tensors (float32), for crops of 128x64 and 192x128. A
# step of UDA keeps 7,446, because its two domains follow each other.
_BYTES_PER_PIXEL = 14448
_PARAMETERS, _BYTES_PER_PARAMETER = 50.2e6, 12  # with discriminators; weight, gradient and momentum
_FIXED, _MARGIN = 1.0e9, 1.3  # context and libraries of the GPU; workspaces and fragmentation


class Preset(NamedTuple):
    """Network and length.

    Attributes:
        iterations: Iterations of each training of a segmentor.
        translator: Iterations of the translator.
        batch_size: Images of each domain in a step.
        workers: Processes that load images.
        translator_crop: Longest side of the translator's crops.
    """
    iterations: int
    translator: int
    batch_size: int
    workers: int
    translator_crop: int


PRESETS = {SMALL: Preset(300, 400, 4, 1, 128), FULL: Preset(20000, 40000, 2, 4, 256)}


@dataclass
class Plan:
    """All that the configs are written from.

    Attributes:
        out: Absolute path of the folder.
        source: Labelled images of the source domain.
        target: Images of the target domain.
        classes: Classes and the map of the source labels.
        sizes: Sizes of training images; scales of source and target.
        preset: 'small' or 'full'.
        iterations: Iterations of each training of a segmentor.
        translator_iterations: Iterations of the translator.
        rounds: Rounds of self-training.
        weights: Initial weights of the backbone: a path, a URL of torchvision, or '' for none.
        val: Labelled target images for scores, or None.
        labeled: Labelled target images for training, or None.
        maps: Maps of the labels of 'val' and 'labeled_target'.
        given_work_dir: Absolute path of the work directory of all trainings; '' for the default.
    """
    out: str
    source: Folder
    target: Folder
    classes: Classes
    sizes: Sizes
    preset: str
    iterations: int
    translator_iterations: int
    rounds: int
    weights: str = ''
    val: Optional[Folder] = None
    labeled: Optional[Folder] = None
    maps: Dict[str, Dict[Value, int]] = field(default_factory=dict)
    given_work_dir: str = ''

    @property
    def folders(self) -> List[Folder]:
        """All folders with images."""
        return [folder for folder in (self.source, self.target, self.labeled, self.val) if folder is not None]

    @property
    def base(self) -> str:
        """The folder of the shared configs, relative to `out` if both are in one checkout."""
        inside = self.out.startswith(osp.join(PROJECT, ''))
        return osp.relpath(BASE, self.out) if inside else BASE

    @property
    def base_note(self) -> str:
        """A comment on where the shared configs are, if the pair is outside of the checkout."""
        note = '# The shared configs are those of the installation of udas_mmseg that wrote this file.\n'
        return note if self.base == BASE else ''

    @property
    def translates(self) -> bool:
        """Whether MMagic, which translators need, is installed."""
        return importlib.util.find_spec('mmagic') is not None

    @property
    def work_dir(self) -> str:
        """The work directory of the configs' trainings, without the name of the config."""
        if self.given_work_dir:
            return self.given_work_dir
        parts = self.out.split(osp.sep)
        below = parts[len(parts) - parts[::-1].index('configs'):] if 'configs' in parts else []
        return osp.join('work_dirs', *(below or parts[-1:]))

    @property
    def sets_work_dir(self) -> bool:
        """Whether configs have to name it: outside of a folder `configs`, the default is the name of the file alone."""
        return bool(self.given_work_dir) or 'configs' not in self.out.split(osp.sep)[:-1]

    @property
    def name(self) -> str:
        """The name of the pair, and of the exported model."""
        return osp.basename(self.work_dir)


def check_base() -> None:
    """Check that the shared configs are there.

    Raises:
        FileNotFoundError: if `udas_mmseg` was copied without them.
    """
    if not osp.isdir(BASE):
        raise FileNotFoundError(f'{BASE} does not exist: the configs to build on are missing. Install the wheel of '
                                'udas_mmseg, or clone the repository and run `make setup`.')


def pixels_in_memory(gigabytes: float) -> int:
    """Return the number of pixels of a crop with which a training of ResNet-101 fits into the memory of a GPU.

    An estimate: the tensors that a step keeps for its backward pass grow with the pixels; weights, gradients and
    momentum do not; a margin of 30 % is for workspaces. It was not measured on a GPU.

    Args:
        gigabytes (float): Memory in 10^9 bytes.

    Raises:
        ValueError: if not even a crop of 128x128 fits.
    """
    spare = gigabytes * 1e9 - _FIXED - _PARAMETERS * _BYTES_PER_PARAMETER
    for_pixel = PRESETS[FULL].batch_size * _BYTES_PER_PIXEL * _MARGIN
    pixels = int(spare / for_pixel)
    if pixels < 128 * 128:
        needed = (_FIXED + _PARAMETERS * _BYTES_PER_PARAMETER + 128 * 128 * for_pixel) / 1e9
        raise ValueError(f'--memory {gigabytes:g}: ResNet-101 needs about {needed:.1f} GB even for crops of 128x128. '
                         'Take --preset small, whose network is far smaller.')
    return min(pixels, MAX_PIXELS)


def device_memory() -> float:
    """Return the memory of the first GPU in 10^9 bytes, 0 without one."""
    return torch.cuda.get_device_properties(0).total_memory / 1e9 if torch.cuda.is_available() else 0.0


def check_weights(weights: str) -> None:
    """Check that initial weights are there or can be downloaded, before a training needs them.

    Raises:
        OSError: if not; the message says what to do.
    """
    if weights and '://' not in weights and not osp.isfile(weights):
        raise FileNotFoundError(f'--weights {weights}: this file does not exist.')
    if weights != TORCHVISION:
        return
    from mmengine.runner.checkpoint import get_torchvision_models
    url = get_torchvision_models()['resnet101']
    cached = osp.join(torch.hub.get_dir(), 'checkpoints', osp.basename(url))
    if osp.exists(cached):
        return
    try:
        urllib.request.urlopen(urllib.request.Request(url, method='HEAD'), timeout=10).close()
    except OSError as error:
        raise OSError(f'the initial weights of ResNet-101 cannot be loaded from {url} ({error}). Either copy this file '
                      f'to {cached}, or give it with --weights FILE, or start from random weights with '
                      '--from-scratch, which needs more images and iterations.') from error
