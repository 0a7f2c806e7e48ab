"""Draw the samples that a config trains on: image | label | blend for each branch, after all augmentation.

python tools/browse_dataset.py configs/udas/gta2cs_source_only.py --out work_dirs/browse

Use it to check class maps and augmentation. It writes one picture for each branch and prints the share of each class.
If domains are mixed within one image (DomainCutMix, DomainClassMix), the regions from the target are outlined. If a
branch has several views of an image (MultiViewDataset), the other views are to the right of the first one.
"""
import argparse
import os
import os.path as osp
from typing import List, Sequence

import numpy as np
from mmengine.config import DictAction

from udas_mmseg.datasets import StreamIndex
from udas_mmseg.datasets.cache import without_caches
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.training_samples import branches_of, draw_samples, label_of, mask_of, note_mixing
from udas_mmseg.visualization import save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--count', type=int, default=6, help='number of samples of each branch (default: 6)')
    parser.add_argument('--start', type=int, default=0, help='first position of the stream (default: 0)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the stream (default: 0)')
    parser.add_argument('--out', default='work_dirs/browse', help='folder for the pictures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def class_shares(samples: Sequence[dict], classes: Sequence[str]) -> str:
    """Return the share of each class in the labels, in percent, largest first."""
    labels: List[np.ndarray] = [label.ravel() for label in map(label_of, samples) if label is not None]
    if not labels:
        return 'no labels'
    counts = np.bincount(np.concatenate(labels), minlength=256)
    named = [(name, counts[number]) for number, name in enumerate(classes)] + [('ignored', counts[255])]
    return ', '.join(f'{name} {100 * count / counts.sum():.1f}' for name, count in sorted(named, key=lambda x: -x[1]))


def target_share(samples: Sequence[dict]) -> str:
    """Return the share of the pixels from the target, if there is mixing."""
    masks = [mask.ravel() for mask in map(mask_of, samples) if mask is not None]
    return f'; from the target: {100 * np.concatenate(masks).mean():.1f}' if masks else ''


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        branches = branches_of(without_caches(cfg[f'{args.split}_dataloader'].dataset), args.split)
        os.makedirs(args.out, exist_ok=True)
        for name, stream in branches.items():
            note_mixing(stream)
            samples = [stream[StreamIndex(args.seed, args.start + number)] for number in range(args.count)]
            path = osp.join(args.out, f'{osp.splitext(osp.basename(args.config))[0]}_{name}.png')
            save_picture(path, draw_samples(samples, stream.metainfo))
            shares = class_shares(samples, stream.metainfo['classes'])
            print(f'{path}: {len(stream)} images; pixels in percent: {shares}{target_share(samples)}')
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
