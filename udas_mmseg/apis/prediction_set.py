"""Writing the predictions for a set of images or videos to disk."""
import io
import os.path as osp
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from PIL import Image

from ..datasets.image_files import is_older, is_whole
from ..datasets.thresholds import encode_confidence
from ..pseudo_labels.writer import encode_png
from ..utils.file_set import FileSetWriter
from ..utils.files import path_below, to_json
from ..utils.processes import in_first_process
from ..visualization import add_legend
from .image_list import output_names
from .result import PredictionResult

KINDS = ('overlay', 'mask', 'confidence')
FORMATS = ('jpg', 'png')
LEGEND, CLASSES = 'legend.png', 'classes.json'
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
_WIDTH = 640  # of the legend


@dataclass(frozen=True)
class PredictionOptions:
    """Options of predicting a folder.

    Args:
        what (Sequence[str]): Files to write for each image: 'overlay', the classes in their colours over the image;
            'mask', a palette PNG whose indices are train ids; 'confidence', an 8-bit PNG (255 is 1.0). Defaults to
            overlay and mask.
        opacity (float): Opacity of the colours in overlays, 0-1. Defaults to 0.5.
        overlay_format (str): 'jpg' or 'png', of overlays. Defaults to 'jpg'.
        batch_size (int): Number of images that are predicted at once if the network sees them at the same size.
            Defaults to 1.
        workers (int): Number of processes that load images. Defaults to 2.
        max_broken (int): Number of images that may be skipped because they cannot be read. Defaults to 0.
        codec (str): Four characters that name the codec of overlay videos. Defaults to 'mp4v'.

    Raises:
        ValueError: if a value is outside its range.
    """
    what: Sequence[str] = ('overlay', 'mask')
    opacity: float = 0.5
    overlay_format: str = 'jpg'
    batch_size: int = 1
    workers: int = 2
    max_broken: int = 0
    codec: str = 'mp4v'

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.what if kind not in KINDS]
        if isinstance(self.what, str) or unknown or not self.what:
            raise ValueError(f'what={self.what!r}: allowed is a list of one or more of {KINDS}.')
        if not 0 <= self.opacity <= 1:
            raise ValueError(f'opacity={self.opacity}: it must be 0 to 1.')
        if self.overlay_format not in FORMATS:
            raise ValueError(f'overlay_format={self.overlay_format!r}: allowed are {FORMATS}.')
        for name, lowest in (('batch_size', 1), ('workers', 0), ('max_broken', 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < lowest:
                raise ValueError(f'{name}={value!r}: allowed are integers of {lowest} or more.')
        if len(self.codec) != 4:
            raise ValueError(f'codec={self.codec!r}: codecs have names of four characters, such as mp4v or MJPG.')

    @property
    def kinds(self) -> Tuple[str, ...]:
        """The kinds of files, in the order of `KINDS`."""
        return tuple(kind for kind in KINDS if kind in self.what)


class PredictionWriter(FileSetWriter):
    """Writes predictions to the folders `overlay`, `mask` and `confidence`, with the sub-folders of the images.

    Images that differ in their suffix alone keep it: `mask/a.jpg.png` and `mask/a.png.png`. See `FileSetWriter`; the
    folder also has `classes.json` and `legend.png` with the name and colour of each class. A file that is older than
    its image is written again.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images.
        image_root (str): The folder that contains the images.
        predictor (Mapping[str, Any]): Description of the model, see `FileSetWriter`.
        classes (Sequence[str]): Name of each train id.
        palette (Sequence): RGB colour of each train id, 0-255.
        options (PredictionOptions): Kinds of files.
        overwrite (bool): Whether to replace files from other settings. Defaults to False.
        ids (Sequence[int], optional): Id in masks of each train id, 0-255. Defaults to the train ids themselves.
    """

    def __init__(self,
                 out: str,
                 images: Sequence[str],
                 image_root: str,
                 predictor: Mapping[str, Any],
                 classes: Sequence[str],
                 palette: Sequence[Sequence[int]],
                 options: PredictionOptions,
                 overwrite: bool = False,
                 ids: Optional[Sequence[int]] = None) -> None:
        self.classes, self.palette, self.options = tuple(classes), tuple(palette), options
        self.ids = list(range(len(classes)) if ids is None else ids)
        settings = dict(what=list(options.kinds), classes=self.listing(), **self.drawing())
        compared = dict(what='choice of files', classes='list of classes', **{name: name for name in self.drawing()})
        super().__init__(out, images, image_root, 'predictor', predictor, settings, compared, appears_whole=False,
                         overwrite=overwrite)

    def listing(self) -> List[Dict[str, Any]]:
        """Return id, name and colour of each class."""
        return [dict(id=number, name=name, color=list(map(int, color)))
                for number, name, color in zip(self.ids, self.classes, self.palette)]

    def drawing(self) -> Dict[str, Any]:
        """Return the settings that affect overlays alone."""
        options = self.options
        return dict(opacity=options.opacity, format=options.overlay_format) if 'overlay' in options.kinds else {}

    def name_files(self, image_root: str, endings: Sequence[str]) -> List[Tuple[str, ...]]:
        """Return the files of each image, one of each kind."""
        names = output_names([path_below(image, image_root) for image in self.images])
        return [tuple(self.file_of(kind, name) for kind in self.options.kinds) for name in names]

    def file_of(self, kind: str, name: str) -> str:
        """Return the path of a file below the folder."""
        return osp.join(kind, f'{name}.{self.options.overlay_format if kind == "overlay" else "png"}')

    def begin(self, update: bool = False) -> List[int]:
        """Create the folder with its legend, or continue with an existing one; see `FileSetWriter`."""
        pending = super().begin(update)
        self._write(CLASSES, to_json(self.listing()))
        self._write(LEGEND, draw_legend(self.classes, self.palette, self.ids))
        return pending

    def is_done(self, index: int) -> bool:
        """Whether all files of an image are complete and not older than the image."""
        paths = [str(self.folder / file) for file in self.files[index]]
        return all(is_whole(path) and not is_older(path, self.images[index]) for path in paths)

    def write(self, index: int, result: PredictionResult) -> None:
        """Write the files of one image. May be called from several threads.

        Raises:
            OSError: if a file cannot be written. Files that were written before are kept.
        """
        self.put(index, *(self.encode(kind, result, file)
                          for kind, file in zip(self.options.kinds, self.files[index])))

    def encode(self, kind: str, result: PredictionResult, file: str) -> bytes:
        """Return the content of a file of one kind.

        Raises:
            ValueError: if the image is too large for a JPEG file.
        """
        if kind == 'mask':
            return encode_mask(result.mask, self.palette, self.ids)
        if kind == 'confidence':
            assert result.confidence is not None
            return encode_png(encode_confidence(torch.from_numpy(result.confidence)))
        overlay = result.overlay(self.options.opacity)
        if self.options.overlay_format == 'png':
            return encode_png(overlay)
        done, data = cv2.imencode('.jpg', overlay, _QUALITY)
        if not done:
            raise ValueError(f'{file}: an image of {overlay.shape[1]}x{overlay.shape[0]} is too large for a JPEG file. '
                             "Choose overlay_format='png' (--overlay-format png).")
        return data.tobytes()

    def _list(self, folder: Path) -> Set[str]:
        return {file for file in super()._list(folder) if file != LEGEND}


def begin_set(writer: FileSetWriter, update: bool) -> List[int]:
    """Begin or continue a set, and return the numbers of the images or videos to predict, in every process."""
    pending = in_first_process(lambda: writer.begin(update))
    if is_main_process() and len(pending) < len(writer.names):
        print(f'{len(writer.names) - len(pending)} of {len(writer.names)} predictions are kept from an earlier run.',
              file=sys.stderr)
    return pending


def encode_mask(mask: np.ndarray, palette: Sequence[Sequence[int]], ids: Sequence[int]) -> bytes:
    """Encode train ids (H, W) uint8 as a PNG file with 8-bit indices and the colours of the classes.

    Args:
        mask (np.ndarray): (H, W) uint8 train ids.
        palette (Sequence): RGB colour of each train id, 0-255.
        ids (Sequence[int]): Index of each train id in the file, 0-255. Of train ids with the same index, the first one
            gives the colour.
    """
    picture = Image.fromarray(np.array(ids, np.uint8)[mask])
    colors = np.zeros((256, 3), np.uint8)  # with fewer colours, Pillow stores fewer than 8 bits
    for number, color in reversed(list(zip(ids, palette))):
        colors[number] = color
    picture.putpalette(colors.tobytes())
    file = io.BytesIO()
    picture.save(file, 'PNG', compress_level=1)
    return file.getvalue()


def draw_legend(classes: Sequence[str], palette: Sequence[Sequence[int]], ids: Sequence[int]) -> bytes:
    """Draw the classes with their ids and colours, as a PNG file."""
    names = [f'{number} {name}' for number, name in zip(ids, classes)]
    return encode_png(add_legend(np.zeros((0, _WIDTH, 3), np.uint8), names, palette))


def written_ids(cfg: Config, count: int) -> List[int]:
    """Return the ids that masks have for the train ids: those of `prediction_ids` of the config, or the train ids.

    Args:
        cfg (Config): A config, optionally with `prediction_ids`: a dict from each train id to an id in 0-255.
        count (int): Number of classes.

    Raises:
        ValueError: if a train id is missing or unknown, or an id is not in 0-255.
    """
    found = cfg.get('prediction_ids')
    if found is None:
        return list(range(count))
    wanted = {int(train_id): number for train_id, number in found.items()}
    if sorted(wanted) != list(range(count)) or not all(
            isinstance(number, int) and 0 <= number <= 255 for number in wanted.values()):
        raise ValueError(f'prediction_ids={dict(found)}: it must map each of the train ids 0-{count - 1} to an id in '
                         '0-255.')
    return [wanted[number] for number in range(count)]
