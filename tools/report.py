"""Write a report on the quality of pseudo-labels, for one set or for the rounds of self-training.

python tools/report.py LABELS [LABELS_OF_THE_NEXT_ROUND ...] --config CONFIG [--truth labeled_target_train] --out DIR

Writes DIR/report.html, a single file with all pictures, and DIR/report.json. They have the share of each class that is
kept, the class shares compared with those of the source, the confidences, samples, and the changes from set to set.
With --truth, the report also has precision, mIoU and calibration; ground truth is not opened otherwise. --groups adds
these scores by group of images, such as --groups '/([a-z]+)_' for the city of an image of Cityscapes. See
docs/pseudo_labels.md.
"""
import argparse
import os.path as osp
from typing import Any, Dict, List, Optional

from mmengine.config import DictAction

from udas_mmseg.datasets.config_entries import build_entry
from udas_mmseg.datasets.image_groups import ImageGroups
from udas_mmseg.engine.launch import load_config
from udas_mmseg.pseudo_labels.ground_truth import class_shares
from udas_mmseg.pseudo_labels.report import markdown_summary, write_quality_report


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('labels', nargs='+', metavar='LABELS', help='folders from tools/pseudo_label.py')
    parser.add_argument('--config', required=True, help='config with the data sets')
    parser.add_argument('--out', default='work_dirs/pseudo_label_report', metavar='DIR',
                        help='folder for the report (default: work_dirs/pseudo_label_report)')
    parser.add_argument('--dataset', default='target_train', metavar='KEY',
                        help='entry of the config with the images (default: target_train)')
    parser.add_argument('--truth', metavar='KEY', help='entry with their ground truth, such as labeled_target_train')
    parser.add_argument('--groups', metavar='PATTERN', help='regular expression for the paths of images, whose part in '
                        'parentheses names the group of an image (with --truth)')
    parser.add_argument('--source', metavar='KEY', help='entry whose class shares are compared, such as source_train')
    parser.add_argument('--threshold', type=float, default=0.6, help='confidence to keep a pixel (default: 0.6)')
    parser.add_argument('--samples', type=int, default=6, help='number of images to show (default: 6)')
    parser.add_argument('--workers', type=int, default=2, help='threads (default: 2)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args(arguments)


def name_sets(folders: List[str]) -> Dict[str, str]:
    """Return names for folders: as many of their last path components as needed to make them different."""
    parts = [osp.normpath(folder).split(osp.sep) for folder in folders]
    for count in range(1, max(map(len, parts)) + 1):
        names = ['/'.join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return dict(zip(names, folders))
    raise ValueError(f'a folder is given twice: {" ".join(folders)}. Give each set once, in the order of the rounds.')


def write_report(args: argparse.Namespace) -> Dict[str, Any]:
    """Build the requested data sets, and write the report."""
    cfg = load_config(args.config, cfg_options=args.cfg_options)
    sets, images = name_sets(args.labels), build_entry(cfg, args.dataset, '--dataset')
    truth = None if args.truth is None else build_entry(cfg, args.truth, '--truth')
    shares = None if args.source is None else class_shares(build_entry(cfg, args.source, '--source'))
    groups = None if args.groups is None else ImageGroups(args.groups)
    facts = dict(config=args.config, dataset=args.dataset, truth=args.truth, source=args.source, groups=args.groups)
    return write_quality_report(args.out, sets, images, truth, shares, args.threshold, args.samples, args.workers,
                                {name: value for name, value in facts.items() if value is not None}, groups)


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    try:
        report = write_report(args)
    except (OSError, ValueError, ImportError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(markdown_summary(report) + osp.join(args.out, 'report.html'))


if __name__ == '__main__':
    main()
