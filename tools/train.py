"""Train what a config describes.

python tools/train.py configs/demo/source_only.py
python tools/train.py CONFIG --resume            # after an interruption: ends with the same weights
tools/dist_train.sh CONFIG 2                     # two processes, on GPUs or on the CPU
"""
import argparse
import errno
import os

from mmengine.config import DictAction

from udas_mmseg.datasets import SampleError
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import build_runner, enable_amp, init_distributed, load_config, mend_last_checkpoint


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where checkpoints and logs go (default: work_dirs/<config name>)')
    parser.add_argument('--resume', action='store_true', help='continue from the last checkpoint in the work directory')
    parser.add_argument('--amp', nargs='?', const='float16', choices=['float16', 'bfloat16'],
                        help='automatic mixed precision (default type: float16)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. train_dataloader.batch_size=2')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torchrun and its predecessor hand the local rank over in either spelling
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, args.work_dir, args.cfg_options)
        if args.amp:
            enable_amp(cfg, args.amp)
        summary = check_config(cfg)
    except (OSError, ValueError, RuntimeError, ImportError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    if os.environ.get('RANK', '0') == '0':
        print('\n'.join(summary), flush=True)
    cfg.resume = args.resume or cfg.get('resume', False)
    mend_last_checkpoint(cfg.work_dir)
    init_distributed(cfg, args.launcher)
    try:
        build_runner(cfg).train()
    except (FloatingPointError, SampleError) as error:
        raise SystemExit(f'{type(error).__name__}: {last_line(error)}') from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise SystemExit(f'the disk of {cfg.work_dir} is full ({error}). The last checkpoint that was written whole is '
                         'kept: free some space and give the same command with --resume.') from error


def last_line(error: Exception) -> str:
    """The message itself; an error of a loader worker carries the worker's traceback in front of it."""
    return str(error).split(f'{type(error).__name__}: ')[-1].strip()


if __name__ == '__main__':
    main()
