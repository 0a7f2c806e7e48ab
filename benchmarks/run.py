"""Run the benchmarks, and write their figures to build/bench.json and, as a table, to build/bench.md: `make bench`.

python benchmarks/run.py [NAME ...] [--minutes 8] [--continue] [--processor-time] [--out FOLDER] [--into FILE]

Every figure is a median of several repeats; ratios are taken within one run, since machines drift. Benchmarks have
parts, and the first parts of all of them are measured first: with few minutes, the most telling rows are there, and
`--continue` measures the others. A part that fails is listed, and the others are measured. Never a test.
"""
import argparse
import contextlib
import gc
import importlib
import json
import os
import sys
import time
import traceback
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import torch
from measuring import Parts, Row, threads
from mmengine.registry import init_default_scope
from table import machine, reached, summary, table, write_into

from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.progress import clock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUITES = ('large_steps', 'adversarial_step', 'student_step', 'online_training', 'cross_pseudo_step', 'pseudo_labeling',
          'translation', 'evaluation', 'data_stream', 'prediction', 'fast_conv', 'channels_last', 'scaling',
          'many_images', 'augmentation', 'stage_change', 'import_time')
ON_REQUEST = ('setup_time', )  # needs minutes and the package index
# parts that are measured only when their benchmark is named, so that all others take about 15 minutes
LONGER = ('adversarial_step/without the hook', 'adversarial_step/one forward pass',
          'student_step/DAFormerHead on MiT-B0',
          *(f'online_training/{part}, DAFormerHead on MiT-B0' for part in ('speed', 'memory', 'teacher', 'gradients')),
          'pseudo_labeling/one view at a time', 'channels_last/DeepLabv2 on ResNet-18')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', choices=[*SUITES, *ON_REQUEST, []],
                        help=f'of {", ".join(SUITES)} (default: these, without some longer parts), '
                        f'{", ".join(ON_REQUEST)}')
    parser.add_argument('--minutes', type=float, default=float('inf'), help='start no part after so many minutes')
    parser.add_argument('--continue', dest='goes_on', action='store_true',
                        help='keep the parts in bench.json, and measure those that are missing or failed')
    parser.add_argument('--processor-time', action='store_true',
                        help='compare goals with ratios of processor time, on a machine that does other work')
    parser.add_argument('--out', default=os.path.join(ROOT, 'build'), help='folder (default: build)')
    parser.add_argument('--into', metavar='FILE', help='also replace the table in this page, as in docs/performance.md')
    return parser.parse_args()


def parts_of(name: str) -> Parts:
    """The parts of a benchmark; one with `run` alone has one."""
    module = importlib.import_module(name)
    return module.parts() if hasattr(module, 'parts') else {'all': module.run}


def in_order(names: Sequence[str]) -> List[Tuple[str, str, Any]]:
    """Benchmark, part and function of all parts: the first ones of all benchmarks, then the second ones, and so on."""
    each = [[(name, part, function) for part, function in parts_of(name).items()] for name in names]
    return [one for one in chain.from_iterable(zip_longest(*each)) if one is not None]


def measure(function: Any) -> Dict[str, Any]:
    """Rows of a part, or the error, and the seconds that it took."""
    started, load = time.perf_counter(), os.getloadavg()[0]
    rows: List[Row] = []
    error = None
    try:
        with threads(int(os.environ.get('OMP_NUM_THREADS') or os.cpu_count() or 1)):
            rows = list(function())
        for row in rows:
            reached(row)  # refuses a goal that cannot be compared
    except Exception as problem:  # whatever it is, the other parts are measured
        rows, error = [], f'{type(problem).__name__}: {problem}'
        traceback.print_exc()
    gc.collect()
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):
            torch.cuda.empty_cache()
    return dict(rows=rows, error=error, seconds=time.perf_counter() - started, load=load)


def kept_parts(path: str, here: Dict[str, Any]) -> Dict[str, Any]:
    """The parts of an earlier run that have figures.

    Raises:
        ValueError: if they are of another machine or version.
    """
    if not os.path.exists(path):
        return {}
    before = json.loads(Path(path).read_text())
    differing = sorted(key for key in here if before['machine'].get(key) != here[key])
    if differing:
        raise ValueError(f'--continue: {path} was measured with another {", ".join(differing)} '
                         f'({before["machine"].get(differing[0])!r}, now {here[differing[0]]!r}). Leave out --continue '
                         'to measure everything again, or give another folder: --out FOLDER.')
    return {name: part for name, part in before['parts'].items() if not part['error']}


def left(durations: Sequence[float], number: int) -> str:
    """How long so many more parts take, by the mean of those before."""
    return f', about {clock(number * sum(durations) / len(durations))} left' if durations else ''


def run(args: argparse.Namespace) -> Dict[str, Any]:
    """Measure, and write both files after each part; returns what is in bench.json."""
    path = os.path.join(args.out, 'bench.json')
    here = machine(ROOT)
    parts = kept_parts(path, here) if args.goes_on else {}
    wanted = [one for one in in_order(args.names or SUITES) if args.names or f'{one[0]}/{one[1]}' not in LONGER]
    listed = (*SUITES, *ON_REQUEST)
    names = [f'{suite}/{part}' for suite, part, _ in sorted(wanted, key=lambda one: listed.index(one[0]))]
    missing = [one for one in wanted if f'{one[0]}/{one[1]}' not in parts]
    started, durations = time.perf_counter(), [part['seconds'] for part in parts.values()]
    result: Dict[str, Any] = {}
    for number, (suite, part, function) in enumerate(missing):
        passed = time.perf_counter() - started
        if passed > 60 * args.minutes:
            break
        print(f'[{len(names) - len(missing) + number + 1}/{len(names)}] {suite}, {part} ({clock(passed)}'
              f'{left(durations, len(missing) - number)})', file=sys.stderr, flush=True)
        parts[f'{suite}/{part}'] = measure(function)
        durations.append(parts[f'{suite}/{part}']['seconds'])
        order = [*(name for name in names if name in parts), *(name for name in parts if name not in names)]
        result = dict(machine=here, judged_by='processor time' if args.processor_time else 'time', parts={
            name: parts[name] for name in order}, not_measured=[name for name in names if name not in parts])
        os.makedirs(args.out, exist_ok=True)
        replace_file(path, to_json(result))
        replace_file(os.path.join(args.out, 'bench.md'), table(result).encode())
    return result or json.loads(Path(path).read_text())  # nothing was missing


def main() -> None:
    args = parse_args()
    sys.path.insert(0, ROOT)
    init_default_scope('mmseg')
    try:
        result = run(args)
    except ValueError as error:
        sys.exit(str(error))
    print(table(result))
    if args.into:
        write_into(args.into, table(result))
    print(summary(result), f'Written: {args.out}/bench.json, bench.md', file=sys.stderr)
    sys.exit(any(part['error'] for part in result['parts'].values()))


if __name__ == '__main__':
    main()
