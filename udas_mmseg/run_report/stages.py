"""The parts of a report on the stages of self-training: pseudo-labels by round, kept models, and times."""
import json
import os.path as osp
from typing import Any, Dict, List, Mapping, Sequence

from .charts import line_chart
from .elements import Cell, Cells, bullets, number, paragraph, sortable_table
from .record import RunRecord

_QUALITY = ('mIoU_kept', 'mIoU_all', 'ece')
_TITLES = dict(mIoU_kept='mIoU of these', mIoU_all='mIoU of all', ece='calibration error')
_PERCENT = '{:.1f}'


def pseudo_labels(run: RunRecord) -> str:
    """Format the figures of the pseudo-labels by round; '' if there are none."""
    entries = _of_kind(run, 'coverage')
    if not entries:
        return ''
    quality = [key for key in _QUALITY if any(key in entry.get('quality', {}) for entry in entries.values())]
    head = ['pseudo-labels', 'threshold', 'kept, %', *(f'{_TITLES[key]}, %' for key in quality), 'changed, %']
    body: List[Cells] = [[name, number(entry['threshold'], '{:g}'), _share(entry['coverage']),
                          *(_share(entry.get('quality', {}).get(key)) for key in quality), _share(entry.get('change'))]
                         for name, entry in entries.items()]
    parts = [sortable_table('Pseudo-labels by round', head, body),
             paragraph('Kept: pixels whose confidence is at least the threshold. Changed: of the pixels kept in this '
                       'or the last round with labels, those that differ. Scores need ground truth, which is used for '
                       'this table only.')]
    kept = {name: found for name, found in ((name, _by_class(run, name)) for name in entries) if found}
    if kept:
        classes = list(dict.fromkeys(key for found in kept.values() for key in found))
        parts += [sortable_table('Share of each class that is kept', ['kept, % of each class', *kept],
                                 [[key, *(_share(found.get(key)) for found in kept.values())] for key in classes])]
    return '\n'.join(parts)


def kept_models(run: RunRecord) -> str:
    """Format which of student and teacher was kept in each round, and why; '' if nothing was compared."""
    entries = _of_kind(run, 'kept')
    if not entries:
        return ''
    body: List[Cells] = []
    warnings: List[str] = []
    for name, entry in entries.items():
        teacher, student = (entry['scores'][role]['mIoU'] for role in ('teacher', 'student'))
        reason = '; '.join(entry['reasons']) or 'the student is not worse than its teacher'
        criterion = 'validation images' if entry['by'] == 'validation' else 'held-out images without target labels'
        body.append([name, Cell(criterion, wide=True), number(teacher), number(student, change=student - teacher),
                     f'{entry["kept"]} ({entry["trained_by"]})', Cell(reason, wide=True)])
        warnings += [f'{name}: {line}' for line in entry.get('warnings', ())]
    final = list(entries.values())[-1]
    return '\n'.join((
        sortable_table('Which model was kept', ['round', 'compared by', 'mIoU of the teacher', 'mIoU of the student',
                                                'kept', 'why'], body),
        bullets(warnings),
        paragraph(f'The result of the run is the model of {final["trained_by"]}: {final["checkpoint"]}')))


def times(run: RunRecord) -> str:
    """Format the stages with their times and results; '' for a single training."""
    if not run.stages:
        return ''
    body: List[Cells] = [[name, entry['state'], number(entry['seconds'] / 60 if 'seconds' in entry else None),
                          number(entry.get('attempts'), '{}'), Cell(_result(entry), wide=True)]
                         for name, entry in run.stages.items()]
    total = sum(entry.get('seconds', 0) for entry in run.stages.values()) / 60
    return sortable_table('Stages', ['stage', 'state', 'minutes', 'attempts', 'result'], body,
                          [Cell('all'), Cell(''), number(total), Cell(''), Cell('')])


def curves(series: Mapping[str, Mapping[str, Sequence[Sequence[Any]]]]) -> Dict[str, str]:
    """Draw the curves of each value.

    Args:
        series (Mapping): Value -> name of the model -> its curves, one for each run.

    Returns:
        dict: Value -> HTML.
    """
    charts = {key: line_chart(f'{key} of each training', dict(found), 'iteration', key)
              for key, found in series.items()}
    return {key: chart for key, chart in charts.items() if chart}


def report_paths(run: RunRecord) -> Dict[str, str]:
    """Return the reports that the stages have written: stage -> path of the page."""
    found: Dict[str, str] = {}
    for name, entry in run.stages.items():
        for key in ('translation_report', 'report', 'round_report'):
            path = osp.join(run.folder, f'{name}_report', 'report.html')  # also if the work directory was moved
            if key in entry and osp.isfile(path):
                found[name] = path
    return found


def _of_kind(run: RunRecord, key: str) -> Dict[str, Mapping[str, Any]]:
    """Return the complete stages whose result has a key."""
    return {name: entry for name, entry in run.stages.items() if key in entry}


def _by_class(run: RunRecord, stage: str) -> Dict[str, float]:
    """Return the share of each class that is kept, from the report of a stage; empty without a report."""
    path = osp.join(run.folder, f'{stage}_report', 'report.json')
    if not osp.isfile(path):
        return {}
    with open(path, encoding='utf-8') as file:
        sets: List[Mapping[str, Any]] = json.load(file)['sets']
    return {name: found['kept'] for name, found in sets[-1]['classes'].items() if found['kept'] is not None}


def _share(value: Any) -> Cell:
    return number(None if value is None else 100 * value, _PERCENT)


def _result(entry: Mapping[str, Any]) -> str:
    score = (entry.get('test') or entry.get('metrics') or {}).get('mIoU')
    return entry.get('summary') or ('' if score is None else f'mIoU {score:.1f}')
