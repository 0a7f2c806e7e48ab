"""The folder of a round: what was selected for labelling."""
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..datasets.answered import SELECTION
from ..datasets.image_files import SampleError
from ..datasets.label_files import read_label
from ..datasets.label_maps import IGNORE
from ..pseudo_labels.writer import encode_png
from ..utils.files import replace_file, to_json

VERSION = 1
UNITS = ('points', 'regions', 'images')
MAX_UNITS = 65535  # of an image, as their numbers have 16 bits


@dataclass(frozen=True)
class Unit:
    """One thing that a person labels: a point, a region or a whole image.

    Attributes:
        id (int): Number in the image; 1 is the most useful unit.
        x (int): Column of a pixel of the unit.
        y (int): Row of this pixel.
        pixels (int): Number of pixels.
        clicks (int): Expected cost.
        predicted (int): Train id that the model predicts; 255 if the unit has several classes.
    """
    id: int
    x: int
    y: int
    pixels: int
    clicks: int
    predicted: int = IGNORE


@dataclass(frozen=True)
class SelectedImage:
    """An image of a round.

    Attributes:
        name (str): Path of its pseudo-label in a set, without '.png', such as 'ulm/ulm_000003_leftImg8bit'.
        path (str): Path of the image.
        width (int): Width in pixels.
        height (int): Height in pixels.
        score (float): Usefulness; higher is more useful.
        units (Sequence[Unit]): The units, most useful first, with the ids 1, 2, ...
    """
    name: str
    path: str
    width: int
    height: int
    score: float
    units: Sequence[Unit]


@dataclass
class Selection:
    """The selection of a round. `<folder>/selection.json` and `<folder>/units/<name>.png` contain it.

    Args:
        round (int): Number of the round, 1 or more.
        strategy (Mapping[str, Any]): Name and settings of the strategy.
        unit (str): 'points', 'regions' or 'images'.
        classes (Sequence[str]): Class of each train id.
        palette (Sequence): RGB colour of each train id, 0-255.
        images (Sequence[SelectedImage]): The images, most useful first.
        image_root (str): Folder that contains the images.
        model (Mapping[str, Any]): Config, checkpoint and SHA-256 of the model that selected.
        folder (Path, optional): The folder, after reading or writing.

    Raises:
        ValueError: if the unit or the round is not allowed, an image is listed twice, or its units are not numbered
            from 1.
    """
    round: int
    strategy: Mapping[str, Any]
    unit: str
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    images: Sequence[SelectedImage]
    image_root: str = ''
    model: Mapping[str, Any] = field(default_factory=dict)
    folder: Optional[Path] = None

    def __post_init__(self) -> None:
        if self.unit not in UNITS or self.round < 1:
            raise ValueError(f'unit={self.unit!r}, round={self.round}: allowed are the units {UNITS}, and rounds from '
                             '1.')
        self._by_name = {image.name: image for image in self.images}
        for name, count in Counter(image.name for image in self.images).items():
            ids = [unit.id for unit in self._by_name[name].units]
            if count > 1 or ids != list(range(1, len(ids) + 1)) or not 1 <= len(ids) <= MAX_UNITS:
                raise ValueError(f'{name}: {count} times, with {len(ids)} units; an image is listed once, and has 1 to '
                                 f'{MAX_UNITS} units with the ids 1, 2, ...')

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> SelectedImage:
        if name not in self:
            raise ValueError(f'{name} is not in round {self.round} ({self.folder}), which has {len(self.images)} '
                             f'images such as {[image.name for image in self.images[:3]]}. Choose the folder of its '
                             'round.')
        return self._by_name[name]

    @classmethod
    def read(cls, folder: Union[str, Path]) -> 'Selection':
        """Read the selection of a round.

        Raises:
            FileNotFoundError: if the folder has no complete selection.
            ValueError: if selection.json is damaged or of another version.
        """
        path = Path(folder, SELECTION)
        if not path.is_file():
            raise FileNotFoundError(f'{folder} is not the folder of a round: it has no {SELECTION}. Give a folder '
                                    '`round_<number>`; selecting again completes an interrupted selection.')
        try:
            found = json.loads(path.read_text(encoding='utf-8'))
            if found.pop('version') != VERSION:
                raise ValueError(f'its version is not {VERSION}')
            images = [SelectedImage(**{**image, 'units': [Unit(**unit) for unit in image['units']]})
                      for image in found.pop('images')]
            return cls(images=images, folder=Path(folder), **found)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path} cannot be read: {error}. Restore it, or select again.') from error

    def write(self, folder: Union[str, Path], unit_maps: Iterable[Tuple[str, np.ndarray]]) -> None:
        """Write the selection. The folder is complete when selection.json exists, which is written last.

        Args:
            folder (str | Path): The folder of the round.
            unit_maps (Iterable): Name and (H, W) ids of the units, 0 elsewhere, of each image.

        Raises:
            FileExistsError: if the folder has another selection.
            OSError: if a file cannot be written.
            ValueError: if a map is missing, has another size than its image, or other pixels than the units.
        """
        path, content = Path(folder, SELECTION), self._to_json()
        if path.is_file() and path.read_bytes() != content:
            raise FileExistsError(f'{path} is another selection. Nothing was changed: choose another round or folder.')
        missing = set(self._by_name)
        for name, units in unit_maps:
            image = self[name]
            counts = np.bincount(units.ravel(), minlength=len(image.units) + 1)[1:].tolist()
            if units.shape != (image.height, image.width) or counts != [unit.pixels for unit in image.units]:
                raise ValueError(f'{name}: the map has the shape {units.shape} and {sum(counts)} pixels in '
                                 f'{len(counts)} units, but the image is {image.height, image.width} with '
                                 f'{sum(unit.pixels for unit in image.units)} pixels in {len(image.units)} units.')
            replace_file(Path(folder, 'units', f'{name}.png'), encode_png(units.astype(np.uint16)))
            missing.discard(name)
        if missing:
            raise ValueError(f'{len(missing)} images have no map of their units, such as {sorted(missing)[0]}.')
        replace_file(path, content)
        self.folder = Path(folder)

    def totals(self) -> Tuple[int, int, int]:
        """Return the numbers of units, of their pixels, and of their expected clicks."""
        units = [unit for image in self.images for unit in image.units]
        return len(units), sum(unit.pixels for unit in units), sum(unit.clicks for unit in units)

    def unit_map(self, name: str) -> np.ndarray:
        """Return the units of an image: (H, W) integers, 0 where nothing was selected.

        Raises:
            SampleError: if the file is damaged, or does not have the size of the image.
            ValueError: if the image is not in the round.
        """
        image, path = self[name], f'{self.folder}/units/{name}.png'
        units = read_label(path)
        if units.shape != (image.height, image.width):
            raise SampleError(f'{path} is {units.shape[1]}x{units.shape[0]}, but {SELECTION} says {image.width}x'
                              f'{image.height} (width x height). Restore the folder.')
        return units

    def _to_json(self) -> bytes:
        entries = {name: getattr(self, name) for name in
                   ('round', 'strategy', 'unit', 'classes', 'palette', 'image_root', 'model')}
        return to_json(dict(version=VERSION, **entries, images=[asdict(image) for image in self.images]))
