"""Views of an image in the style of another domain, so that pseudo-labels can be those on which the styles agree."""
import copy
import os.path as osp
from functools import lru_cache
from typing import List, Sequence, Tuple

import numpy as np
from mmseg.registry import TRANSFORMS

from ..image_folders import list_files
from .affine_map import AffineMap
from .auto_augment import SegAugment
from .loading import LoadVerifiedImage
from .style_transfer import fit_size, fourier_amplitude_transfer, lab_statistics_transfer

LAB, FDA, TRANSLATED = 'lab', 'fda', 'translated'
_ENDINGS = ('.png', '.jpg', '.jpeg')


@TRANSFORMS.register_module()
class SegStyles(SegAugment):
    """An image in styles of the source, one for each view: colours change, and nothing moves.

    View 0 is the image itself, view 1 has the first style, and so on. Without a number, as in a training pipeline, the
    style is drawn. See `SegAugment` for the keys.

    Args:
        styles (Sequence[str]): 'lab' (Lab statistics of a random source image), 'fda' (low-frequency amplitudes of a
            random source image), or 'translated' (the translation of the image into the source's style). A style may
            be repeated: each view draws its own source image. Defaults to ('lab', 'lab').
        source (str): Folder of the source images, for 'lab' and 'fda', relative to the current folder. Sub-folders are
            read, too.
        translated_root (str): Folder of the translations, for 'translated': the translation of `<image folder>/a/b.jpg`
            is `<translated_root>/a/b.png` or `.jpg`.
        beta (float): See `FourierAmplitudeTransfer`. Defaults to 0.05.

    Raises:
        ValueError: for an unknown style, a missing folder name, or a `beta` outside [0, 0.5].
        FileNotFoundError: if a folder does not exist or has no images, or an image has no translation.

    Source: docs/translation.md for the styles.
    """

    def __init__(self, styles: Sequence[str] = (LAB, LAB), source: str = '', translated_root: str = '',
                 beta: float = 0.05) -> None:
        needed = {LAB: ('source', source), FDA: ('source', source), TRANSLATED: ('translated_root', translated_root)}
        if not isinstance(styles, (list, tuple)) or not styles or not {*styles} <= {*needed}:
            raise ValueError(f'SegStyles: styles={styles!r}. It must be a list of {", ".join(needed)}.')
        if not 0 <= beta <= 0.5:
            raise ValueError(f'SegStyles: beta={beta}. Allowed are 0 (mean colour only) to 0.5.')
        for style in styles:
            name, folder = needed[style]
            if not folder:
                raise ValueError(f'SegStyles: the style {style!r} needs `{name}`, the folder of '
                                 f'{"source images" if name == "source" else "translations"}. Set it, or remove '
                                 f'{style!r} from styles={styles!r}.')
            if not osp.isdir(folder):
                raise FileNotFoundError(f'SegStyles: {name}={folder!r} is not a folder (looked in '
                                        f'{osp.abspath(osp.curdir)}). Correct `{name}`.')
        self.styles, self.source, self.translated_root, self.beta = tuple(styles), source, translated_root, beta
        self.number, self.name = 0, ''

    def of_view(self, number: int, name: str = '') -> 'SegStyles':
        """Return the augmentation that gives the view of this number, from 1, of the image with this path.

        Raises:
            ValueError: if there are fewer views.
        """
        if number > len(self.styles):
            raise ValueError(f'SegStyles has {len(self.styles)} styles, and so {len(self.styles) + 1} views with the '
                             f'image itself, but views={number + 1} or more were asked for. Set '
                             f'views={len(self.styles) + 1}, or give more styles.')
        chosen = copy.copy(self)
        chosen.number, chosen.name = number, name
        return chosen

    def view(self, image: np.ndarray, rng: np.random.Generator) -> Tuple[np.ndarray, AffineMap]:
        """See the class."""
        style = self.styles[(self.number or 1 + int(rng.integers(len(self.styles)))) - 1]
        if style == TRANSLATED:
            view = fit_size(_read(self._translation()), image)
        else:
            paths = _source_images(self.source)
            other = _read(osp.join(self.source, paths[int(rng.integers(len(paths)))]))
            view = lab_statistics_transfer(image, other) if style == LAB else fourier_amplitude_transfer(
                image, fit_size(other, image), self.beta)
        return view, AffineMap.identity(image.shape[:2])

    def _translation(self) -> str:
        """Return the path of the translation of the image."""
        if not self.name:
            raise ValueError("SegStyles: the style 'translated' is for views of pseudo-labelling, where images have a "
                             'name. Remove it in other places.')
        stem = osp.join(self.translated_root, osp.splitext(self.name)[0])
        found = [stem + ending for ending in _ENDINGS if osp.isfile(stem + ending)]
        if not found:
            raise FileNotFoundError(f'SegStyles: {self.name} has no translation {stem}.png (or .jpg). Translate all '
                                    "images that are labelled, or remove 'translated' from `styles`.")
        return found[0]

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(styles={self.styles}, source={self.source!r}, '
                f'translated_root={self.translated_root!r}, beta={self.beta})')


@lru_cache(maxsize=8)
def _source_images(folder: str) -> List[str]:
    """Return the sorted paths of all images below a folder."""
    paths = sorted(path for ending in _ENDINGS for path in list_files(folder, ending))
    if not paths:
        raise FileNotFoundError(f'SegStyles: source={folder!r} has no images ending in {", ".join(_ENDINGS)}.')
    return paths


def _read(path: str) -> np.ndarray:
    return LoadVerifiedImage().transform(dict(img_path=path))['img']
