"""Train what a config describes.

python tools/train.py configs/demo/source_only.py
python tools/train.py CONFIG --resume            # after an interruption: ends with the same weights
tools/dist_train.sh CONFIG 2                     # two processes, on GPUs or on the CPU
python tools/train.py configs/udas/gta2cs_ssl.py # all stages of self-training; goes on where it was interrupted
python tools/train.py configs/udas/gta2cs_ssl.py --dry-run    # their plan, and nothing else
"""
import argparse
import errno
import os
from typing import Sequence

from mmengine.config import Config, DictAction

from udas_mmseg.datasets import SampleError
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import (
    build_runner,
    enable_amp,
    init_distributed,
    load_config,
    mend_last_checkpoint,
    start_processes,
)
from udas_mmseg.self_training import SelfTrainingRunner, WorkDirError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where checkpoints and logs go (default: work_dirs/<config name>)')
    parser.add_argument('--resume', action='store_true', help='continue from the last checkpoint in the work directory')
    parser.add_argument('--amp', nargs='?', const='float16', choices=['float16', 'bfloat16'],
                        help='automatic mixed precision (default type: float16)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. train_dataloader.batch_size=2')
    parser.add_argument('--dry-run', action='store_true', help='print the stages of self-training, and stop')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torchrun and its predecessor hand the local rank over in either spelling
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, args.work_dir, args.cfg_options)
        is_self_training = cfg.get('runner_type') == 'SelfTrainingRunner'
        if args.dry_run and not is_self_training:
            raise ValueError('--dry-run shows the stages of a config with runner_type="SelfTrainingRunner", such as '
                             f'configs/udas/gta2cs_ssl.py; {args.config} is a single training.')
        if is_self_training:
            stages = prepare_self_training(cfg, args)
        else:
            prepare_training(cfg, args)
    except (OSError, ValueError, RuntimeError, ImportError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    if args.dry_run:
        return
    try:
        (stages if is_self_training else build_runner(cfg)).train()
    except (FloatingPointError, SampleError) as error:
        raise SystemExit(f'{type(error).__name__}: {last_line(error)}') from error
    except (ValueError, WorkDirError) as error:
        if not is_self_training:  # there, what a user may have to mend comes up between the stages, too
            raise
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            if is_self_training:
                raise SystemExit(f'{type(error).__name__}: {error}') from error
            raise
        again = 'the same command' if is_self_training else 'the same command with --resume'
        raise SystemExit(f'the disk of {cfg.work_dir} is full ({error}). What was written whole, such as the last '
                         f'checkpoint, is kept: free some space and give {again}.') from error


def prepare_training(cfg: Config, args: argparse.Namespace) -> None:
    """Hold a single training against its data."""
    if args.amp:
        enable_amp(cfg, args.amp)
    say(check_config(cfg))
    cfg.resume = args.resume or cfg.get('resume', False)
    mend_last_checkpoint(cfg.work_dir)
    if args.resume and os.path.exists(os.path.join(cfg.work_dir, 'last_checkpoint')):
        cfg.load_from = None  # MMEngine would resume from there
    init_distributed(cfg, args.launcher)


def prepare_self_training(cfg: Config, args: argparse.Namespace) -> SelfTrainingRunner:
    """Print the plan of all stages and, unless that is all, hold them against the data."""
    cfg.amp, cfg.launcher = args.amp, args.launcher
    runner = build_runner(cfg)
    say([runner.plan()])
    if not args.dry_run:
        say(runner.check())
        start_processes(cfg, args.launcher)
    return runner


def say(lines: Sequence[str]) -> None:
    """Print, in the first of several processes."""
    if os.environ.get('RANK', '0') == '0':
        print('\n'.join(lines), flush=True)


def last_line(error: Exception) -> str:
    """The message itself; an error of a loader worker carries the worker's traceback in front of it."""
    return str(error).split(f'{type(error).__name__}: ')[-1].strip()


if __name__ == '__main__':
    main()
