"""Train and score configs with several seeds, one after the other, and write a table.

python tools/compare.py configs/benchmarks/carla2camvid/{source_only,oracle}.py --seeds 0 1 2 --out carla2camvid
python tools/compare.py configs/benchmarks/carla2camvid/cutmix.py --vary budget=1,2,5,10 --seeds 0 1 2 --out labels

Finished runs are skipped and an interrupted run is resumed, so you can run the same command again at any time.
NAME.json has all runs with their metrics, time, command and versions; NAME.md is the table. A config of self-training
(`configs/udas/*_ssl*.py`) gives a row for each model that it trains: adapted, round 1, round 2, ...
"""
import argparse
import contextlib
import json
import os
import os.path as osp
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

from udas_mmseg.engine.config_run import run_type
from udas_mmseg.engine.launch import config_name, has_checkpoint, load_config
from udas_mmseg.utils.digests import config_digest
from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.progress import clear_line, relay
from udas_mmseg.utils.variants import Variant, expand, folder_name, parse_values, unknown_keys
from udas_mmseg.utils.versions import versions
from udas_mmseg.visualization.comparison import markdown_table, summarize

TOOLS = osp.dirname(osp.abspath(__file__))
RESULTS = 'results.json'  # file in the folder of a finished run


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


def run_command(command: List[str], log: str, clock: str, title: str) -> float:
    """Run a command with its output in a log file, and store its time in the file `clock`, even if it is killed.

    Args:
        command (list[str]): The command.
        log (str): Path of the log, to which its output is appended.
        clock (str): Path of a file with the seconds of earlier attempts.
        title (str): Title under which its progress is shown.

    Returns:
        float: Seconds of all attempts.

    Raises:
        RuntimeError: with the end of the log, if the command fails.
    """
    spent = 0.0
    if osp.exists(clock):
        with open(clock) as file:
            spent = float(file.read())
    started = time.monotonic()
    with open(log, 'a') as file, open(log, errors='replace') as written, \
            subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        written.seek(0, os.SEEK_END)
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                for line in written:
                    relay(line, title)
                replace_file(Path(clock), f'{spent + time.monotonic() - started:.1f}'.encode())
        except BaseException:  # interrupted or terminated: end the training, too
            process.terminate()
            raise
    if process.returncode:
        with open(log, errors='replace') as file:
            tail = ''.join(file.readlines()[-15:])
        raise RuntimeError(f'exit status {process.returncode}, log {log}:\n{tail}')
    return spent + time.monotonic() - started


def claim_folder(work_dir: str, digest: str, path: str) -> None:
    """Record the config that is trained in a folder, or refuse a folder with another config.

    Raises:
        RuntimeError: if the config has changed.
    """
    note = osp.join(work_dir, 'config_digest.txt')
    if not osp.exists(note):
        replace_file(Path(note), digest.encode())
    with open(note) as file:
        if file.read() != digest:
            raise RuntimeError(f'{work_dir} was started with another version of {path}. Delete it, or choose another '
                               '--out.')


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
    """Train and score a variant of a config with a seed, or read the results of an earlier call.

    Returns:
        list[dict]: The run; if it trains several models, as in self-training, an entry for each model.
    """
    name = config_name(path) + variant.suffix
    work_dir = osp.join(args.work_dir, osp.basename(args.out), folder_name(name), f'seed_{seed}')
    cfg_options = [*args.cfg_options, *variant.options]
    options = [f'randomness.seed={seed}', *cfg_options]
    cfg = load_config(path)
    digest = config_digest({**cfg.to_dict(), 'cfg_options': cfg_options})
    os.makedirs(work_dir, exist_ok=True)
    claim_folder(work_dir, digest, path)
    done = osp.join(work_dir, RESULTS)
    if osp.exists(done):
        with open(done) as file:
            return json.load(file)
    resume = ['--resume'] if has_checkpoint(work_dir) else []
    train = [sys.executable, osp.join(TOOLS, 'train.py'), path, '--work-dir', work_dir, *resume, '--cfg-options',
             *options]
    seconds = run_command(train, osp.join(work_dir, 'train.txt'), osp.join(work_dir, 'seconds.txt'),
                          f'{name}, seed {seed}')
    command = f'python tools/train.py {path} --cfg-options {" ".join(options)}'
    common = dict(seed=seed, config_digest=digest, versions=versions(), command=command)
    results = []
    for model, found in run_type(cfg).results(work_dir).items():
        metrics = found.get('metrics') or score(path, name, found['checkpoint'], work_dir, options)
        results.append(dict(common, name=f'{name}: {model}' if model else name, metrics=metrics,
                            seconds=found.get('seconds', seconds)))
    replace_file(Path(done), to_json(results))
    return results


def score(path: str, name: str, checkpoint: str, work_dir: str, options: List[str]) -> Dict[str, float]:
    """Compute the metrics of a trained model with `tools/test.py`."""
    metrics = osp.join(work_dir, 'metrics.json')
    test = [sys.executable, osp.join(TOOLS, 'test.py'), path, checkpoint, '--work-dir', osp.join(work_dir, 'test'),
            '--json', metrics, '--cfg-options', *options]
    run_command(test, osp.join(work_dir, 'test.txt'), osp.join(work_dir, 'test_seconds.txt'),
                f'{name}, scores')
    with open(metrics) as file:
        return json.load(file)


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
