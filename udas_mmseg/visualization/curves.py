"""Pictures with curves of a score, with its spread over seeds."""
from typing import Mapping, Optional, Sequence, Tuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_curves(curves: Mapping[str, Sequence[Tuple[float, float, float]]],
                references: Mapping[str, float],
                path: str,
                title: str,
                metric: str,
                labels: Optional[Mapping[str, str]] = None,
                ticks: Optional[Sequence[str]] = None) -> None:
    """Draw curves with error bars, and horizontal lines for comparison.

    Args:
        curves (Mapping): Name -> points (place, mean, standard deviation).
        references (Mapping[str, float]): Name -> score of a line.
        path (str): File of the picture: PNG, or another suffix that Matplotlib supports.
        title (str): Title of the horizontal axis.
        metric (str): Name of the score, in percent.
        labels (Mapping[str, str], optional): Labels of curves and lines that replace their names.
        ticks (Sequence[str], optional): Labels of the places 0, 1, ... Defaults to numbers.

    Raises:
        ValueError: if a name in `labels` is neither a curve nor a line.
    """
    labels = labels or {}
    unknown = sorted(set(labels) - set(curves) - set(references))
    if unknown:
        raise ValueError(f'there are no curves or lines {unknown} to label, but {[*curves, *references]}.')
    figure = Figure(figsize=(7, 4.5), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, points in curves.items():
        places, means, deviations = zip(*points)
        axes.errorbar(places, means, yerr=deviations, marker='o', capsize=3, label=labels.get(name, name))
    for (name, mean), style in zip(references.items(), ('--', ':', '-.') * len(references)):
        axes.axhline(mean, color='grey', linestyle=style, label=labels.get(name, name))
    if ticks is not None:
        axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlabel(title)
    axes.set_ylabel(f'{metric}, percent')
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
