"""The figures of benchmarks as a table in Markdown, with the goals that were reached."""
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import cv2
import mmengine
import mmseg
import numpy
import torch
from measuring import Row, processor

from udas_mmseg.utils.files import replace_file
from udas_mmseg.utils.progress import clock
from udas_mmseg.version import __version__

BEGIN, END = '<!-- bench.md: begin -->', '<!-- bench.md: end -->'
GOAL = re.compile(r'(?P<ratio>ratio )?(?P<sign>[<>]=?|=) (?P<limit>[\d.e+-]+)')
COMPARE = {'<': lambda a, b: a < b, '<=': lambda a, b: a <= b, '>': lambda a, b: a > b, '>=': lambda a, b: a >= b,
           '=': lambda a, b: a == b}


def machine(root: str) -> Dict[str, Any]:
    """Return the device, the processor and the versions, on which figures depend."""
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=root, capture_output=True, text=True,
                            check=False).stdout.strip()
    return dict(device=torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU', processor=processor(),
                cores=os.cpu_count(), threads=int(os.environ.get('OMP_NUM_THREADS') or os.cpu_count() or 1),
                python=platform.python_version(), torch=torch.__version__, cuda=torch.version.cuda,
                numpy=numpy.__version__, opencv=cv2.__version__, mmengine=mmengine.__version__,
                mmsegmentation=mmseg.__version__, udas_mmseg=__version__, commit=commit)


def reached(row: Row, by_processor_time: bool = False) -> Optional[bool]:
    """Whether the goal of a row is reached; None if it has none.

    Raises:
        ValueError: if the goal is not a comparison.
    """
    goal = row['goal']
    if not goal:
        return None
    found = GOAL.match(goal)
    if not found:
        raise ValueError(f'goal {goal!r} of {row["name"]}: write a comparison, such as "ratio >= 1.1" or "< 8 ms".')
    value: Any = row['value']
    if found['ratio']:
        value = row.get('cpu_ratio') if by_processor_time and row.get('cpu_ratio') is not None else row['ratio']
    return value is not None and COMPARE[found['sign']](value, float(found['limit']))


def table(result: Dict[str, Any]) -> str:
    """The whole result in Markdown."""
    here = result['machine']
    versions = ', '.join(f'{name} {here[name]}' for name in ('python', 'torch', 'cuda', 'mmengine', 'mmsegmentation',
                                                             'udas_mmseg') if here[name])
    parts = result['parts'].values()
    load = statistics.median(part['load'] for part in parts) if parts else 0
    lines = [
        f'{here["device"]}; {here["processor"]}, {here["cores"]} cores, {here["threads"]} threads; {versions}, commit '
        f'{here["commit"]}. Goals are compared with ratios of {result["judged_by"]}. Median load of the machine when a '
        f'part began: {load:.1f}.', '',
        '| figure | value | compared with | ratio | range | of processor time | repeats | goal | reached |',
        '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'
    ]  # yapf: disable
    lines += [line(row, result['judged_by'] != 'time') for part in parts for row in part['rows']]
    lines += [f'| {name} | failed: {part["error"]} | | | | | | | |'.replace('\n', ' ')
              for name, part in result['parts'].items() if part['error']]
    return '\n'.join([*lines, '', summary(result), ''])


def line(row: Row, by_processor_time: bool = False) -> str:
    """A row in Markdown."""
    def number(key: str) -> str:
        return '' if row.get(key) is None else f'{row[key]:.2f}'  # type: ignore[literal-required]

    value = '' if row['value'] is None else f'{row["value"]:.3g}'
    low, high = row.get('spread') or (None, None)
    spread = '' if low is None or row.get('repeats', 1) < 2 else f'{low:.3g} to {high:.3g}'
    found = reached(row, by_processor_time)
    answer = {None: '', True: 'yes', False: '**no**'}[found]
    extra = ''.join(f'; {text}' for key, text in (
        ('images_per_second', f'{row.get("images_per_second", 0):.3g} images/s'),
        ('peak_gb', f'peak {row.get("peak_gb", 0):.2f} GB')) if row.get(key) is not None)
    return (f'| {row["name"]} | {value}{extra} | {row["against"]} | {number("ratio")} | {spread} | '
            f'{number("cpu_ratio")} | {row.get("repeats", "")} | {row["goal"]} | {answer} |')


def summary(result: Dict[str, Any]) -> str:
    """How many goals are reached, what failed, and what is missing."""
    parts = result['parts']
    found: List[bool] = []
    for part in parts.values():
        answers = (reached(row, result['judged_by'] != 'time') for row in part['rows'])
        found += [answer for answer in answers if answer is not None]
    failed, missing = [name for name, part in parts.items() if part['error']], result['not_measured']
    text = f'{sum(found)} of {len(found)} goals are reached; {clock(sum(part["seconds"] for part in parts.values()))}.'
    text += f' Failed: {", ".join(failed)}.' if failed else ''
    return text + (f' Not measured yet (`--continue`): {", ".join(missing)}.' if missing else '')


def write_into(path: str, content: str) -> None:
    """Replace the table in a page, between the comments `BEGIN` and `END`.

    Raises:
        ValueError: if the page has no such comments.
    """
    text = Path(path).read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f'--into {path}: the page must have the lines {BEGIN} and {END} once each.')
    before, _, rest = text.partition(BEGIN)
    replace_file(path, f'{before}{BEGIN}\n\n{content}\n{END}{rest.partition(END)[2]}'.encode())
