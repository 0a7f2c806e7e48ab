"""The report on one or several runs: a page that needs no other files, and its figures."""
import base64
import os.path as osp
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..visualization.page import Page, inner_html
from . import pictures, scores, stages
from .differences import Difference, config_differences
from .elements import bullets, choice, details, heading, paragraph, sortable_table
from .evidence import Evidence, collect_evidence
from .record import Row, RunRecord, ladder_rows
from .training import Curve, read_config, read_curves

LARGEST = 15 * 10**6  # bytes of the page
_LISTED = 4  # runs; a longer list is opened by a click
_CURVE = 'val/mIoU'  # shown first
_OF_FIRST = 'Of several runs, these are the predictions of the first one; so are those of the confusion matrix.'
_HERE = Path(__file__).parent


def write_run_report(out: str, runs: Sequence[RunRecord], images: int = 50, shown: int = 8, title: str = '',
                     parts: Mapping[str, str] = {}, figures: Mapping[str, Any] = {}) -> Dict[str, Any]:
    """Write `report.html` (one file with all pictures, at most 15 MB) and `report.json` about runs.

    Models of the same name in several runs are one row, with mean and standard deviation. Predictions and differences
    between configs are those of the first run of each row.

    Args:
        out (str): Folder for the report, which is created if it does not exist.
        runs (Sequence[RunRecord]): One or more runs, in the order of the page.
        images (int): Largest number of validation images that each model predicts for confusion matrices and
            pictures, evenly spaced. 0 loads no model. Defaults to 50.
        shown (int): Number of these in the browser of images. Defaults to 8.
        title (str): Title of the page. Defaults to '': that of the runs.
        parts (Mapping[str, str]): Further parts before the others: title -> HTML. Defaults to none.
        figures (Mapping[str, Any]): Further entries of `report.json`. Defaults to none.

    Returns:
        dict: The content of `report.json`.

    Raises:
        ValueError: if there is no run, a number is negative, or `shown` is larger than `images`.
        OSError: if a file cannot be written.
    """
    check_numbers(images, shown)
    if not runs:
        raise ValueError('there is no run to report on. Give at least one.')
    rows = ladder_rows(runs)
    first = {row.name: row.models[0] for row in rows}
    evidence = collect_evidence(first, images, shown) if images and first else None
    series, differences = _read_curves(runs, rows), _differences(rows)
    content: Dict[str, Any] = dict(
        runs=[dict(name=run.name, folder=run.folder, seed=run.seed, versions=dict(run.versions),
                   stages=dict(run.stages)) for run in runs],
        ladder=scores.figures(rows), confusion=pictures.confusion_figures(evidence), curves=series,
        config_differences={name: [one._asdict() for one in found] for name, found in differences.items()}, **figures)
    all_parts = {**parts, **_parts(runs, rows, evidence, series, differences)}
    _to_page(title, runs, all_parts).save(out, content)
    return content


def check_numbers(images: int, shown: int) -> None:
    """Raise a ValueError if a number of images is negative, or more are shown than predicted."""
    if not 0 <= shown <= images:
        raise ValueError(f'images={images}, shown={shown}: allowed are numbers from 0, and no more shown images than '
                         'predicted ones.')


def _parts(runs: Sequence[RunRecord], rows: Sequence[Row], evidence: Optional[Evidence],
           series: Mapping[str, Any], differences: Mapping[str, List[Difference]]) -> Dict[str, str]:
    """Return the parts of the page, some of which may be empty: title -> HTML."""
    charts = stages.curves(series)
    parts: Dict[str, str] = {}
    kept = {run.kept for run in runs if run.kept}
    if rows:
        parts.update({'Models': scores.ladder(rows, kept), 'Classes': scores.by_class(rows)})
    if evidence is not None:
        note = paragraph(_OF_FIRST) if any(len(row.models) > 1 for row in rows) else ''
        # the models whose predictions are shown: those of the first run of each row
        first = next((row.name for row in reversed(rows) if row.models[0].folder in kept), '')
        browser = pictures.image_browser(evidence, [row.name for row in rows], first)
        parts['Images'] = browser + (note if browser else '') + bullets(evidence.problems)
        parts['Confusion matrix'] = pictures.confusion_matrices(evidence, first)
    if charts:
        parts['Learning curves'] = choice('curve', 'value', charts, _most_telling(series))
    parts['Pseudo-labels'] = _of_each(runs, stages.pseudo_labels)
    parts['Kept models'] = _of_each(runs, stages.kept_models)
    parts['Stages and times'] = _of_each(runs, stages.times)
    parts['Versions and hardware'] = _versions(runs)
    parts['Differences between the configs'] = _difference_tables(differences)
    return parts


def _to_page(title: str, runs: Sequence[RunRecord], parts: Mapping[str, str]) -> Page:
    title = title or (f'Report on {runs[0].name}' if len(runs) == 1 else f'Report on {len(runs)} runs')
    page = Page(title, (_HERE / 'report.css').read_text(), (_HERE / 'report.js').read_text())
    listed = bullets([run.name + ('' if run.seed is None else f', seed {run.seed}') + f': {run.folder}'
                      for run in runs])
    page.add(listed if len(runs) <= _LISTED else details(f'{len(runs)} runs', listed))
    _add_parts(page, {name: part for name, part in parts.items() if part}, runs)
    return page


def _add_parts(page: Page, parts: Dict[str, str], runs: Sequence[RunRecord]) -> None:
    """Add a list of links, the parts, and the reports of the stages."""
    parts['Reports of the stages'] = _embedded(runs, sum(map(len, parts.values())))
    parts = {name: part for name, part in parts.items() if part}
    identifiers = {name: re.sub(r'\W+', '-', name.lower()) for name in parts}
    links = ''.join(f'<li><a href="#{identifiers[name]}">{name}</a></li>' for name in parts)
    page.add(f'<nav aria-label="Parts of this page"><ul>{links}</ul></nav>')
    for name, part in parts.items():
        page.add(f'<section id="{identifiers[name]}">\n<h2>{name}</h2>\n{part}\n</section>')


def _of_each(runs: Sequence[RunRecord], part: Any) -> str:
    """Return a part of each run that has it; with the names of the runs if there are several."""
    found = [(run, part(run)) for run in runs]
    found = [(run, text) for run, text in found if text]
    if len(runs) == 1:
        return ''.join(text for _, text in found)
    return '\n'.join(f'{heading(f"{run.name}: {run.folder}")}\n{text}' for run, text in found)


def _versions(runs: Sequence[RunRecord]) -> str:
    """Return a table of the versions, with a column for each group of runs that have the same ones."""
    groups: Dict[Tuple[Tuple[str, str], ...], List[str]] = {}
    for run in runs:
        if run.versions:
            groups.setdefault(tuple(sorted(run.versions.items())), []).append(osp.basename(run.name))
    if not groups:
        return ''
    columns = [dict(group) for group in groups]
    titles = [', '.join(dict.fromkeys(names)) for names in groups.values()] if len(groups) > 1 else ['version']
    names = sorted({name for column in columns for name in column}, key=str.lower)
    return sortable_table('Versions and hardware', ['name', *titles],
                          [[name, *(column.get(name, '-') for column in columns)] for name in names])


def _read_curves(runs: Sequence[RunRecord], rows: Sequence[Row]) -> Dict[str, Dict[str, List[Curve]]]:
    """Return the curves of all trainings: value -> model -> curves."""
    folders = {row.name: [model.folder for model in row.models] for row in rows}
    for run in runs:
        for name, folder in run.trainings.items():
            folders.setdefault(name, []).append(folder)
    series: Dict[str, Dict[str, List[Curve]]] = {}
    for name, paths in folders.items():
        for path in paths:
            for key, curve in read_curves(path).items():
                series.setdefault(key, {}).setdefault(name, []).append(curve)
    first = [key for key in (_CURVE, 'loss') if key in series]
    return {key: series[key] for key in (*first, *sorted(set(series) - {*first}))}


def _most_telling(series: Mapping[str, Mapping[str, Sequence[Curve]]]) -> str:
    """Return the curve to show first: the score, if it was measured more than once in some training."""
    curves = series.get(_CURVE, {}).values()
    return _CURVE if 'loss' not in series or any(len(curve) > 1 for found in curves for curve in found) else 'loss'


def _differences(rows: Sequence[Row]) -> Dict[str, List[Difference]]:
    """Compare the config of each row with that of the row before."""
    configs = {row.name: read_config(row.models[0].folder) for row in rows}
    found: Dict[str, List[Difference]] = {}
    for before, after in zip(rows, rows[1:]):
        one, other = configs[before.name], configs[after.name]
        if one is not None and other is not None:
            found[f'{before.name} → {after.name}'] = config_differences(one, other)
    return found


def _difference_tables(differences: Mapping[str, List[Difference]]) -> str:
    return '\n'.join(
        details(f'{name}: {len(found)} settings',
                sortable_table(f'Differences {name}', ['setting', 'before', 'after'],
                               [list(one) for one in found]) if found else paragraph('They are the same.'))
        for name, found in differences.items())


def _embedded(runs: Sequence[RunRecord], used: int) -> str:
    """Return the reports of the stages, as long as the page stays small enough; the others are named."""
    parts = []
    for run in runs:
        for stage, path in stages.report_paths(run).items():
            title, content = inner_html(Path(path).read_text(encoding='utf-8'))
            content = re.sub(r'data:image/png;base64,([^"]*)', lambda found: _smaller(found[1]), content)
            name = f'{title}: {stage}' if len(runs) == 1 else f'{title}: {osp.basename(run.folder)}/{stage}'
            if used + len(content) > LARGEST * 0.9:
                content = paragraph(f'It would make this page too large: {path}')
            used += len(content)
            parts.append(details(name, content))
    return '\n'.join(parts)


def _smaller(png: str) -> str:
    """Return the data of a picture, as JPEG if that is smaller."""
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR)
    if picture is not None:
        jpeg = base64.b64encode(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()).decode()
        if len(jpeg) < len(png):
            return f'data:image/jpeg;base64,{jpeg}'
    return f'data:image/png;base64,{png}'
