"""Draw the samples that a config trains on: image | label | blend for each branch, after all augmentation.

python tools/browse_dataset.py configs/udas/gta2cs_source_only.py --out work_dirs/browse

Use it to check class maps and augmentation. It writes one picture for each branch and prints the share of each class.
If domains are mixed within one image (DomainCutMix, DomainClassMix), the regions from the target are outlined. If a
branch has several views of an image (MultiViewDataset), the other views are to the right of the first one.
"""
import argparse
import os
import os.path as osp
from typing import Dict, List, Sequence

import numpy as np
from mmengine.config import DictAction
from mmseg.registry import DATASETS

from udas_mmseg.datasets import DomainPairDataset, StreamDataset, StreamIndex
from udas_mmseg.datasets.list_files import nested_datasets
from udas_mmseg.datasets.multi_view import views_of
from udas_mmseg.datasets.pipelines import steps_of
from udas_mmseg.datasets.transforms.domain_cutmix import DomainMixing
from udas_mmseg.engine.launch import load_config
from udas_mmseg.visualization import add_legend, blend, colorize, draw_outline, grid, save_picture


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


def build_branches(dataset_cfg: dict, split: str) -> Dict[str, StreamDataset]:
    """Return the stream of each branch; a data set without branches becomes a stream with the name of the split."""
    dataset = DATASETS.build(dataset_cfg)
    if isinstance(dataset, DomainPairDataset):
        return dataset.branches
    if isinstance(dataset, StreamDataset):
        return {dataset.branch: dataset}
    return {split: StreamDataset(dataset, branch=split)}


def note_mixing(stream: StreamDataset) -> None:
    """Record the target image and the mixed region in each sample, without changing images, labels or randomness."""
    pipelines = [pipeline for part in nested_datasets(stream)
                 for pipeline in (getattr(part, 'pipeline', None), *getattr(part, 'views', {}).values())]
    for step in steps_of(pipelines):
        if isinstance(step, DomainMixing):
            step.record_mask = True
        elif hasattr(step, 'meta_keys'):  # this step packs the keys that it lists
            step.meta_keys = (*step.meta_keys, 'mix_mask', 'mix_img_path')


def draw_branch(samples: Sequence[dict], metainfo: dict) -> np.ndarray:
    """Draw a row for each sample: image, label, blend, other views; for unlabelled samples only images."""
    palette, rows = metainfo['palette'], []
    for sample in samples:
        image, *others = [image_of(view) for view in views_of(sample)]
        label, mask = label_of(sample), mask_of(sample)
        row = [image] if label is None else [image, colorize(label, palette), blend(image, label, palette)]
        if mask is not None:
            row = [draw_outline(row[0], mask), row[1], draw_outline(row[2], mask)]
        rows.append([*row, *others])
    names = list(samples[0].get('views', {}))
    titles = [*['image', 'label', 'blend'][:max(map(len, rows)) - len(names)], *names]
    return add_legend(grid(rows, titles, list(map(caption_of, samples))), metainfo['classes'], palette)


def image_of(sample: dict) -> np.ndarray:
    """Return the image of a sample: (H, W, 3) uint8, BGR."""
    return np.ascontiguousarray(sample['inputs'].numpy().transpose(1, 2, 0))


def caption_of(sample: dict) -> str:
    """Return the name of the image, and of the image with which it was mixed."""
    name, mask = short_name(sample['data_samples'].img_path), mask_of(sample)
    if mask is None:
        return name
    partner = short_name(sample['data_samples'].mix_img_path)
    return f'{name}, outlined: {partner}' if mask.any() else f'{name}, nothing of {partner}'


def short_name(path: str) -> str:
    return '/'.join(path.split(os.sep)[-2:])


def mask_of(sample: dict) -> 'np.ndarray | None':
    """Return an (H, W) bool mask of the pixels from the target, or None if nothing can be mixed."""
    if 'mix_mask' not in sample['data_samples']:
        return None
    return fit(sample['data_samples'].mix_mask, sample) == 1  # transforms fill with 255, as in labels


def label_of(sample: dict) -> 'np.ndarray | None':
    """Return the label of a sample in the size of the image, or None."""
    if 'gt_sem_seg' not in sample['data_samples']:
        return None
    return fit(sample['data_samples'].gt_sem_seg.data[0].numpy().astype(np.uint8), sample)


def fit(label: np.ndarray, sample: dict) -> np.ndarray:
    """Resize a label to the size of the image; in validation, a label keeps its own size."""
    height, width = sample['inputs'].shape[1:]
    if label.shape == (height, width):
        return label
    rows, columns = np.arange(height) * label.shape[0] // height, np.arange(width) * label.shape[1] // width
    return label[rows[:, None], columns]


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
        branches = build_branches(cfg[f'{args.split}_dataloader'].dataset, args.split)
        os.makedirs(args.out, exist_ok=True)
        for name, stream in branches.items():
            note_mixing(stream)
            samples = [stream[StreamIndex(args.seed, args.start + number)] for number in range(args.count)]
            path = osp.join(args.out, f'{osp.splitext(osp.basename(args.config))[0]}_{name}.png')
            save_picture(path, draw_branch(samples, stream.metainfo))
            shares = class_shares(samples, stream.metainfo['classes'])
            print(f'{path}: {len(stream)} images; pixels in percent: {shares}{target_share(samples)}')
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
