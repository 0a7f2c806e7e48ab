"""Exporting a segmentor to files, and comparing the predictions of these files with the original."""
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import mmcv
import mmengine
import mmseg
import numpy as np
import torch
from mmengine.config import Config
from mmseg.apis import init_model
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ..models.checkpoint_fit import data_metainfo
from ..models.trained import build_original, load_checkpoint
from ..utils.digests import config_digest
from ..version import __version__
from .plain_config import export_config, export_state_dict

# of logits, relative to the largest one; sums in convolutions have another order
TOLERANCE = 1e-5


# of the image on which predictions are compared: an odd and an even number, because layers round sizes, and large
# enough for a dilation of 24 to have an effect at stride 8
_SIZE = (257, 320)
_DIVISORS = (2, 4, 8, 16, 32, 64, 128)


class Exported(NamedTuple):
    """The written files, notes, and the largest difference of the logits relative to the largest logit.

    `size` is the height and width of the image for which the difference was computed.
    """
    config: Path
    checkpoint: Path
    notes: List[str]
    difference: float
    size: Tuple[int, int] = _SIZE


def export_segmentor(cfg: Config, checkpoint: str, out: str, name: str) -> Exported:
    """Write `<out>/<name>.py` and `<out>/<name>.pth` for MMSegmentation without this package.

    Args:
        cfg (Config): Config of the trained model.
        checkpoint (str): Its checkpoint.
        out (str): Output folder, which is created if it does not exist. Existing files with these names are replaced
            after the new ones have been checked.
        name (str): Name of both files.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the model has no equivalent, the checkpoint does not match it, its classes are not known, or the
            written files give other predictions. The new files are removed in this case.
    """
    exported = export_config(cfg)
    content = load_checkpoint(checkpoint)
    original = build_original(cfg, content)
    meta = dict(
        dataset_meta=find_dataset_meta(cfg, content.get('meta') or {}, original.num_classes),
        source=dict(config=name, config_digest=config_digest(cfg.to_dict()), checkpoint=os.path.basename(checkpoint)),
        versions=dict(udas_mmseg=__version__, mmsegmentation=mmseg.__version__, mmengine=mmengine.__version__,
                      mmcv=mmcv.__version__, torch=str(torch.__version__)))
    needs = 'the packages below' if 'custom_imports' in exported.config else 'nothing of udas_mmseg'
    header = [f'Exported by udas_mmseg {__version__} from {name}. Needs MMSegmentation 1.x, and {needs}.']
    text = ''.join(f'# {line}\n' for line in header + exported.notes) + Config(exported.config).pretty_text
    weights = export_state_dict(content.get('state_dict', content), cfg)
    Path(out).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix='.export-', dir=out))
    try:
        config_file, weights_file = folder / f'{name}.py', folder / f'{name}.pth'
        config_file.write_text(text, encoding='utf-8')
        torch.save(dict(meta=meta, state_dict=weights), weights_file)
        size = comparison_size(original, exported.config['test_pipeline'])
        difference = check_files(original, config_file, weights_file, size)
        for file in (weights_file, config_file):
            os.replace(file, Path(out, file.name))
    finally:
        shutil.rmtree(folder)
    return Exported(Path(out, config_file.name), Path(out, weights_file.name), exported.notes, difference,
                    size)


def find_dataset_meta(cfg: Config, meta: Mapping[str, Any], num_classes: int) -> Dict[str, list]:
    """Return classes and palette from the `meta` of a checkpoint, or else from the data sets of the config.

    Raises:
        ValueError: if neither has them, or their number is not `num_classes`.
    """
    found = meta.get('dataset_meta') or {}
    if found.get('classes') is None or found.get('palette') is None:
        found = data_metainfo(cfg)
    if not found.get('classes'):
        raise ValueError('neither the checkpoint nor test_dataloader.dataset has the names of the classes. Add '
                         '`metainfo=dict(classes=(...), palette=[...])` to this data set.')
    classes = [str(name) for name in found['classes']]
    if len(classes) != num_classes:
        raise ValueError(f'the model has num_classes={num_classes}, but there are {len(classes)} class names: '
                         f'{tuple(classes)}. Correct `metainfo.classes` of test_dataloader.dataset.')
    return dict(classes=classes, palette=[[int(value) for value in colour] for colour in found['palette']])


def comparison_size(model: nn.Module, pipeline: Sequence[Mapping[str, Any]]) -> Tuple[int, int]:
    """Return the size of an image on which a model can be compared with another one.

    Most networks can predict any size. Others need the size that their test pipeline gives images, or one that is
    divisible by a number, such as UNet.

    Args:
        model (nn.Module): A segmentor in evaluation mode.
        pipeline (Sequence[Mapping]): Its test pipeline.

    Returns:
        tuple[int, int]: Height and width.

    Raises:
        ValueError: if the model cannot predict any of the sizes that are tried.
    """
    multiples = [(_odd_multiple(_SIZE[0], divisor), _odd_multiple(_SIZE[1], divisor)) for divisor in _DIVISORS]
    problem: Optional[Exception] = None
    for size in (_SIZE, size_after(pipeline, _SIZE), *multiples):
        try:
            _logits(model, size)
            return size
        except Exception as error:  # any network may fail in its own way
            problem = problem or error
    raise ValueError(f'the model cannot predict an image of {_SIZE[1]}x{_SIZE[0]} pixels, nor one of a size that is '
                     f'divisible by up to {_DIVISORS[-1]}, so it cannot be compared with the exported one. For the '
                     f'first size: {type(problem).__name__}: {problem}') from problem


def _odd_multiple(length: int, divisor: int) -> int:
    """Round up to an odd multiple of a power of two, which no larger power of two divides."""
    return divisor * (-(-length // divisor) | 1)


def size_after(pipeline: Sequence[Mapping[str, Any]], size: Tuple[int, int]) -> Tuple[int, int]:
    """Return the height and width that a test pipeline gives an image of a size; the same size if it needs a file."""
    results: Dict[str, Any] = dict(img=np.zeros((*size, 3), np.uint8), img_shape=size, ori_shape=size, seg_fields=[])
    try:
        for step in pipeline:
            if not step['type'].startswith(('Load', 'Pack')):
                results = TRANSFORMS.build(dict(step))(results)
    except Exception:  # any transform may fail in its own way
        return size
    return results['img'].shape[:2]


def check_files(original: nn.Module, config_file: Path, weights_file: Path, size: Tuple[int, int] = _SIZE) -> float:
    """Load exported files in the same way as their user, and compare the model with the original.

    Args:
        original (nn.Module): The original segmentor, in evaluation mode.
        config_file (Path): The exported config.
        weights_file (Path): The exported weights.
        size (tuple[int, int]): Height and width of the image, see `comparison_size`.

    Returns:
        float: See `compare_models`.

    Raises:
        ValueError: if weights are missing or unused, or the logits differ.
    """
    exported = init_model(str(config_file), str(weights_file), device='cpu')
    written = torch.load(weights_file, map_location='cpu', weights_only=True)['state_dict']
    odd = sorted(written.keys() ^ exported.state_dict().keys())
    if odd:
        raise ValueError(f'the exported model and its weights differ in {len(odd)} entries ({", ".join(odd[:3])}); the '
                         'files were removed. The component with these entries has no equivalent in MMSegmentation.')
    difference = compare_models(original, exported, size)
    if not difference <= TOLERANCE:  # also true for nan
        raise ValueError(f'the exported model gives other predictions: its logits differ by {difference:.1e} of the '
                         f'largest one, {TOLERANCE:.0e} is allowed; the files were removed. Does the segmentor '
                         'override prediction methods?')
    return difference


def compare_models(original: nn.Module, exported: nn.Module, size: Tuple[int, int] = _SIZE) -> float:
    """Compute the largest difference between the logits of two segmentors on a random image, including preprocessing.

    Args:
        original (nn.Module): A segmentor in evaluation mode.
        exported (nn.Module): Another segmentor in evaluation mode.
        size (tuple[int, int]): Height and width of the image.

    Returns:
        float: Largest difference of the main and the auxiliary heads, relative to the largest logit.
    """
    differences = [(a - b).abs().max() / a.abs().max().clamp(min=1e-6)
                   for a, b in zip(_logits(original, size), _logits(exported, size))]
    return float(torch.stack(differences).max())


def _logits(model: nn.Module, size: Tuple[int, int]) -> List[Tensor]:
    """Return the logits of the prediction and of each auxiliary head."""
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sample = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))
    with torch.no_grad():
        batch = model.data_preprocessor(dict(inputs=[image], data_samples=[sample]), False)
        logits = [model.predict(**batch)[0].seg_logits.data]
        if model.with_auxiliary_head:
            heads = model.auxiliary_head if isinstance(model.auxiliary_head, nn.ModuleList) else [model.auxiliary_head]
            features = model.extract_feat(batch['inputs'])
            for output in (head(features) for head in heads):
                logits.extend([output] if isinstance(output, Tensor) else output)
    return logits
