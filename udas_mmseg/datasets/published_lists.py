"""List files of other authors, whose lines have other forms than those of this project."""
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from .list_files import Line, read_lines, repeated
from .translated import first_names

_LABELED, _UNLABELED = re.compile(r'(?<!un)labeled'), 'unlabeled'


class PublishedSplit(NamedTuple):
    """A labelled list and its complement.

    Args:
        files (list[Path]): The files that were read.
        labeled (list[str]): Sorted names of the labelled images.
        unlabeled (list[str]): Sorted names of the others.
    """
    files: List[Path]
    labeled: List[str]
    unlabeled: List[str]


def find_splits(paths: Sequence[Path]) -> List[Path]:
    """Return the labelled lists among files and folders: of a folder, all `*labeled*.txt` below it.

    Raises:
        FileNotFoundError: if a path does not exist, or a folder has no such list.
    """
    found: List[Path] = []
    for path in paths:
        of_path = [path] if path.is_file() else sorted(
            file for file in path.rglob('*.txt') if _LABELED.search(file.name))
        if not of_path:
            raise FileNotFoundError(f'{path} ' + ('has no list *labeled*.txt, at any depth.' if path.is_dir() else
                                                  'does not exist.') + ' Give the folder of the lists, or single '
                                    'lists of labelled images.')
        found += of_path
    return found


def read_split(labeled: Path, names: Sequence[str], suffix: str) -> PublishedSplit:
    """Read a labelled list, and the unlabelled one beside it if there is one (`unlabeled` in place of `labeled`).

    A line begins with the path of an image, with or without suffix and parent folders. Further columns, such as the
    path of the label, are not used.

    Args:
        labeled (Path): The labelled list.
        names (Sequence[str]): Names of all images of the user; see `list_files`.
        suffix (str): Suffix of the image files.

    Returns:
        PublishedSplit: Without a second list, all other names are unlabelled.

    Raises:
        ValueError: if a line is none of the user's images, a name occurs twice, or is in both lists.
    """
    known = _Known(names, suffix)
    chosen = known.names_in(labeled)
    second = labeled.with_name(_LABELED.sub(_UNLABELED, labeled.name))
    if second == labeled or not second.is_file():
        return PublishedSplit([labeled], chosen, sorted(set(names) - set(chosen)))
    others = known.names_in(second)
    shared = sorted(set(chosen) & set(others))
    if shared:
        raise ValueError(f'{len(shared)} images are both in {labeled} and in {second}: {first_names(shared)}. Remove '
                         'them from the second list.')
    return PublishedSplit([labeled, second], chosen, others)


class _Known:
    """The user's images, by all ends of their paths that only one of them has."""

    def __init__(self, names: Sequence[str], suffix: str) -> None:
        self.suffix = suffix
        self.count = len(names)
        self.by_end: Dict[str, Optional[str]] = {}
        for name in names:
            parts = name.split('/')
            for start in range(len(parts)):
                end = '/'.join(parts[start:])
                self.by_end[end] = None if end in self.by_end else name

    def names_in(self, path: Path) -> List[str]:
        """Return the sorted names of the images in a list."""
        lines = read_lines(path)
        found = [self._name(line) for line in lines]
        lost = [line for line, name in zip(lines, found) if name is None]
        if lost:
            raise ValueError(f'{len(lost)} of {len(lines)} lines of {path} are none of the {self.count} images, such '
                             f'as line {lost[0].number}: {lost[0].name!r}. A line must begin with the path of an '
                             f'image, such as {next(iter(self.by_end))!r}. Check IMAGE_FOLDER, --suffix and --among, '
                             'and that the list is of this data set.')
        names = [name for name in found if name is not None]
        double = repeated(names)
        if double:
            raise ValueError(f'{path} has {len(double)} images more than once: {first_names(double)}. Remove the '
                             'repetitions.')
        return sorted(names)

    def _name(self, line: Line) -> Optional[str]:
        path = re.split(r'[\s,;]', line.name)[0].replace('\\', '/')
        stem = path[:-len(self.suffix)] if path.endswith(self.suffix) else re.sub(r'\.\w+$', '', path)
        parts = stem.split('/')
        ends = ('/'.join(parts[start:]) for start in range(len(parts)))  # the longest first
        return next((self.by_end[end] for end in ends if self.by_end.get(end)), None)
