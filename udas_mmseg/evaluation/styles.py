"""Styles in which images are shown to a model: raw, translated, in the colours of other images, and dark."""
from typing import List, Sequence

import numpy as np

from ..datasets.transforms.style_transfer import fit_size, fourier_amplitude_transfer, lab_statistics_transfer

RAW, TRANSLATED, LAB, FDA, DARK = 'raw', 'translated', 'lab', 'fda', 'dark'
DEFAULT_STYLES = (RAW, TRANSLATED, LAB, LAB, FDA, DARK, DARK)
_WITH_REFERENCE = (LAB, FDA)
_BETA = 0.05  # of FDA; the paper uses 0.01, 0.05 and 0.09
_HALF_LIGHT, _GAMMA = 0.5, 2.2  # of the two dark styles


def check_styles(styles: Sequence[str]) -> None:
    """Check the names of styles.

    Raises:
        ValueError: for an unknown name, a name that is repeated too often, or no name.
    """
    known = (RAW, TRANSLATED, LAB, FDA, DARK)
    if not isinstance(styles, (list, tuple)) or not styles or not {*styles} <= {*known}:
        raise ValueError(f'styles={styles!r}: it must be a list of {", ".join(known)}.')
    for name, most in ((RAW, 1), (TRANSLATED, 1), (DARK, 2)):
        if list(styles).count(name) > most:
            raise ValueError(f'styles={styles!r}: {name} may be named {"once" if most == 1 else "twice"} at most.')


def number_names(styles: Sequence[str]) -> List[str]:
    """Number the styles that occur more than once: ['raw', 'lab 1', 'lab 2']."""
    names = []
    for place, style in enumerate(styles):
        number = list(styles[:place]).count(style) + 1
        names.append(f'{style} {number}' if list(styles).count(style) > 1 else style)
    return names


def count_references(styles: Sequence[str]) -> int:
    """Return the number of other images whose colours the styles use."""
    return sum(style in _WITH_REFERENCE for style in styles)


def apply_styles(image: np.ndarray, styles: Sequence[str], references: Sequence[np.ndarray]) -> List[np.ndarray]:
    """Show an image in several styles, except 'translated', for which it is needed in another version.

    Args:
        image (np.ndarray): (H, W, 3) uint8 BGR.
        styles (Sequence[str]): 'raw'; 'lab' and 'fda' in the colours of the next reference, see
            `lab_statistics_transfer` and `fourier_amplitude_transfer`; 'dark', at first with half the light, then with
            a gamma of 2.2, which darkens the shadows most.
        references (Sequence[np.ndarray]): (H', W', 3) uint8 BGR, `count_references` images.

    Returns:
        list[np.ndarray]: (H, W, 3) uint8 BGR for each style.
    """
    images, used, dark = [], iter(references), 0
    for style in styles:
        if style == LAB:
            images.append(lab_statistics_transfer(image, next(used)))
        elif style == FDA:
            images.append(fourier_amplitude_transfer(image, fit_size(next(used), image), _BETA))
        elif style == DARK:
            levels = np.arange(256) * _HALF_LIGHT if dark == 0 else 255 * (np.arange(256) / 255) ** _GAMMA
            images.append(np.rint(levels).astype(np.uint8)[image])
            dark += 1
        else:
            images.append(image)
    return images
