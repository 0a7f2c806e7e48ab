"""The results of a plan so far, with the paper's figures: as rows, Markdown and JSON."""
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..utils.files import replace_file, to_json
from ..visualization.comparison import cost_text, summarize
from .plan import Plan, PlannedRow

Scores = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class ResultRow:
    """A row with its results.

    Attributes:
        planned: The planned row.
        metrics: Metric -> mean and standard deviation over the seeds; empty without results.
        seeds: The seeds with results.
        minutes: Mean time of its own training; None without results.
        gain: Difference of the first score to the reference row; None without one of them.
        published_gain: The same in the paper.
    """
    planned: PlannedRow
    metrics: Mapping[str, Tuple[float, float]]
    seeds: Tuple[int, ...]
    minutes: Optional[float]
    gain: Optional[float] = None
    published_gain: Optional[float] = None

    @property
    def label(self) -> str:
        """Return its name in the table."""
        return self.planned.row.label


def scores_of(plan: Plan) -> Scores:
    """Return title and metric of the scores of a table on its data set."""
    return (plan.table.scores or plan.data.scores)


def result_rows(plan: Plan) -> List[ResultRow]:
    """Return all rows with the results so far."""
    main = scores_of(plan)[0][1]
    found = {planned.row.label: _mean(planned) for planned in plan.rows}
    reference = next((row for row in plan.table.rows if row.label == plan.table.reference), None)
    base = found.get(plan.table.reference, ({}, (), None))[0].get(main)
    rows = []
    for planned in plan.rows:
        metrics, seeds, minutes = found[planned.row.label]
        is_compared = reference is not None and planned.row.label != plan.table.reference
        gain = metrics[main][0] - base[0] if is_compared and base and main in metrics else None
        figure, other = planned.row.figure, reference.figure if reference else None
        published = figure - other if is_compared and figure is not None and other is not None else None
        rows.append(ResultRow(planned, metrics, seeds, minutes, gain, published))
    return rows


def _mean(planned: PlannedRow) -> Tuple[Mapping[str, Tuple[float, float]], Tuple[int, ...], Optional[float]]:
    """Return metrics, seeds and minutes of a row."""
    runs = []
    for step in planned.steps:
        results = step.results() or []
        part = planned.row.part
        runs += [dict(result, name='', seed=step.seed) for result in results if part in ('', result['model'])][-1:]
    if not runs:
        return {}, (), None
    summary, = summarize(runs)
    return summary['metrics'], tuple(summary['seeds']), summary['minutes']


def table_cells(plan: Plan, rows: Sequence[ResultRow]) -> Tuple[List[str], List[List[str]]]:
    """Return the titles of the columns, and the text of each cell; a row that has no config has the reason."""
    scores, costs = scores_of(plan), plan.table.costs
    gains = [] if not plan.table.reference else ['gain', "the paper's gain"]
    head = ['row', 'config', *(title for title, _ in scores), *gains[:1], 'the paper', *gains[1:],
            *(title for title, _ in costs), 'seeds', 'minutes']
    body = []
    for row in rows:
        planned = row.planned
        config = f'`{planned.config}`' if planned.steps else f'no config: {planned.reason}'
        figure = planned.row.figure
        body.append([
            row.label, config, *(_score(row, key) for _, key in scores), *([_signed(row.gain)] if gains else []),
            '-' if figure is None else f'{figure:g}', *([_signed(row.published_gain)] if gains else []),
            *(cost_text(row.metrics[key][0]) if key in row.metrics else '-' for _, key in costs),
            ', '.join(map(str, row.seeds)) or '-', '-' if row.minutes is None else f'{row.minutes:.1f}'])
    return head, body


def markdown(plan: Plan, rows: Sequence[ResultRow]) -> str:
    """Format the table with its title and notes."""
    head, body = table_cells(plan, rows)
    lines = [f'## {plan.table.paper}: {plan.table.title}', '', f'{plan.data.title}. {plan.data.note}', '']
    lines += ['| ' + ' | '.join(cells) + ' |' for cells in (head, ['---'] * len(head), *body)]
    return '\n'.join([*lines, '', *explanations(plan), ''])


def explanations(plan: Plan) -> List[str]:
    """Return sentences that explain the columns, and the note of the table."""
    lines = ['Scores are in percent, the mean and the sample standard deviation over the seeds. The paper has its own '
             'data, network and schedule.']
    if plan.table.reference:
        lines.append(f'The gain is the difference to "{plan.table.reference}".')
    return [*lines, *([plan.table.note] if plan.table.note else [])]


def write_results_of(plan: Plan, failed: Mapping[str, str] = {}) -> str:
    """Write `<out>.md` and `<out>.json`, and return the Markdown."""
    rows = result_rows(plan)
    text = markdown(plan, rows)
    replace_file(f'{plan.out}.md', text.encode())
    replace_file(f'{plan.out}.json', to_json(as_dict(plan, rows, failed)))
    return text


def as_dict(plan: Plan, rows: Sequence[ResultRow], failed: Mapping[str, str]) -> Dict[str, Any]:
    """Return the table as plain data, with the results of each seed."""
    return dict(
        table=plan.table.name, data=plan.data.name, failed=dict(failed),
        rows=[dict(label=row.label, config=row.planned.config, reason=row.planned.reason,
                   published=row.planned.row.figure, published_gain=row.published_gain, gain=row.gain,
                   seeds=list(row.seeds), minutes=row.minutes,
                   metrics={key: dict(mean=mean, std=std) for key, (mean, std) in row.metrics.items()},
                   runs=[result for step in row.planned.steps for result in step.results() or ()])
              for row in rows])


def _score(row: ResultRow, key: str) -> str:
    if key not in row.metrics:
        return '-'
    mean, deviation = row.metrics[key]
    return f'{mean:.1f} ± {deviation:.1f}' if len(row.seeds) > 1 else f'{mean:.1f}'


def _signed(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:+.1f}'
