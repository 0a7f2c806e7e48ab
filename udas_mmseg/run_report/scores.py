"""The parts of a report on scores: the ladder of the models, and the IoU of each class."""
from typing import Collection, Dict, List, Optional, Sequence

from ..visualization.comparison import COST_TITLES, cost_text
from .charts import bar_chart
from .elements import Cell, Cells, number, paragraph, sortable_table
from .record import Row, class_names

_SCORE = 'mIoU'
_PLAIN = (_SCORE, 'mAcc', 'aAcc')
_TITLES = {_SCORE: _SCORE, 'mAcc': 'mean accuracy', 'aAcc': 'pixel accuracy'}


def ladder(rows: Sequence[Row], kept: Collection[str] = ()) -> str:
    """Format the ladder of the models: mIoU with the difference to the model before, other scores, and times.

    If some models learnt from labels of rounds of active labelling, the table also has the cost of these labels.

    Args:
        rows (Sequence[Row]): The models.
        kept (Collection[str]): Folders of the models that were kept at the end; empty if none were compared.
    """
    chart = bar_chart(f'{_SCORE} of each model in percent',
                      [(row.name, *row.metrics[_SCORE]) for row in rows if _SCORE in row.metrics])
    subsets = list(dict.fromkeys(key for row in rows for key in row.metrics if key.startswith(f'{_SCORE}/')))
    scores = [key for key in (*_PLAIN, *subsets) if any(key in row.metrics for row in rows)]
    costs = [key for key in COST_TITLES if any(key in row.metrics for row in rows)]
    head = ['model', *(_TITLES.get(key, key.replace('/', ' ')) for key in scores),
            *(COST_TITLES[key] for key in costs), 'minutes', 'seeds']
    best = {key: max(row.metrics[key][0] for row in rows if key in row.metrics) for key in scores}
    body: List[Cells] = [
        [_marked(row, kept), *(_score(row, key, best[key], _change(rows, place, key) if key == _SCORE else None)
                               for key in scores), *(_cost(row, key) for key in costs),
         number(row.minutes), ', '.join('-' if seed is None else str(seed) for seed in row.seeds)]
        for place, row in enumerate(rows)]
    note = ('Scores are percent on the validation images of the configs; the best one is bold. The small number is the '
            'difference to the model in the row before.')
    if any(len(row.models) > 1 for row in rows):
        note += ' With several runs: mean ± standard deviation over the runs.'
    if costs:
        note += ' Clicks and labelled pixels: of all labels of target images so far, in rounds of active labelling.'
    if kept:
        note += ' Kept: the result of the run; see "Kept models".'
    return '\n'.join((chart, sortable_table('Scores of the models', head, body), paragraph(note)))


def by_class(rows: Sequence[Row]) -> str:
    """Format the IoU of each class (rows) of each model (columns), with the difference to the model before."""
    body: List[Cells] = []
    for name in class_names(rows):
        key = f'IoU/{name}'
        best = max(row.metrics[key][0] for row in rows if key in row.metrics)
        body.append([name, *(_score(row, key, best, _change(rows, place, key)) for place, row in enumerate(rows))])
    means: List[Cell] = []
    if any(_SCORE in row.metrics for row in rows):
        best = max(row.metrics[_SCORE][0] for row in rows if _SCORE in row.metrics)
        means = [Cell(f'mean ({_SCORE})'),
                 *(_score(row, _SCORE, best, _change(rows, place, _SCORE)) for place, row in enumerate(rows))]
    table = sortable_table('IoU of each class', ['class', *(row.name for row in rows)], body, means)
    return table + paragraph('IoU in percent. A click on a title sorts the column. The best model of each class is '
                             'bold. The small number is the difference to the model on the left.')


def figures(rows: Sequence[Row]) -> List[Dict[str, object]]:
    """Return the rows of the ladder for `report.json`."""
    return [dict(name=row.name, seeds=list(row.seeds), minutes=row.minutes,
                 folders=[model.folder for model in row.models], checkpoints=[model.checkpoint for model in row.models],
                 metrics={key: dict(mean=mean, std=std) for key, (mean, std) in row.metrics.items()})
            for row in rows]


def _marked(row: Row, kept: Collection[str]) -> str:
    """Return the name of a row and, if some of its models were kept at the end, of how many runs."""
    count = sum(model.folder in kept for model in row.models)
    of = f' in {count} of {len(row.models)} runs' if len(row.models) > 1 else ''
    return f'{row.name} (kept{of})' if count else row.name


def _score(row: Row, key: str, best: float, change: Optional[float]) -> Cell:
    if key not in row.metrics:
        return number(None)
    mean, deviation = row.metrics[key]
    text = f'{mean:.1f} ± {deviation:.1f}' if len(row.models) > 1 else f'{mean:.1f}'
    return Cell(text, mean, change, bold=mean == best and mean > 0)


def _cost(row: Row, key: str) -> Cell:
    if key not in row.metrics:
        return number(None)
    cost, _ = row.metrics[key]
    return Cell(cost_text(cost), cost)


def _change(rows: Sequence[Row], place: int, key: str) -> Optional[float]:
    """Return the difference to the row before; None for the first row, or without a score."""
    if place == 0 or any(key not in row.metrics for row in rows[place - 1:place + 1]):
        return None
    return rows[place].metrics[key][0] - rows[place - 1].metrics[key][0]
