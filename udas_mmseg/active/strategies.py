"""Strategies by name: a score of the pixels, and the units that follow from it."""
from typing import Any, Dict, Mapping, NamedTuple, Optional, Union

from .scores import PIXEL_SCORES, PixelScore
from .units import UNIT_MAKERS, UnitMaker

Settings = Dict[str, Dict[str, Any]]

_MAKERS = dict(points='TopPoints', regions='TopRegions', images='WholeImages')
_SCORES = dict(random='RandomScore', entropy='EntropyScore', margin='MarginScore', impurity='RegionImpurityScore',
               inconsistency='InconsistencyScore')
_PAPER = dict(spl=('regions', 'ClassRegions'), ppl=('points', 'PrototypePoints'))
NAMES = (*_PAPER, *_SCORES)
# settings with which the highest scores are regions that can be labelled, in pixels
_FOR_REGIONS = dict(random=dict(cell=16), impurity=dict(k=8))


class Strategy(NamedTuple):
    """A strategy of selection."""
    score: PixelScore
    maker: UnitMaker


def named_strategy(name: str, unit: Optional[str] = None) -> Settings:
    """Return the config of a strategy with the default settings.

    Args:
        name (str): 'spl' or 'ppl' (LabOR), 'random', 'entropy', 'margin', 'impurity' (RIPU) or 'inconsistency'.
        unit (str, optional): 'points', 'regions' or 'images'. Defaults to the unit of LabOR, and otherwise to 'points'.

    Returns:
        dict: `score`, a config of `PIXEL_SCORES`, and `units`, a config of `UNIT_MAKERS`.

    Raises:
        ValueError: if the name or the unit is not allowed.
    """
    if name not in NAMES:
        raise ValueError(f'strategy={name!r}: allowed are {NAMES}, and a dict with `score` and `units`.')
    if name in _PAPER:
        fixed, maker = _PAPER[name]
        if unit not in (None, fixed):
            raise ValueError(f'strategy={name!r} selects {fixed}, not {unit}. Choose another one, such as '
                             "'inconsistency'.")
        return dict(score=dict(type='InconsistencyScore'), units=dict(type=maker))
    unit = 'points' if unit is None else unit
    if unit not in _MAKERS:
        raise ValueError(f'unit={unit!r}: allowed are {tuple(_MAKERS)}.')
    wide = _FOR_REGIONS.get(name, {}) if unit == 'regions' else {}
    return dict(score=dict(type=_SCORES[name], **wide), units=dict(type=_MAKERS[unit]))


def strategy_settings(strategy: Union[str, Mapping[str, Any]]) -> Settings:
    """Return a strategy as plain dicts, `score` and `units`; a name stands for `named_strategy`.

    Raises:
        ValueError: if the name is not known, or the dict has other entries.
    """
    if isinstance(strategy, str):
        return named_strategy(strategy)
    if set(strategy) != {'score', 'units'}:
        raise ValueError(f'strategy={dict(strategy)}: allowed are {NAMES}, and a dict with the two entries `score` and '
                         '`units`.')
    return {name: dict(strategy[name]) for name in ('score', 'units')}


def build_strategy(settings: Settings) -> Strategy:
    """Build a strategy.

    Raises:
        ValueError: if a part does not exist, or an argument is wrong.
    """
    parts = []
    for name, registry in (('score', PIXEL_SCORES), ('units', UNIT_MAKERS)):
        try:
            parts.append(registry.build(dict(settings[name])))
        except (KeyError, TypeError) as error:
            raise ValueError(f'strategy: {name}={settings[name]} cannot be built: {error}') from error
    return Strategy(*parts)
