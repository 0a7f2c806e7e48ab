"""Label the unlabelled target images of a config with a trained model, for self-training.

python tools/pseudo_label.py CONFIG CHECKPOINT --out DIR              # the most confident of three views, as in UDAS
python tools/pseudo_label.py CONFIG CHECKPOINT --out DIR --views 1    # plain inference
torchrun --nproc_per_node 2 tools/pseudo_label.py CONFIG CHECKPOINT --out DIR --launcher pytorch

Writes DIR/<image>.png (train ids) and DIR/<image>_confidence.png (255 is 1.0), see docs/pseudo_labels.md. DIR appears
when all of it is written; the same command goes on after an interruption. Labels of the target are never opened.
"""
import argparse
import errno
from typing import Any, Dict

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from udas_mmseg.engine.launch import load_config, start_processes
from udas_mmseg.pseudo_labels.label import LabelingOptions, write_pseudo_labels
from udas_mmseg.utils.processes import together


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file that the model was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the labels')
    parser.add_argument('--dataset', default='target_train', metavar='KEY',
                        help='which entry of the config has the images (default: target_train)')
    parser.add_argument('--views', type=int, default=3,
                        help='views of each image that are merged, itself among them (default: 3)')
    parser.add_argument('--augment', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='what views are drawn from (default: type=SegAutoAugment policy=imagenet)')
    parser.add_argument('--seed', type=int, default=0, help='of the draws (default: 0)')
    parser.add_argument('--temperature', type=float, default=1.0,
                        help='of the softmax; below 1 sharpens (default: 1)')
    parser.add_argument('--batch-size', type=int, default=1, help='images at a time, with their views (default: 1)')
    parser.add_argument('--workers', type=int, default=2, help='processes that load images (default: 2)')
    parser.add_argument('--max-broken', type=int, default=0,
                        help='unreadable images that may be left out (default: 0)')
    parser.add_argument('--overwrite', action='store_true', help='replace labels that were made with something else')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    return parser.parse_args()


def summary(out: str, index: Dict[str, Any]) -> str:
    shares = sorted(index['class_share'].items(), key=lambda share: -share[1])
    skipped = f', {len(index["skipped"])} skipped' if index['skipped'] else ''
    return (f'{out}: {index["num_images"]} images{skipped}; pixels in percent: '
            + ', '.join(f'{name} {100 * share:.1f}' for name, share in shares))


def plain_message(error: Exception) -> str:
    """The message of an error, without the traceback that errors of a loader's process begin with."""
    return str(error).rsplit(f'\n{type(error).__name__}: ', 1)[-1].strip()


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        start_processes(cfg, args.launcher)
        options = together(lambda: LabelingOptions(args.views, args.augment, args.seed, args.temperature,
                                                   args.batch_size, args.workers, args.max_broken))
        index = write_pseudo_labels(cfg, args.checkpoint, args.out, options, dataset=args.dataset,
                                    overwrite=args.overwrite, name=args.config)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise SystemExit(f'{type(error).__name__}: {error}') from error
        raise SystemExit(f'the disk of {args.out} is full ({error}). The labels that were written whole are kept in '
                         f'{args.out}.part: free some space and give the same command.') from error
    except (ValueError, RuntimeError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {plain_message(error)}') from error
    if is_main_process():
        print(summary(args.out, index))


if __name__ == '__main__':
    main()
