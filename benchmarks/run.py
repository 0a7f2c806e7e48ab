"""Run the benchmarks and print the figures: `make bench`.

python benchmarks/run.py [NAME ...] [--json FILE]

Every figure is a median of several runs; ratios are taken within one run, since machines drift. Never a test.
"""
import argparse
import importlib
import os
import platform
from typing import Dict, List

import torch

from udas_mmseg.utils.files import replace_file, to_json

SUITES = ('adversarial_step', 'augmentation', 'cross_pseudo_step', 'data_stream', 'import_time', 'online_training',
          'prediction', 'pseudo_labeling', 'setup_time', 'stage_change', 'translation')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', choices=[*SUITES, []], help=f'of {", ".join(SUITES)} (default: all)')
    parser.add_argument('--json', help='write the figures to this file, too')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f'CPU, {os.cpu_count()} cores'
    print(f'{device}; python {platform.python_version()}, torch {torch.__version__}\n')
    print('| figure | value | against | ratio | goal |\n| --- | --- | --- | --- | --- |')
    rows: List[Dict[str, object]] = []
    for name in args.names or SUITES:
        for row in importlib.import_module(name).run():
            rows.append(row)
            ratio = '' if row['ratio'] is None else f'{row["ratio"]:.2f}'
            print(f'| {row["name"]} | {row["value"]:.3g} | {row["against"]} | {ratio} | {row["goal"]} |', flush=True)
    if args.json:
        replace_file(args.json, to_json(rows))


if __name__ == '__main__':
    main()
