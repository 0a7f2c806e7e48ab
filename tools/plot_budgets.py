"""Draw mIoU over the number of labelled target images from the results of tools/compare.py.

python tools/plot_budgets.py results.json [more.json ...] --out curves.png
python tools/plot_budgets.py labor.json --cost clicks --out costs.png    # rounds of active labelling

The budget of a row is read from its name. Both `gta2cs_uda_cutmix budget=100`, a row of `tools/compare.py --vary
budget=...`, and `gta2cs_uda_cutmix_100` are points of the curve `gta2cs_uda_cutmix`. Rows without a number, such as an
oracle, are horizontal lines. With --cost, the score is drawn over what the labels of each round have cost.
"""
import argparse
import json
import os
import os.path as osp
from typing import Any, List, Optional, Tuple

from udas_mmseg.visualization.budget_curve import draw_budget_curves
from udas_mmseg.visualization.comparison import summarize
from udas_mmseg.visualization.cost_curve import COSTS, draw_cost_curves


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', nargs='+', help='JSON files from tools/compare.py')
    parser.add_argument('--out', required=True, help='file of the picture, such as curves.png')
    parser.add_argument('--metric', default='mIoU', help='name of the score (default: mIoU)')
    parser.add_argument('--cost', choices=COSTS, help='draw over the cost of the labels in rounds of active labelling')
    parser.add_argument('--labels', nargs='+', default=[], type=name_and_text, metavar='NAME=TEXT',
                        help='label of a curve that replaces its name')
    return parser.parse_args(arguments)


def name_and_text(argument: str) -> Tuple[str, str]:
    """Split an argument of --labels."""
    name, separator, text = argument.partition('=')
    if not separator:
        raise argparse.ArgumentTypeError(f'{argument!r} is not NAME=TEXT')
    return name, text


def read_runs(paths: List[str]) -> List[dict]:
    """Read the finished runs of all files."""
    runs: List[Any] = []
    for path in paths:
        with open(path) as file:
            try:
                found = json.load(file)
            except ValueError as error:
                raise ValueError(f'{path} is not a JSON file: {error}') from error
        if not all(isinstance(run, dict) and {'name', 'seed', 'seconds', 'metrics'} <= run.keys() for run in found):
            raise ValueError(f'{path} does not have results of tools/compare.py. Use the JSON files of its --out.')
        runs += found
    seen = [(run['name'], run['seed']) for run in runs]
    twice = sorted({run for run in seen if seen.count(run) > 1})
    if twice:
        raise ValueError(f'{len(twice)} runs occur more than once, such as {twice[0][0]} with seed {twice[0][1]}. '
                         'Give each file once.')
    return runs


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    try:
        labels = dict(args.labels)
        os.makedirs(osp.dirname(args.out) or '.', exist_ok=True)
        rows = summarize(read_runs(args.results))
        if args.cost:
            draw_cost_curves(rows, args.out, args.cost, args.metric, labels)
        else:
            draw_budget_curves(rows, args.out, args.metric, labels)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(args.out)


if __name__ == '__main__':
    main()
