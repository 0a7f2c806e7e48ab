"""Proposing the classes of a pair, and the maps from the label files of both domains onto them."""
import difflib
import os.path as osp
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ..datasets.label_colors import Color
from ..datasets.label_maps import IGNORE
from ..datasets.label_scan import IDS, LabelScan, Value
from .names import REST, ClassNames, format_value, is_void, names_text, normal

Ask = Callable[[str], str]
# Labels are taken to have the ids of the source if at most this share of the pixels has others, and so many are common
_NEW_SHARE, _COMMON = 0.15, 3
_ALIKE = 0.75  # of names one of which may be a misspelling of the other: difflib's ratio
# colours of classes whose label files have none, easy to tell apart
_COLORS: Tuple[Color, ...] = (
    (128, 64, 128), (244, 35, 232), (70, 130, 180), (107, 142, 35), (220, 20, 60), (250, 170, 30), (0, 0, 142),
    (152, 251, 152), (102, 102, 156), (0, 80, 100), (220, 220, 0), (190, 153, 153), (0, 0, 230), (119, 11, 32))


class UnknownValuesError(ValueError):
    """Target labels have ids or colours that nothing names."""


@dataclass
class Classes:
    """The classes of a pair.

    Attributes:
        names: Names, in the order of the train ids.
        palette: Colour of each class (red, green, blue).
        source_map: Id or colour in the source labels -> train id, or 255 to ignore it.
        doubts: Sentences about what is not sure.
    """
    names: List[str]
    palette: List[Color]
    source_map: Dict[Value, int]
    doubts: List[str] = field(default_factory=list)


def name_values(scan: LabelScan, given: Optional[ClassNames], title: str) -> Dict[Value, str]:
    """Give names to the ids or colours of labels.

    Args:
        scan (LabelScan): Their ids or colours.
        given (ClassNames, optional): Known names.
        title (str): Name of the labels in messages.

    Returns:
        dict: Name of each id or colour that has one. Names by position are those of the ids 0, 1, ...; if there are
            higher ids, but as many as names, the names are those of the ids in their order. If not all files were
            read, ids and colours that were not seen are included.

    Raises:
        ValueError: if there are too few names, names by position for colours, or an id that is not in the labels.
    """
    if given is None:
        return {}
    values = scan.values
    if given.names:
        if scan.form != IDS:
            raise ValueError(f'{given.origin}: the {title} labels have colours, and names alone do not say of which '
                             f'colours they are. Give --classes {names_text(values, [f"NAME{i}" for i in values])!r}.')
        ids = [value for value in values if isinstance(value, int)]
        if len(given.names) != len(ids) and max(ids) >= len(given.names):
            raise ValueError(f'{given.origin} has {len(given.names)} names, but the {title} labels have the ids '
                             f'{", ".join(map(str, ids))}. Give each id its name, such as 7=road,8=sidewalk,*=other.')
        by_position = dict(enumerate(given.names)) if max(ids) < len(given.names) else dict(zip(ids, given.names))
        return {value: name for value, name in by_position.items() if value in ids or scan.is_partial}
    strange = [value for value in given.by_value if isinstance(value, int) != (scan.form == IDS)]
    if strange:
        raise ValueError(f'{given.origin} names {format_value(strange[0])}, but the {title} labels have {scan.form}: '
                         f'{", ".join(map(format_value, values[:20]))}.')
    unseen = [value for value in given.by_value if value not in values] if scan.is_partial else []
    named = {value: given.by_value.get(value, given.rest) for value in (*values, *unseen)}
    return {value: name for value, name in named.items() if name}


def propose_classes(scan: LabelScan, given: Optional[ClassNames]) -> Classes:
    """Return the classes of the source, with the map onto them.

    Ids of the same name become one class, and those named 'void', 'ignore' and the like become 255. Ids without a name
    become classes named after themselves if there are no names at all, and 255 otherwise.

    Raises:
        ValueError: see `name_values`; or if fewer than two classes remain.
    """
    named, doubts = name_values(scan, given, 'source'), []
    if not named:
        prefix = 'class_' if scan.form == IDS else 'color_'
        named = {value: prefix + format_value(value).lstrip('#') for value in scan.values}
        doubts.append('No names of classes were found: give them with --classes, or write classes.txt beside the '
                      'labels.')
    order = list(given.by_value.values()) if given and given.by_value else []
    # names without pixels stay classes only if labels of the target may have them: they do not
    names = sorted({name for name in named.values() if not is_void(name)}, key=lambda name: (
        order.index(name) if name in order else len(order), list(named.values()).index(name)))
    if len(names) < 2:
        raise ValueError(f'the source labels have {len(names)} classes: {", ".join(names) or "none"} (ids or colours '
                         f'{", ".join(map(format_value, scan.values[:20]))}). A segmentation needs two or more; give '
                         'them with --classes.')
    mentioned = [*given.names, *given.by_value.values(), given.rest] if given else []
    unused = [name for name in dict.fromkeys(mentioned) if name and name not in named.values() and not is_void(name)]
    if unused:
        doubts.append(f'The source labels have no pixel of {", ".join(unused[:20])}: the model will not have '
                      f'{"this class" if len(unused) == 1 else "these classes"}.')
    source_map = {value: names.index(named[value]) if named.get(value, '-') in names else IGNORE
                  for value in dict.fromkeys((*scan.values, *named))}
    unnamed = [value for value in scan.values if value not in named]
    if unnamed:
        doubts.append(f'Without a name, and ignored: {", ".join(map(format_value, unnamed[:20]))}. To use them, give '
                      'all names with --classes.')
    return Classes(names, _palette(names, named, scan), source_map, doubts)


def _palette(names: Sequence[str], named: Dict[Value, str], scan: LabelScan) -> List[Color]:
    """Return the colours of classes in the labels if they differ, else colours that are easy to tell apart."""
    first = {name: next(value for value, other in named.items() if other == name) for name in names}
    found = [value if isinstance(value, tuple) else scan.palette.get(value) for value in first.values()]
    colors = [color for color in found if color is not None]
    if len(set(colors)) == len(names):
        return colors
    more = [(37 * number % 256, 91 * number % 256, 151 * number % 256) for number in range(len(_COLORS), len(names))]
    return [*_COLORS, *more][:len(names)]


def map_target(classes: Classes, scan: LabelScan, given: Optional[ClassNames], source: LabelScan, title: str,
               option: str, ask: Optional[Ask] = None) -> Tuple[Dict[Value, int], List[str]]:
    """Map the ids or colours of target labels onto the classes, by name if they have names.

    Args:
        classes (Classes): The classes.
        scan (LabelScan): Ids or colours of the target labels.
        given (ClassNames, optional): Their names.
        source (LabelScan): Ids or colours of the source labels.
        title (str): Name of the labels in messages.
        option (str): The option that gives their names.
        ask (Callable, optional): Asks the user for a name, on a terminal.

    Returns:
        tuple[dict, list[str]]: The map, and sentences about what is not sure.

    Raises:
        UnknownValuesError: if there are no names, and too many pixels have ids that the source does not have.
        ValueError: see `name_values`; or if the names have none in common with the classes.
    """
    named = name_values(scan, given, title)
    if not named:
        new = [value for value in scan.values if value not in source.pixels]
        if not new or (sum(map(scan.share, new)) <= _NEW_SHARE and len(scan.values) - len(new) >= _COMMON):
            other = f', and {", ".join(map(format_value, new))} are ignored' if new else ''
            doubt = (f'The {title} labels have no names: the same {scan.form} are taken for the same classes as in the '
                     f'source{other}. If not, give {option}.')
            return {value: classes.source_map.get(value, IGNORE) for value in scan.values}, [doubt]
        if ask is None:
            raise UnknownValuesError(_unknown_values(classes, scan, title, option))
        named = {value: ask(f'{title} labels, {format_value(value)}, {100 * scan.share(value):.1f} % of the pixels, '
                            f'as in {scan.examples[value]}.\nWhich class ({", ".join(classes.names)}; Enter: '
                            'ignored)? ').strip() or '-' for value in scan.values}
    return _map_by_name(classes, scan, named, title)


def _map_by_name(classes: Classes, scan: LabelScan, named: Dict[Value, str],
                 title: str) -> Tuple[Dict[Value, int], List[str]]:
    numbers = {normal(name): number for number, name in enumerate(classes.names)}
    rest = next((numbers[normal(name)] for name in REST if normal(name) in numbers), IGNORE)
    without = [name for name in dict.fromkeys(named.values()) if normal(name) not in numbers and not is_void(name)]
    found = {value: IGNORE if is_void(named.get(value, '-')) else numbers.get(normal(named[value]), rest)
             for value in dict.fromkeys((*scan.values, *named))}
    absent = [name for number, name in enumerate(classes.names) if number not in found.values()]
    doubts = []
    if without:
        where = 'ignored' if rest == IGNORE else f'mapped to {classes.names[rest]!r}'
        doubts.append(f'Classes of the {title} labels that the source does not have are {where}: '
                      f'{", ".join(_or_meant(name, absent) for name in without)}.')
    unnamed = [value for value in scan.values if value not in named]
    if unnamed:
        doubts.append(f'In the {title} labels without a name, and ignored: {", ".join(map(format_value, unnamed))}.')
    if absent:
        doubts.append(f'The {title} labels that were read have no pixel of {", ".join(absent)}.')
    if len(absent) == len(classes.names):
        raise ValueError(f'no class of the {title} labels ({", ".join(dict.fromkeys(named.values()))}) is a class of '
                         f'the source ({", ".join(classes.names)}). Give both the same names, or map ids or colours '
                         'with --target-classes, such as 3=road,4=sidewalk,*=other.')
    return found, doubts


def _or_meant(name: str, absent: Sequence[str]) -> str:
    """Return a name that the source does not have, with the class without a pixel of which it may be a misspelling."""
    meant = [other for other in absent if difflib.get_close_matches(normal(name), [normal(other)], 1, _ALIKE)]
    return f'{name} (did you mean {meant[0]}?)' if meant else name


def _unknown_values(classes: Classes, scan: LabelScan, title: str, option: str) -> str:
    listed = ', '.join(f'{format_value(value)} ({100 * scan.share(value):.1f} %, see '
                       f'{osp.basename(scan.examples[value])})' for value in scan.values[:12])
    more = f' and {len(scan.values) - 12} more' if len(scan.values) > 12 else ''
    some = names_text(scan.values[:3], ['NAME'] * 3)
    return (f'the {title} labels have other {scan.form} than the source, and nothing names them: {listed}{more}. Give '
            f"{option} '{some},...,*=NAME' with the names of the source: {', '.join(classes.names)}. The name - "
            'ignores, and *=NAME is for all others.')
