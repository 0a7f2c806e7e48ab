"""Train and score configs with several seeds, one after the other, and write a table.

python tools/compare.py configs/benchmarks/carla2camvid/{source_only,oracle}.py --seeds 0 1 2 --out carla2camvid
python tools/compare.py configs/benchmarks/carla2camvid/cutmix.py --vary budget=1,2,5,10 --seeds 0 1 2 --out labels

Finished runs are skipped and an interrupted run is resumed, so you can run the same command again at any time.
NAME.json has all runs with their metrics, time, command and versions; NAME.md is the table. A config of self-training
(`configs/udas/*_ssl*.py`) gives a row for each model that it trains: adapted, round 1, round 2, ...
"""
import argparse
import os.path as osp
import signal
import sys
import time
from typing import Any, Dict, List, Tuple

from udas_mmseg.engine.launch import config_name, load_config
from udas_mmseg.experiments.training import train_and_score
from udas_mmseg.utils.digests import config_digest
from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.progress import clear_line
from udas_mmseg.utils.variants import Variant, expand, folder_name, parse_values, unknown_keys
from udas_mmseg.visualization.comparison import markdown_table, summarize


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', help='config files')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0], help='default: 0')
    parser.add_argument('--out', required=True, help='NAME of the table: NAME.json and NAME.md are written')
    parser.add_argument('--work-dir', default='work_dirs/compare', help='folder for the runs, in a sub-folder NAME')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='passed to every run')
    parser.add_argument('--vary', action='append', default=[], metavar='KEY=a,b,c',
                        help='add a row for each of these values of a key; with several --vary, for each combination')
    return parser.parse_args()


def plan_runs(args: argparse.Namespace) -> List[Tuple[str, Variant, int]]:
    """Return the config, variant and seed of every run, seed by seed.

    Raises:
        ValueError: if a varied key is malformed, or unknown to one of the configs.
    """
    keys = dict(parse_values(argument) for argument in args.vary)
    if 'randomness.seed' in keys:
        raise ValueError('--vary randomness.seed: use --seeds instead, which gives one row for all seeds.')
    variants = expand(keys)
    for path in args.configs if keys else []:
        unknown = unknown_keys(keys, load_config(path).to_dict())
        if unknown:
            raise ValueError(f'--vary {unknown[0]}: {path} has no such key, so all its rows would be the same.')
    return [(path, variant, seed) for seed in args.seeds for path in args.configs for variant in variants]


def run_one(path: str, variant: Variant, seed: int, args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Train and score a variant of a config with a seed, or read the results of an earlier call."""
    name = config_name(path) + variant.suffix
    work_dir = osp.join(args.work_dir, osp.basename(args.out), folder_name(name), f'seed_{seed}')
    options = [*args.cfg_options, *variant.options]
    digest = config_digest({**load_config(path).to_dict(), 'cfg_options': options})
    return train_and_score(path, work_dir, seed, options, name=name, digest=digest)


def write_table(runs: List[Dict[str, Any]], out: str) -> str:
    """Write NAME.json and NAME.md, and return the table."""
    table = markdown_table(summarize(runs))
    replace_file(f'{out}.json', to_json(runs))
    with open(f'{out}.md', 'w') as file:
        file.write(table)
    return table


def main() -> None:
    args = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('terminated'))  # to also stop the training
    try:
        plan = plan_runs(args)
    except (OSError, ValueError) as error:  # the user's to correct: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    runs: List[Dict[str, Any]] = []
    failed: List[str] = []
    started = time.monotonic()
    for number, (path, variant, seed) in enumerate(plan):
        name = config_name(path) + variant.suffix
        minutes = (time.monotonic() - started) / 60
        left = f', about {minutes / number * (len(plan) - number):.0f} min left' if number else ''
        clear_line()
        print(f'[{number + 1}/{len(plan)}{left}] {name}, seed {seed}', flush=True)
        try:
            runs.extend(run_one(path, variant, seed, args))
        except RuntimeError as error:  # continue with the other runs
            failed.append(f'{name}, seed {seed}')
            print(f'{failed[-1]}: {error}', file=sys.stderr, flush=True)
            continue
        print(write_table(runs, args.out), flush=True)
    if failed:
        raise SystemExit(f'{len(failed)} of {len(plan)} runs failed: {"; ".join(failed)}')


if __name__ == '__main__':
    main()
