"""Reading the `self_training` entry of a config: defaults, checks, and the settings of each round."""
from typing import Any, Collection, Dict, List, Mapping, NamedTuple, Optional, Tuple, Type

from .stage import REQUIRED, STAGE_KINDS, Stage

# kinds of stages, in order
STAGES: Dict[str, Tuple[str, ...]] = dict(
    before=('source_only', 'translator', 'translate', 'warm_up', 'adapt'), each_round=('label', 'student'),
    after=('export', 'report'))
KEEP = ('best', 'last')  # what the next round starts from: the better one of student and teacher, or the student
SELECT = 'select'  # the kind of stage that compares them
_ROUNDS = 'per_round'


class Settings(NamedTuple):
    """A checked `self_training` entry with all defaults.

    Attributes:
        rounds: Number of rounds.
        kinds: 'before', 'each_round' and 'after' -> name and class of each kind of stage, in order.
        parts: Settings by part, with `per_round` if it was given; None for a part that is left out.
    """
    rounds: int
    kinds: Dict[str, List[Tuple[str, Type[Stage]]]]
    parts: Dict[str, Optional[Dict[str, Any]]]

    def left_out(self, number: int) -> List[str]:
        """Return the roles that no stage gives in a round, because `per_round` has None for it."""
        return [role for name, kind in self.kinds['each_round'] if number and self._of_round(name, kind, number) is None
                for role in kind.gives]

    def of_stage(self, name: str, kind: Type[Stage],
                 number: int) -> Optional[Tuple[Dict[str, Any], Tuple[Mapping[str, Any], ...]]]:
        """Return the settings and options of a stage in a round (0: outside the rounds); None if it is left out.

        An entry of `per_round` overrides the other settings; rounds after the last entry use the last one. The entry
        None leaves the stage out.
        """
        part, over = self.parts[kind.part or name], self._of_round(name, kind, number)
        if part is None or over is None:
            return None
        settings = {key: value for key, value in part.items() if key != _ROUNDS}
        layers = [settings.pop('options', {}), over.pop('options', {})]
        return {**settings, **over}, tuple(layer for layer in layers if layer)

    def _of_round(self, name: str, kind: Type[Stage], number: int) -> Optional[Dict[str, Any]]:
        """Return a copy of the entry of `per_round` for a round; empty if there is none."""
        rounds = (self.parts[kind.part or name] or {}).get(_ROUNDS)
        if not number or not rounds:
            return {}
        over = rounds[min(number, len(rounds)) - 1]
        return None if over is None else dict(over)


def read_settings(self_training: Mapping[str, Any]) -> Settings:
    """Check a `self_training` entry, and fill in the defaults.

    Raises:
        ValueError: for a setting that does not exist, is missing or has a value that is not allowed.
    """
    keep = self_training.get('keep') or KEEP[0]
    if keep not in KEEP:
        raise ValueError(f'self_training.keep={keep!r}: allowed are {", ".join(KEEP)}.')
    kinds = _with_selection(_read_kinds(self_training.get('stages') or {}), keep)
    by_part: Dict[str, List[Type[Stage]]] = {}
    for name, kind in (named for phase in kinds.values() for named in phase):
        by_part.setdefault(kind.part or name, []).append(kind)
    given = {key: value for key, value in self_training.items()
             if value is not None and (key, keep) != (SELECT, 'last')}  # 'last' compares nothing
    unused = [part for part in given if part not in by_part
              and part in {kind.part or name for name, kind in STAGE_KINDS.module_dict.items()}]
    if unused:
        raise ValueError(f'self_training.{unused[0]} has no effect: self_training.stages has no stage with these '
                         f'settings. Add one there, or set {unused[0]}=None.')
    _check_keys('self_training', given, ('rounds', 'stages', 'keep', 'options', *by_part))
    rounds = self_training.get('rounds', 2)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise ValueError(f'self_training.rounds={rounds!r}: allowed are whole numbers from 1. For adaptation alone, '
                         'train the config of self_training.adapt.')
    in_rounds = {kind.part or name for name, kind in kinds['each_round']}
    parts = {name: _read_part(name, self_training.get(name), of_part, name in in_rounds)
             for name, of_part in by_part.items()}
    return Settings(rounds, kinds, parts)


def _read_kinds(stages: Mapping[str, Any]) -> Dict[str, List[Tuple[str, Type[Stage]]]]:
    """Return the name and class of each kind of stage in `self_training.stages`."""
    _check_keys('self_training.stages', stages, tuple(STAGES))
    kinds: Dict[str, List[Tuple[str, Type[Stage]]]] = {}
    for phase, names in {**STAGES, **stages}.items():
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise ValueError(f'self_training.stages.{phase}={names!r}: it must be a list of names, such as '
                             f'{list(STAGES[phase])}.')
        # not by STAGE_KINDS.get(name), which finds modules, too: `select` is one
        unknown = [name for name in names if name not in STAGE_KINDS.module_dict]
        if unknown:
            raise ValueError(f'self_training.stages.{phase}: there is no kind of stage {unknown[0]!r}. Allowed are '
                             f'{", ".join(sorted(STAGE_KINDS.module_dict))}. Another one has to be registered in '
                             'STAGE_KINDS by a module in custom_imports.')
        if len({*names}) < len(names):
            raise ValueError(f'self_training.stages.{phase}={names!r}: a kind may be named once.')
        kinds[phase] = [(name, STAGE_KINDS.get(name)) for name in names]
    return kinds


def _with_selection(kinds: Dict[str, List[Tuple[str, Type[Stage]]]],
                    keep: str) -> Dict[str, List[Tuple[str, Type[Stage]]]]:
    """Add the comparison of the student with its teacher to each round, after all other stages, for keep='best'."""
    in_round = kinds['each_round']
    is_named = any(name == SELECT for phase in kinds.values() for name, _ in phase)
    if is_named and keep == 'last':
        raise ValueError("self_training.stages names select, which keeps the better one of student and teacher, but "
                         "keep='last'. Remove one of the two.")
    if is_named or keep == 'last' or not any('student' in kind.gives for _, kind in in_round):
        return kinds
    return {**kinds, 'each_round': [*in_round, (SELECT, STAGE_KINDS.get(SELECT))]}


def _read_part(name: str, given: Any, kinds: List[Type[Stage]], in_rounds: bool) -> Optional[Dict[str, Any]]:
    """Return the settings of a part with their defaults; None if its stages are left out."""
    defaults = {key: value for kind in kinds for key, value in kind.defaults.items()}
    place = f'self_training.{name}'
    if given is None and all(kind.optional for kind in kinds):
        return None
    if given is None and REQUIRED in defaults.values():
        raise ValueError(f'{place} is missing. Give {name}=dict(config=<config file>), as in '
                         'configs/udas/gta2cs_ssl.py.')
    given = {} if given is None else given
    _check_keys(place, given, (*defaults, _ROUNDS) if in_rounds else tuple(defaults))
    part = {**defaults, **_set(given)}
    missing = [key for key, value in part.items() if value is REQUIRED]
    if missing:
        raise ValueError(f'{place}.{missing[0]} is missing. Give the path of a config file.')
    rounds = part.get(_ROUNDS) or ()
    if not isinstance(rounds, (list, tuple)):
        raise ValueError(f'{place}.{_ROUNDS}={rounds!r}: it must be a list with a dict for each round.')
    for number, over in enumerate(rounds):
        if over is not None or not all(kind.skippable for kind in kinds):
            _check_keys(f'{place}.{_ROUNDS}[{number}]', over, tuple(defaults))
    if rounds:
        part[_ROUNDS] = [None if over is None else _set(over) for over in rounds]
    for settings in (part, *({**part, **over} for over in part.get(_ROUNDS, ()) if over is not None)):
        for kind in kinds:
            kind.check_settings(settings)
    return part


def _set(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the settings that are not None: in a child config, None brings the default back."""
    return {key: value for key, value in given.items() if value is not None}


def _check_keys(place: str, given: Any, allowed: Collection[str]) -> None:
    entries = ', '.join(allowed) or 'none'
    if not isinstance(given, Mapping):
        raise ValueError(f'{place}={given!r}: it must be a dict. Its entries are {entries}.')
    unknown = [key for key in given if key not in allowed]
    if unknown:
        raise ValueError(f'{place}.{unknown[0]} does not exist. Allowed are {entries}.')
