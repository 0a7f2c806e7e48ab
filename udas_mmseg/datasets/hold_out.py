"""Images of a data set that are held out from training, to compare trained models on them."""
from dataclasses import dataclass
from typing import List, Sequence, Set

PARTS = ('training', 'held_out')
_FEWEST, _LARGEST_SHARE = 2, 4  # number of images that are held out at least; at most a quarter of all
_USUAL_SHARE = 8  # an eighth of the images of a small data set is held out


@dataclass(frozen=True)
class HoldOut:
    """Divides a data set into images for training and a few that are held out, in blocks of neighbours.

    Neighbours in a recording or a simulation look alike. If every n-th image were held out, nearly the same images
    would be in the training. The sorted images are therefore divided into equal parts, and the images in the middle of
    each part are held out. The choice depends only on the paths of the images.

    Args:
        images (int): Number of images to hold out. In small data sets, it is an eighth of them, but at least 2.
        blocks (int): Number of blocks, 1 or more. Defaults to 4.
        part (str): The images to use: 'training' or 'held_out'. Defaults to 'training'.

    Raises:
        ValueError: if a number is too small, or `part` is unknown.

    Example:
        >>> HoldOut(2, blocks=2, part='held_out').choose(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
        ['c', 'g']
    """
    images: int
    blocks: int = 4
    part: str = PARTS[0]

    def __post_init__(self) -> None:
        for name, lowest in (('images', _FEWEST), ('blocks', 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise ValueError(f'{name}={value!r} of hold_out: allowed are whole numbers from {lowest}.')
        if self.part not in PARTS:
            raise ValueError(f'part={self.part!r} of hold_out: allowed are {PARTS}.')

    def count(self, total: int) -> int:
        """Return the number of held-out images of a data set.

        Raises:
            ValueError: if the data set is too small.
        """
        if total < _FEWEST * _LARGEST_SHARE:
            raise ValueError(f'{total} images are too few to hold some out from training: at least '
                             f'{_FEWEST * _LARGEST_SHARE} are needed. Use more images, or train without `hold_out`; in '
                             "self-training, set keep='last', or select=dict(by='validation') with labelled "
                             'validation images.')
        return min(self.images, max(_FEWEST, total // _USUAL_SHARE))

    def choose(self, paths: Sequence[str]) -> List[str]:
        """Return the paths of the part, in their order.

        Args:
            paths (Sequence[str]): Paths of all images of the data set.

        Raises:
            ValueError: if there are too few.
        """
        held_out = self._held_out(sorted(paths))
        return [path for path in paths if (path in held_out) == (self.part == PARTS[1])]

    def _held_out(self, paths: Sequence[str]) -> Set[str]:
        count = self.count(len(paths))
        blocks = min(self.blocks, count)
        edges = [number * len(paths) // blocks for number in range(blocks + 1)]
        chosen: Set[str] = set()
        for number in range(blocks):
            size = (number + 1) * count // blocks - number * count // blocks
            first = (edges[number] + edges[number + 1] - size + 1) // 2
            chosen.update(paths[first:first + size])
        return chosen
