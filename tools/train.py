"""Train a config: a single model, or all stages of self-training.

python tools/train.py configs/demo/source_only.py
python tools/train.py CONFIG --resume            # after an interruption: ends with the same weights
python tools/train.py CONFIG --resume work_dirs/mine/iter_2000.pth    # from another checkpoint than the last
tools/dist_train.sh CONFIG 2                     # two processes, on GPUs or on the CPU
tools/slurm_train.sh PARTITION JOB CONFIG        # with SLURM, see the script
python tools/train.py configs/udas/gta2cs_ssl.py # all stages of self-training; run it again after an interruption
python tools/train.py CONFIG --dry-run           # some iterations and a validation; only a picture is written
"""
import argparse
import os
import os.path as osp
from typing import Sequence

from mmengine.config import DictAction

import udas_mmseg  # noqa: F401  (registers the runners)
from udas_mmseg.engine.clear_errors import clear_error
from udas_mmseg.engine.config_run import run_type
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.slurm import describe_process
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.messages import last_message
from udas_mmseg.utils.progress import clear_line
from udas_mmseg.utils.termination import one_line_termination
from udas_mmseg.utils.watchdog import report_failure


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', help='config file')
    parser.add_argument('--work-dir', help='folder for checkpoints and logs (default: work_dirs/<config name>)')
    parser.add_argument('--resume', nargs='?', const=True, default=False, metavar='CHECKPOINT',
                        help='continue from this checkpoint (default: the last one in the work directory)')
    parser.add_argument('--allow-partial', action='store_true',
                        help='load what fits from a `load_from` that does not match the config')
    parser.add_argument('--amp', nargs='?', const='float16', choices=['float16', 'bfloat16'],
                        help='automatic mixed precision (default type: float16; on a CPU only bfloat16)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. train_dataloader.batch_size=2')
    parser.add_argument('--dry-run', action='store_true',
                        help='check the data, draw the first batch, try some iterations and a validation, estimate '
                        'time and memory, and stop')
    parser.add_argument('--out', metavar='PNG', help='picture of the dry run (default: <work_dir>_dry_run.png)')
    parser.add_argument('--full', action='store_true', help='check all samples of the data before the run, not only 8')
    parser.add_argument('--verbose', action='store_true', help='show all of the log on the console, as MMEngine does')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torchrun and its predecessor pass the local rank in different spellings
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.config is None and str(args.resume).endswith('.py'):  # `--resume CONFIG`
        args.config, args.resume = args.resume, True
    if args.config is None:
        parser.error('the following arguments are required: config')
    if args.dry_run and (args.launcher != 'none' or os.environ.get('WORLD_SIZE', '1') != '1'):
        parser.error('--dry-run works in one process: leave out --launcher, torchrun and tools/dist_train.sh')
    if args.out and not args.dry_run:
        parser.error('--out is the picture of --dry-run')
    return args


def main() -> None:
    args = parse_args()
    quiet_console(args.verbose)
    try:
        describe_process(args.launcher)  # only the first process speaks
        cfg = load_config(args.config, args.work_dir, args.cfg_options)
        run = run_type(cfg).from_options(cfg, args.amp, args.launcher, args.resume, args.allow_partial)
        if args.full:
            run.num_scanned = None
        plan = run.plan()
        if plan:
            say([plan])
        say(run.prepare())
        if args.dry_run:
            say(run.dry_run(args.out or f'{osp.normpath(cfg.work_dir)}_dry_run.png'))
            return
    except (OSError, ValueError, RuntimeError, ImportError) as error:  # the user's to correct: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    kept = f'What is complete is kept: to continue, run {run.again}.'
    try:
        with one_line_termination(f'terminated. {kept}' if is_first() else ''):
            run.train()
    except KeyboardInterrupt:
        clear_line()
        raise SystemExit(f'interrupted. {kept}') from None
    except Exception as error:
        clear_line()
        explained = clear_error(error, cfg.work_dir, run.again)
        if explained:
            raise SystemExit(str(explained)) from error
        if not isinstance(error, run.mistakes):
            raise
        report_failure(error)
        raise SystemExit(f'{type(error).__name__}: {last_message(error)}') from error
    say([f'{path}: {what}' for path, what in run.outcome().items()])


def is_first() -> bool:
    """Whether this is the first process of a run in several ones."""
    return os.environ.get('RANK', '0') == '0'


def say(lines: Sequence[str]) -> None:
    """Print lines in the first process only."""
    if is_first():
        print('\n'.join(lines), flush=True)


if __name__ == '__main__':
    main()
