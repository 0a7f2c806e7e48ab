"""Look at what a config trains on: image | label | blend for each branch, after all augmentation.

python tools/browse_dataset.py configs/udas/gta2cs_source_only.py --out work_dirs/browse

A wrong class map shows at once. One picture a branch is written, and the share of each class is printed.
"""
import argparse
import os
import os.path as osp
from typing import Dict, List, Sequence

import numpy as np
from mmengine.config import DictAction
from mmseg.registry import DATASETS

from udas_mmseg.datasets import DomainPairDataset, StreamDataset, StreamIndex
from udas_mmseg.engine.launch import load_config
from udas_mmseg.visualization import add_legend, blend, colorize, grid, save_picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--count', type=int, default=6, help='samples of each branch (default: 6)')
    parser.add_argument('--start', type=int, default=0, help='first position of the stream (default: 0)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the stream (default: 0)')
    parser.add_argument('--out', default='work_dirs/browse', help='folder for the pictures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def build_branches(dataset_cfg: dict, split: str) -> Dict[str, StreamDataset]:
    """Every branch of a data set under its name; one that is no stream yet is made one."""
    dataset = DATASETS.build(dataset_cfg)
    if isinstance(dataset, DomainPairDataset):
        return dataset.branches
    if isinstance(dataset, StreamDataset):
        return {dataset.branch: dataset}
    return {split: StreamDataset(dataset, branch=split)}


def draw_branch(samples: Sequence[dict], metainfo: dict) -> np.ndarray:
    """A row a sample: image, label, blend; unlabelled samples have an image only."""
    palette, rows, captions = metainfo['palette'], [], []
    for sample in samples:
        image = np.ascontiguousarray(sample['inputs'].numpy().transpose(1, 2, 0))
        captions.append('/'.join(sample['data_samples'].img_path.split(os.sep)[-2:]))
        label = label_of(sample)
        rows.append([image] if label is None else [image, colorize(label, palette), blend(image, label, palette)])
    titles = ['image', 'label', 'blend'][:max(map(len, rows))]
    return add_legend(grid(rows, titles, captions), metainfo['classes'], palette)


def label_of(sample: dict) -> 'np.ndarray | None':
    """Label of a sample in the image's size, or None."""
    if 'gt_sem_seg' not in sample['data_samples']:
        return None
    label = sample['data_samples'].gt_sem_seg.data[0].numpy().astype(np.uint8)
    height, width = sample['inputs'].shape[1:]
    if label.shape != (height, width):  # in validation the label keeps its own size
        rows, columns = np.arange(height) * label.shape[0] // height, np.arange(width) * label.shape[1] // width
        label = label[rows[:, None], columns]
    return label


def class_shares(samples: Sequence[dict], classes: Sequence[str]) -> str:
    """Share of each class in the labels, in percent, largest first."""
    labels: List[np.ndarray] = [label.ravel() for label in map(label_of, samples) if label is not None]
    if not labels:
        return 'no labels'
    counts = np.bincount(np.concatenate(labels), minlength=256)
    named = [(name, counts[number]) for number, name in enumerate(classes)] + [('ignored', counts[255])]
    return ', '.join(f'{name} {100 * count / counts.sum():.1f}' for name, count in sorted(named, key=lambda x: -x[1]))


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        branches = build_branches(cfg[f'{args.split}_dataloader'].dataset, args.split)
        os.makedirs(args.out, exist_ok=True)
        for name, stream in branches.items():
            samples = [stream[StreamIndex(args.seed, args.start + number)] for number in range(args.count)]
            path = osp.join(args.out, f'{osp.splitext(osp.basename(args.config))[0]}_{name}.png')
            save_picture(path, draw_branch(samples, stream.metainfo))
            shares = class_shares(samples, stream.metainfo['classes'])
            print(f'{path}: {len(stream)} images; pixels in percent: {shares}')
    except (OSError, ValueError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
