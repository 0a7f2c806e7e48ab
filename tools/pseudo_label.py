"""Label the unlabelled target images of a config with a trained model, for self-training.

python tools/pseudo_label.py CONFIG CHECKPOINT --out DIR              # the most confident of three views, as in UDAS
python tools/pseudo_label.py CONFIG CHECKPOINT --out DIR --views 1    # plain inference
torchrun --standalone --nproc_per_node 2 tools/pseudo_label.py CONFIG CHECKPOINT --out DIR --launcher pytorch

Writes DIR/<image>.png (train ids) and DIR/<image>_confidence.png (255 is 1.0), see docs/pseudo_labels.md. DIR is
created when all files are written. After an interruption, run the same command again to continue. Ground truth labels
of the target are never opened.
"""
import argparse
from typing import Any, Dict, Optional

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from udas_mmseg.datasets.config_entries import build_entry
from udas_mmseg.engine.clear_errors import one_line_errors
from udas_mmseg.engine.launch import load_config, start_processes
from udas_mmseg.pseudo_labels.ground_truth import class_shares
from udas_mmseg.pseudo_labels.label import LabelingOptions, write_pseudo_labels
from udas_mmseg.pseudo_labels.predict import MERGES
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.processes import together


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the labels')
    parser.add_argument('--dataset', default='target_train', metavar='KEY',
                        help='entry of the config with the images (default: target_train)')
    parser.add_argument('--views', type=int, default=3,
                        help='number of views of each image, including the image itself (default: 3)')
    parser.add_argument('--augment', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='augmentation of the views (default: type=SegAutoAugment policy=imagenet)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the augmentation (default: 0)')
    parser.add_argument('--temperature', type=float, default=1.0,
                        help='temperature of the softmax; values below 1 raise the confidences (default: 1)')
    parser.add_argument('--merge', choices=MERGES, default=MERGES[0],
                        help='most confident view of each pixel, or mean of the probabilities (default: confident)')
    parser.add_argument('--agreement', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='lower confidences where predictions disagree, e.g. divergence=1 min_votes=1 heads=both '
                        'score=True, see docs/pseudo_labels.md (default: none)')
    parser.add_argument('--prior-of', metavar='KEY',
                        help='correct the probabilities from the class shares of this entry of the config (the '
                        'labelled source) to those of the images, which are estimated (default: no correction)')
    parser.add_argument('--also', nargs='+', default=[], metavar='CHECKPOINT',
                        help='further checkpoints of the config, whose predictions are merged with the first')
    parser.add_argument('--batch-size', type=int, default=1, help='images at a time, with their views (default: 1)')
    parser.add_argument('--workers', type=int, default=2, help='processes that load images (default: 2)')
    parser.add_argument('--max-broken', type=int, default=0,
                        help='number of unreadable images that may be skipped (default: 0)')
    parser.add_argument('--overwrite', action='store_true', help='replace existing labels from other settings')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    return parser.parse_args()


def prior_of(cfg: Config, key: Optional[str]) -> Optional[Dict[str, Any]]:
    """Return the option `prior`, with the class shares of an entry of the config; None without one."""
    return None if key is None else dict(source=list(class_shares(build_entry(cfg, key, '--prior-of')).values()))


def summary(out: str, index: Dict[str, Any]) -> str:
    shares = sorted(index['class_share'].items(), key=lambda share: -share[1])
    skipped = f', {len(index["skipped"])} skipped' if index['skipped'] else ''
    return (f'{out}: {index["num_images"]} images{skipped}; pixels in percent: '
            + ', '.join(f'{name} {100 * share:.1f}' for name, share in shares))


def main() -> None:
    args = parse_args()
    quiet_console()
    with one_line_errors(args.out, f'Complete labels are kept in {args.out}.part'):
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        start_processes(cfg, args.launcher)
        options = together(lambda: LabelingOptions(args.views, args.augment, args.seed, args.temperature,
                                                   args.batch_size, args.workers, args.max_broken, args.merge,
                                                   args.agreement, prior_of(cfg, args.prior_of)))
        index = write_pseudo_labels(cfg, args.checkpoint, args.out, options, dataset=args.dataset,
                                    also=[(cfg, path) for path in args.also], overwrite=args.overwrite,
                                    name=args.config)
    if is_main_process():
        print(summary(args.out, index))


if __name__ == '__main__':
    main()
