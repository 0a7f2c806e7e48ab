"""Curves of a score over the number of labelled target images."""
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .curves import draw_curves


class Point(NamedTuple):
    """A score at a label budget: number of labelled images, mean and standard deviation over the seeds in percent."""
    budget: int
    mean: float
    deviation: float


def split_budget(name: str) -> Tuple[str, Optional[int]]:
    """Split a configuration's name into name and label budget.

    Args:
        name (str): Name of a row, such as 'udas/gta2cs_uda_cutmix budget=100'. Without `budget=`, the last part that is
            a number between underscores is the budget: 'udas/gta2cs_ssl_100'.

    Returns:
        tuple: the name without folders and budget, and the budget or None: ('gta2cs_uda_cutmix', 100).
    """
    varied = re.search(r' budget=(\d+)(?![\w/])', name)
    if varied:
        return (name[:varied.start()] + name[varied.end():]).rsplit('/', 1)[-1], int(varied[1])
    parts = name.rsplit('/', 1)[-1].split('_')
    for index in reversed(range(len(parts))):
        if re.fullmatch(r'\d+', parts[index]):
            return '_'.join(parts[:index] + parts[index + 1:]), int(parts[index])
    return '_'.join(parts), None


def budget_series(rows: Sequence[Mapping[str, Any]],
                  metric: str = 'mIoU') -> Tuple[Dict[str, List[Point]], Dict[str, float]]:
    """Group the rows of a comparison into curves over the label budget.

    Args:
        rows (Sequence[Mapping]): Rows from `udas_mmseg.visualization.comparison.summarize`.
        metric (str): Name of the score. Defaults to 'mIoU'.

    Returns:
        tuple: the curves, name -> points with increasing budget; and rows without a budget, name -> mean.

    Raises:
        ValueError: if no row has both a budget and the score, or two rows would be the same point.
    """
    curves: Dict[str, List[Point]] = {}
    references: Dict[str, float] = {}
    for row in rows:
        name, budget = split_budget(row['name'])
        if metric not in row['metrics']:
            raise ValueError(f'{row["name"]} has no {metric!r}, but {sorted(row["metrics"])}.')
        mean, deviation = row['metrics'][metric]
        if budget is None:
            references[name] = mean
            continue
        points = curves.setdefault(name, [])
        if any(point.budget == budget for point in points):
            raise ValueError(f'two rows are {name} with {budget} labels, such as {row["name"]}. Draw them in separate '
                             'pictures.')
        points.append(Point(budget, mean, deviation))
    if not curves:
        raise ValueError('no row has a label budget in its name, such as `... budget=100` or `..._100`: '
                         f'{[row["name"] for row in rows]}.')
    return {name: sorted(points) for name, points in curves.items()}, references


def draw_budget_curves(rows: Sequence[Mapping[str, Any]],
                       path: str,
                       metric: str = 'mIoU',
                       labels: Optional[Mapping[str, str]] = None) -> None:
    """Draw a score over the number of labelled target images, one curve for each method, with its spread over seeds.

    Budgets have equal distances. Rows without a budget are horizontal lines.

    Args:
        rows (Sequence[Mapping]): Rows from `udas_mmseg.visualization.comparison.summarize`.
        path (str): File of the picture: PNG, or another suffix that Matplotlib supports.
        metric (str): Name of the score, in percent. Defaults to 'mIoU'.
        labels (Mapping[str, str], optional): Labels of curves and lines that replace their names.

    Raises:
        ValueError: see `budget_series`; or if a name in `labels` is neither a curve nor a line.
    """
    curves, references = budget_series(rows, metric)
    budgets = sorted({point.budget for points in curves.values() for point in points})
    shift = 0.08  # so that error bars do not hide each other
    moved = {}
    for number, (name, points) in enumerate(curves.items()):
        offset = shift * (number - (len(curves) - 1) / 2)
        moved[name] = [(budgets.index(point.budget) + offset, point.mean, point.deviation) for point in points]
    ticks = [f'{budget:,}' for budget in budgets]
    draw_curves(moved, references, path, 'labelled target images', metric, labels, ticks)
