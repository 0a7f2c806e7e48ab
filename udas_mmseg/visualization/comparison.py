"""Tables that compare runs over several seeds."""
import statistics
from typing import Any, Dict, List, Mapping, Sequence, Tuple

COST = 'cost/'  # begins the names of costs of labels among the metrics
COST_TITLES = {f'{COST}clicks': 'clicks', f'{COST}percent': 'labelled, %'}  # of the columns in tables


def mean_and_std(values: Sequence[float]) -> Tuple[float, float]:
    """Mean and sample standard deviation (0 for one value)."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def cost_text(cost: float) -> str:
    """Format a cost of labels, such as 0.0123 (percent) and 12345 (clicks), without an exponent for large ones."""
    return f'{cost:.0f}' if cost >= 1000 else f'{cost:.4g}'


def summarize(runs: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Summarise runs in one row for each configuration, in the order of their first run.

    Args:
        runs (Sequence[Mapping]): Finished runs with `name`, `seed`, `seconds` and `metrics` (percent).

    Returns:
        list[dict]: `name`, `seeds`, `minutes` (mean over seeds), and `metrics`: name -> (mean, standard deviation). A
        metric that is missing or None for one of the seeds (because its class did not occur) is left out.
    """
    rows = []
    for name in dict.fromkeys(run['name'] for run in runs):
        group = [run for run in runs if run['name'] == name]
        shared = [key for key in group[0]['metrics'] if all(run['metrics'].get(key) is not None for run in group)]
        rows.append(
            dict(
                name=name,
                seeds=[run['seed'] for run in group],
                minutes=statistics.fmean(run['seconds'] for run in group) / 60,
                metrics={key: mean_and_std([run['metrics'][key] for run in group])
                         for key in shared}))
    return rows


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Format rows of `summarize` as a Markdown table: IoU of each class (mean), mIoU (mean ± deviation), time.

    Rounds of active labelling also have the mean cost of their labels.
    """
    classes = list(dict.fromkeys(key for row in rows for key in row['metrics'] if key.startswith('IoU/')))
    scores = list(dict.fromkeys(key for row in rows for key in row['metrics'] if key.startswith('mIoU')))
    costs = [cost for cost in COST_TITLES if any(cost in row['metrics'] for row in rows)]
    head = ['config', *(name[len('IoU/'):] for name in classes), *(name.replace('mIoU/', '') for name in scores),
            *(COST_TITLES[cost] for cost in costs), 'seeds', 'minutes a run']
    lines = ['| ' + ' | '.join(head) + ' |', '|' + ' --- |' * len(head)]
    for row in rows:
        metrics = row['metrics']
        cells = [row['name'], *(f'{metrics[key][0]:.1f}' if key in metrics else '-' for key in classes),
                 *('{:.1f} ± {:.1f}'.format(*metrics[key]) if key in metrics else '-' for key in scores),
                 *(cost_text(metrics[cost][0]) if cost in metrics else '-' for cost in costs),
                 ', '.join(map(str, row['seeds'])), f'{row["minutes"]:.1f}']
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'
