"""Groups of images by a rule on their paths, such as sequence, city or time of day."""
import math
import os
import os.path as osp
import re
from fnmatch import fnmatchcase
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .list_files import read_list

MEAN, WORST = 'mean', 'worst'  # names beside those of the groups
_RULES = ('pattern', 'globs', 'lists')


class ImageGroups:
    r"""Groups of images by a rule on their paths; every image belongs to one group. Give exactly one of three rules.

    Args:
        pattern (str, optional): Regular expression that is searched in the path of an image, with `/` between folders.
            The name of the group is the first of its parenthesised parts that matches.
        globs (Mapping[str, str], optional): Name -> pattern such as `'frankfurt/*'` or `'*_night_*'` for the end of the
            path, from the beginning of a folder or file name. `*` also matches `/`.
        lists (Mapping[str, str], optional): Name -> list file with the paths of the images below their folder and
            without suffix, as in `ann_file`.
        suffix (str): For `lists`, the suffix of the image files, such as '_leftImg8bit.png'. Defaults to '', which is
            the file extension.
        rest (str, optional): Name of the group of all images that the rule leaves out. Defaults to None: such an image
            is an error.
        not_in_mean (Sequence[str]): Groups that are left out of the mean and of the worst score over the groups.
        allow_empty (bool): Whether named groups may have no images. Defaults to False.

    Raises:
        ValueError: for rules that are missing, malformed or contradict each other.

    Example:
        >>> ImageGroups(pattern=r'/([a-z]+)_\d+_\d+_left').group_of('lindau/lindau_000000_000019_leftImg8bit.png')
        'lindau'
    """

    def __init__(self,
                 pattern: Optional[str] = None,
                 globs: Optional[Mapping[str, str]] = None,
                 lists: Optional[Mapping[str, str]] = None,
                 suffix: str = '',
                 rest: Optional[str] = None,
                 not_in_mean: Sequence[str] = (),
                 allow_empty: bool = False) -> None:
        given = [name for name, rule in zip(_RULES, (pattern, globs, lists)) if rule]
        if len(given) != 1:
            raise ValueError(f'groups of images have the rules {given}: give one of {", ".join(_RULES)}, such as '
                             r"groups=dict(pattern=r'/([a-z]+)_\d+_\d+_leftImg8bit'), which is the city of an image "
                             'of Cityscapes.')
        if isinstance(not_in_mean, str):
            raise ValueError(f'groups.not_in_mean={not_in_mean!r}: it must be a list of names, [{not_in_mean!r}].')
        self.pattern = None if pattern is None else _compile(pattern)
        self.globs, self.suffix, self.rest = dict(globs or {}), suffix, rest
        self.not_in_mean, self.allow_empty = tuple(not_in_mean), allow_empty
        self.names: List[str] = [*(globs or {}), *(lists or {}), *([rest] if rest is not None else [])]
        self._group_of_name = _read_lists(lists or {})
        self._rule = f'{given[0]}={pattern or globs or lists!r}'
        taken = [name for name in self.names if name in (MEAN, WORST)]
        if taken or len(set(self.names)) < len(self.names):
            raise ValueError(f'groups of images are named {self.names}: use each name once, and neither {MEAN!r} nor '
                             f'{WORST!r}, which are scores over all groups.')

    def group_of(self, path: str) -> str:
        """Return the name of the group of an image.

        Raises:
            ValueError: if the image belongs to no group, or to several.
        """
        path = path.replace(os.sep, '/')
        found = self._matching(path)
        if not found and self.rest is not None:
            return self.rest
        if len(found) != 1:
            how = f'belongs to {len(found)} groups: {", ".join(found)}' if found else 'belongs to no group'
            fix = 'Make the rules exclusive.' if found else \
                "Change the rule, or collect all other images with groups.rest='other'."
            raise ValueError(f'{path} {how} of {self._rule}. {fix}')
        if found[0] in (MEAN, WORST):
            raise ValueError(f'{path} belongs to a group named {found[0]!r}, which is the name of a score over all '
                             f'groups. Change {self._rule}.')
        return found[0]

    def check(self, paths: Sequence[str]) -> Dict[str, int]:
        """Check that the groups fit a set of images.

        Args:
            paths (Sequence[str]): Paths of all images.

        Returns:
            dict[str, int]: Group -> number of its images, in the order of the names.

        Raises:
            ValueError: if an image belongs to no group or to several, or a group has no images.
        """
        groups = [self.group_of(path) for path in paths]
        counts = {name: groups.count(name) for name in dict.fromkeys([*self.names, *sorted(set(groups))])}
        empty = [name for name in dict.fromkeys([*counts, *self.not_in_mean]) if not counts.get(name)]
        if not self.allow_empty and (empty or set(counts) == {self.rest}):
            what = f'no images in the groups {empty}' if empty else f'all {len(groups)} images in {self.rest!r}'
            raise ValueError(f'{self._rule} finds {what}; it finds {counts}. Correct the rule, or remove the groups '
                             f'without images. A path is, for example, {paths[0] if paths else "missing"}.')
        return counts

    def mean_and_worst(self, scores: Mapping[str, float]) -> Tuple[float, float]:
        """Return the mean over the groups and the lowest score; groups of `not_in_mean` do not count.

        Args:
            scores (Mapping[str, float]): Group -> score.

        Returns:
            tuple[float, float]: Not a number if no group counts.
        """
        counted = [score for name, score in scores.items() if name not in self.not_in_mean and math.isfinite(score)]
        return (sum(counted) / len(counted), min(counted)) if counted else (math.nan, math.nan)

    def _matching(self, path: str) -> List[str]:
        if self.pattern is not None:
            match = self.pattern.search(path)
            parts = [part for part in match.groups() if part] if match else []
            return parts[:1]
        if self.globs:
            return [name for name, glob in self.globs.items() if fnmatchcase(f'/{path}', f'*/{glob}')]
        if self.suffix and not path.endswith(self.suffix):
            return []
        parts = (path[:-len(self.suffix)] if self.suffix else osp.splitext(path)[0]).split('/')
        tails = ['/'.join(parts[start:]) for start in range(len(parts))]
        return list(dict.fromkeys(group for tail in tails for group in self._group_of_name.get(tail, ())))


def check_evaluator(evaluator: Any, paths: Sequence[str], name: str) -> List[str]:
    """Check that the groups of the metrics in an evaluator fit the images.

    Args:
        evaluator (dict | list[dict]): `val_evaluator` or `test_evaluator` of a config.
        paths (Sequence[str]): Paths of all images that it scores.
        name (str): Its key, for the lines.

    Returns:
        list[str]: A line about each metric with groups.

    Raises:
        ValueError: see `ImageGroups`.
    """
    lines = []
    for metric in metrics_with_groups(evaluator):
        try:
            counts = ImageGroups(**metric['groups']).check(paths)
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f'{name}.groups: {error}') from error
        lines.append(f'{name}: groups of images: ' + ', '.join(f'{group} {count}' for group, count in counts.items()))
    return lines


def metrics_with_groups(evaluator: Any) -> List[Dict[str, Any]]:
    """Return the configs in `val_evaluator` or `test_evaluator` that have groups."""
    found = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    return [metric for metric in found if isinstance(metric, dict) and metric.get('groups')]


def _compile(pattern: str) -> 're.Pattern[str]':
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f'groups.pattern={pattern!r} is not a regular expression: {error}.') from error
    if not compiled.groups:
        raise ValueError(f'groups.pattern={pattern!r} has no part in parentheses, which gives the name of the group: '
                         "pattern='/(0016E5|0001TP)_'.")
    return compiled


def _read_lists(lists: Mapping[str, str]) -> Dict[str, List[str]]:
    """Return the groups of each name in list files.

    Raises:
        ValueError: if a list does not exist or has no names.
    """
    groups: Dict[str, List[str]] = {}
    for group, path in lists.items():
        names = read_list(path) if osp.isfile(path) else []
        if not names:
            state = 'has no names' if osp.isfile(path) else 'does not exist'
            raise ValueError(f'the list {path} of the group {group!r} {state}. Correct groups.lists.')
        for name in names:
            groups.setdefault(name, []).append(group)
    return groups
