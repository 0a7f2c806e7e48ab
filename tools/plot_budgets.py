"""Draw mIoU over the number of labelled target images from the results of tools/compare.py.

python tools/plot_budgets.py results.json [more.json ...] --out curves.png

A configuration's budget is the last number in its name: `gta2cs_uda_cutmix_100` is a point of the curve
`gta2cs_uda_cutmix`. Configurations without a number (an oracle, a floor) are horizontal lines.
"""
import argparse
import json
import os
import os.path as osp
from typing import Any, List, Optional

from udas_mmseg.evaluation.comparison import summarize
from udas_mmseg.visualization.budget_curve import draw_budget_curves


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', nargs='+', help='JSON files that tools/compare.py wrote')
    parser.add_argument('--out', required=True, help='the picture, such as curves.png')
    parser.add_argument('--metric', default='mIoU', help='which score (default: mIoU)')
    parser.add_argument('--labels', nargs='+', default=[], metavar='NAME=TEXT', help='what to write for a curve')
    return parser.parse_args(arguments)


def read_runs(paths: List[str]) -> List[dict]:
    """The finished runs of all files."""
    runs: List[Any] = []
    for path in paths:
        with open(path) as file:
            runs += json.load(file)
    if not all(isinstance(run, dict) and {'name', 'seed', 'seconds', 'metrics'} <= run.keys() for run in runs):
        raise ValueError(f'{", ".join(paths)}: not results of tools/compare.py. Give it the JSON files of its --out.')
    return runs


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    try:
        labels = dict(label.split('=', 1) for label in args.labels)
        os.makedirs(osp.dirname(args.out) or '.', exist_ok=True)
        draw_budget_curves(summarize(read_runs(args.results)), args.out, args.metric, labels)
    except (OSError, ValueError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(args.out)


if __name__ == '__main__':
    main()
