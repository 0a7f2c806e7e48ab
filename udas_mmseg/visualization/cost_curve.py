"""Curves of a score over what the labels have cost, one for each strategy of active labelling."""
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .comparison import COST
from .curves import draw_curves

_TITLES = dict(clicks='clicks', percent='labelled pixels, percent', pixels='labelled pixels',
               units='labelled points or regions', images='images with labels')
COSTS = tuple(_TITLES)
_FREE = 'adapted'  # the model of a run before its first round


class CostPoint(NamedTuple):
    """A score at a cost, the mean over the seeds; mean and standard deviation of the score in percent."""
    cost: float
    mean: float
    deviation: float


def cost_series(rows: Sequence[Mapping[str, Any]], cost: str = 'clicks',
                metric: str = 'mIoU') -> Tuple[Dict[str, List[CostPoint]], Dict[str, float]]:
    """Group the rows of a comparison into curves over the cost of the labels.

    Args:
        rows (Sequence[Mapping]): Rows from `udas_mmseg.visualization.comparison.summarize`. Those of a run in rounds
            are named '<config>: adapted' (without cost), '<config>: round 1', ...
        cost (str): 'clicks', 'percent' (of the pixels), 'pixels', 'units' or 'images'. Defaults to 'clicks'.
        metric (str): Name of the score. Defaults to 'mIoU'.

    Returns:
        tuple: the curves, name of the config without folders -> points with increasing cost, from the adapted model at
        0; and rows of other configs, name -> mean.

    Raises:
        ValueError: if the cost is not known, a row lacks the score, or no row has the cost.
    """
    if cost not in COSTS:
        raise ValueError(f'cost={cost!r}: allowed are {", ".join(COSTS)}.')
    curves: Dict[str, List[CostPoint]] = {}
    free: Dict[str, float] = {}
    for row in rows:
        name, _, model = row['name'].partition(': ')
        name, metrics = name.rsplit('/', 1)[-1], row['metrics']
        if metric not in metrics:
            raise ValueError(f'{row["name"]} has no {metric!r}, but {sorted(metrics)}.')
        if model == _FREE:
            curves.setdefault(name, []).append(CostPoint(0, *metrics[metric]))
        elif COST + cost in metrics:
            curves.setdefault(name, []).append(CostPoint(metrics[COST + cost][0], *metrics[metric]))
        else:
            free[row['name'].rsplit('/', 1)[-1]] = metrics[metric][0]
    if not any(point.cost for points in curves.values() for point in points):
        raise ValueError(f'no row has {COST}{cost}, which runs in rounds of active labelling have, such as '
                         f'configs/demo/labor.py: {[row["name"] for row in rows]}.')
    return {name: sorted(points) for name, points in curves.items()}, free


def draw_cost_curves(rows: Sequence[Mapping[str, Any]],
                     path: str,
                     cost: str = 'clicks',
                     metric: str = 'mIoU',
                     labels: Optional[Mapping[str, str]] = None) -> None:
    """Draw a score over the cost of the labels, one curve for each strategy, with its spread over seeds.

    Args:
        rows (Sequence[Mapping]): See `cost_series`.
        path (str): File of the picture: PNG, or another suffix that Matplotlib supports.
        cost (str): See `cost_series`.
        metric (str): Name of the score, in percent. Defaults to 'mIoU'.
        labels (Mapping[str, str], optional): Labels of curves and lines that replace their names.

    Raises:
        ValueError: see `cost_series`; or if a name in `labels` is neither a curve nor a line.
    """
    curves, references = cost_series(rows, cost, metric)
    draw_curves(curves, references, path, _TITLES[cost], metric, labels)
