"""The page about a table: the table with the paper's figures, then the report on its runs."""
from dataclasses import replace
from typing import Dict, List, Mapping

from ..run_report import RunRecord, read_training, write_run_report
from ..run_report.elements import Cell, bullets, paragraph, sortable_table
from ..self_training.run_record import read_self_training
from .plan import Plan
from .result import as_dict, explanations, result_rows, table_cells
from .work import Training, load_config

_TEXTS, _LAST = ('row', 'config'), 'config'


def write_page(plan: Plan, images: int = 50, shown: int = 8, failed: Mapping[str, str] = {}) -> str:
    """Write `<out>/report.html` and `<out>/report.json` about the rows that are finished, and return the path.

    Args:
        plan (Plan): The plan.
        images (int): See `write_run_report`. Defaults to 50.
        shown (int): See `write_run_report`. Defaults to 8.
        failed (Mapping[str, str]): Title of a step -> why it failed. Defaults to none.

    Returns:
        str: Path of the page; '' if no row is finished.
    """
    runs = finished_runs(plan)
    if not runs:
        return ''
    rows = result_rows(plan)
    head, body = table_cells(plan, rows)
    places = sorted(range(len(head)), key=lambda place: head[place] == _LAST)  # the scores beside the names
    table = sortable_table(plan.table.title, [head[place] for place in places],
                           [[_cell(head[place], cells[place]) for place in places] for cells in body])
    notes = ''.join(paragraph(line) for line in (f'{plan.data.title}. {plan.data.note}', *explanations(plan)))
    problems = bullets([f'{title}: {reason.splitlines()[0]}' for title, reason in failed.items()])
    write_run_report(plan.out, runs, images, shown, f'{plan.table.paper}: {plan.table.title}',
                     {'The table': table + notes + problems}, dict(table=as_dict(plan, rows, failed)))
    return f'{plan.out}/report.html'


def finished_runs(plan: Plan) -> List[RunRecord]:
    """Return the finished trainings of segmentors, named as the first row that they make."""
    names: Dict[str, str] = {}
    for planned in plan.rows:
        for step in planned.steps:
            names.setdefault(step.folder, planned.row.label)
    runs = []
    for step in plan.steps:
        if isinstance(step.work, Training) and step.work.scored and step.results() is not None:
            name = names.get(step.folder, step.name)
            if 'self_training' in load_config(step.work.config):
                runs.append(replace(read_self_training(step.folder), name=name))
            else:
                runs.append(replace(read_training(step.folder), name=name))
    return runs


def _cell(title: str, text: str) -> Cell:
    if title in _TEXTS:
        return Cell(text.strip('`'), wide=True)
    number = text.split(' ')[0]
    try:
        return Cell(text, float(number))
    except ValueError:
        return Cell(text)
