"""Charts as SVG, which need no script and no network."""
import html
import math
from typing import List, Mapping, Optional, Sequence, Tuple

Points = Sequence[Tuple[float, float]]
# colours with a contrast of at least 3 to white, of which neighbours differ in brightness too
COLORS = ('#0b5fa5', '#c2410c', '#15803d', '#86198f', '#8a6100', '#0e7490', '#be123c', '#4d4d4d')
_DASHES = ('', '7 3', '2 3')
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 440, 260, 54, 14, 12, 44
_MOST_POINTS = 200
_LONGEST, _BAR = 24, '#8db8dc'  # characters of the name of a bar; its colour


def line_chart(title: str, series: Mapping[str, Sequence[Points]], x_title: str, y_title: str) -> str:
    """Draw curves, with a legend.

    Args:
        title (str): Description of the chart.
        series (Mapping): Name -> curves of this name, such as one for each seed; each has points (x, y) by x.
        x_title (str): Title of the horizontal axis.
        y_title (str): Title of the vertical axis.

    Returns:
        str: HTML; '' if there are no points.
    """
    places = [point for curves in series.values() for curve in curves for point in curve]
    if not places:
        return ''
    xs, ys = ticks(*_range(place[0] for place in places)), ticks(*_range(place[1] for place in places))
    parts = _axes(xs, ys, x_title, y_title)
    for number, (name, curves) in enumerate(series.items()):
        color, dash = COLORS[number % len(COLORS)], _DASHES[number // len(COLORS) % len(_DASHES)]
        for curve in curves:
            thin = _thin(curve)
            path = ' '.join(f'{_x(x, xs):.1f},{_y(y, ys):.1f}' for x, y in thin)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8" '
                         f'stroke-dasharray="{dash}"/>')
            if len(thin) <= 40:
                parts += [f'<circle cx="{_x(x, xs):.1f}" cy="{_y(y, ys):.1f}" r="3" fill="{color}">'
                          f'<title>{html.escape(name)}: {y:.4g} at {x:g}</title></circle>' for x, y in thin]
    items = ''.join(f'<li>{_swatch(number)}{html.escape(name)}</li>' for number, name in enumerate(series))
    return f'{_svg(title, _WIDTH, _HEIGHT, parts)}\n<ul class="legend">{items}</ul>'


def bar_chart(title: str, bars: Sequence[Tuple[str, float, float]]) -> str:
    """Draw horizontal bars of scores in percent.

    Args:
        title (str): Description of the chart.
        bars (Sequence): Name, mean and standard deviation of each.

    Returns:
        str: SVG; '' if there are no bars.
    """
    if not bars:
        return ''
    step, left = 26, 14 + 7 * min(_LONGEST, max(len(name) for name, _, _ in bars))
    top = max(ticks(0, max(mean + deviation for _, mean, deviation in bars)))
    scale = (_WIDTH - left - 76) / (top or 1)
    parts: List[str] = []
    for number, (name, mean, deviation) in enumerate(bars):
        y, short = number * step + 6, name if len(name) <= _LONGEST else f'{name[:_LONGEST - 1]}…'
        end = left + scale * mean
        text = f'{mean:.1f}' + (f' ± {deviation:.1f}' if deviation else '')
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{html.escape(short)}</text>'
                     f'<rect x="{left}" y="{y}" width="{scale * mean:.1f}" height="20" fill="{_BAR}"/>')
        if deviation:
            begin, stop = left + scale * max(0, mean - deviation), left + scale * (mean + deviation)
            parts.append(f'<path d="M{begin:.1f} {y + 10}H{stop:.1f}" stroke="#222" stroke-width="2"/>')
            end = stop
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 15}">{text}</text>')
    return _svg(title, _WIDTH, len(bars) * step + 6, parts)


def ticks(low: float, high: float, count: int = 5) -> List[float]:
    """Return round numbers at equal distances, of which the first and the last include a range.

    Example:
        >>> ticks(0, 23.4)
        [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0**math.floor(math.log10(span / count))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if span / (factor * power) <= count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _range(values: object) -> Tuple[float, float]:
    numbers = list(values)  # type: ignore[call-overload]
    return min(numbers), max(numbers)


def _thin(curve: Points) -> Points:
    """Return at most `_MOST_POINTS` points of a curve: means of neighbours."""
    size = -(-len(curve) // _MOST_POINTS)
    if size <= 1:
        return curve
    groups = [curve[start:start + size] for start in range(0, len(curve), size)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def _x(value: float, places: Sequence[float]) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - places[0]) / (places[-1] - places[0])


def _y(value: float, places: Sequence[float]) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - places[0]) / (places[-1] - places[0])


def _axes(xs: Sequence[float], ys: Sequence[float], x_title: str, y_title: str) -> List[str]:
    parts = []
    for value in ys:
        y = _y(value, ys)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
                     f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    parts += [f'<text x="{_x(value, xs):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{value:g}</text>'
              for value in xs]
    middle = (_HEIGHT - _BOTTOM + _TOP) / 2
    parts.append(f'<text x="{(_WIDTH + _LEFT - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
                 f'{html.escape(x_title)}</text>'
                 f'<text transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
                 f'{html.escape(y_title)}</text>')
    return parts


def _swatch(number: int) -> str:
    color, dash = COLORS[number % len(COLORS)], _DASHES[number // len(COLORS) % len(_DASHES)]
    return (f'<svg width="26" height="10" aria-hidden="true"><path d="M1 5H25" stroke="{color}" stroke-width="3" '
            f'stroke-dasharray="{dash}"/></svg>')


def _svg(title: str, width: int, height: int, parts: Sequence[Optional[str]]) -> str:
    inner = '\n'.join(part for part in parts if part)
    return (f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">\n'
            f'{inner}\n</svg>')
