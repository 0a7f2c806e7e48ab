"""Write a report on one or several runs, or on pseudo-labels.

python tools/report.py WORK_DIR [WORK_DIR ...] [--images 50] [--shown 8] --out DIR
python tools/report.py LABELS [LABELS_OF_THE_NEXT_ROUND ...] --config CONFIG [--truth labeled_target_train] --out DIR

Writes DIR/report.html, a single file with all pictures, and DIR/report.json.

Of runs, they have the scores of the models by class, validation images with the predictions of each model, confusion
matrices, learning curves, pseudo-labels by round, times, versions, and differences between the configs. WORK_DIR is the
work directory of self-training or of a training, or a folder with such directories, such as one for each seed. Models
of the same name are one row, with mean and standard deviation. See docs/visualization.md.

Of pseudo-labels, they have the share of each class that is kept, the class shares compared with those of the source,
the confidences, samples, and the changes from set to set. With --truth, the report also has precision, mIoU and
calibration; ground truth is not opened otherwise. --groups adds these scores by group of images, such as
--groups '/([a-z]+)_' for the city of an image of Cityscapes. See docs/pseudo_labels.md.
"""
import argparse
import os.path as osp
from typing import Dict, List, Optional

from mmengine.config import DictAction

from udas_mmseg.apis.report import read_runs
from udas_mmseg.datasets.config_entries import build_entry
from udas_mmseg.datasets.image_groups import ImageGroups
from udas_mmseg.engine.launch import load_config
from udas_mmseg.pseudo_labels.ground_truth import class_shares
from udas_mmseg.pseudo_labels.report import markdown_summary, write_quality_report
from udas_mmseg.run_report import write_run_report
from udas_mmseg.self_training import WorkDirError
from udas_mmseg.utils.console import quiet_console


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folders', nargs='+', metavar='WORK_DIR|LABELS',
                        help='work directories of runs, or, with --config, folders from tools/pseudo_label.py')
    parser.add_argument('--out', metavar='DIR',
                        help='folder for the report (default: work_dirs/report, or work_dirs/pseudo_label_report)')
    parser.add_argument('--images', type=int, default=50,
                        help='validation images that each model of a run predicts for confusion matrices and pictures, '
                        'evenly spaced; 0 for none (default: 50)')
    parser.add_argument('--shown', type=int, default=8, help='number of these in the page (default: 8)')
    parser.add_argument('--config', help='config with the data sets, for a report on pseudo-labels')
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


def report_on_runs(args: argparse.Namespace) -> None:
    """Write the report on runs, and print its path."""
    out = args.out or 'work_dirs/report'
    given = [name for name in ('truth', 'groups', 'source', 'cfg_options') if getattr(args, name) is not None]
    if given:
        raise ValueError(f'--{given[0].replace("_", "-")} is an option of a report on pseudo-labels, which needs '
                         '--config. Add --config, or leave it out.')
    if args.images < args.shown:
        args.shown = args.images
    write_run_report(out, read_runs(args.folders), args.images, args.shown)
    print(osp.join(out, 'report.html'))


def report_on_labels(args: argparse.Namespace) -> None:
    """Build the requested data sets, write the report on pseudo-labels, and print its summary and its path."""
    out = args.out or 'work_dirs/pseudo_label_report'
    cfg = load_config(args.config, cfg_options=args.cfg_options)
    sets, images = name_sets(args.folders), build_entry(cfg, args.dataset, '--dataset')
    truth = None if args.truth is None else build_entry(cfg, args.truth, '--truth')
    shares = None if args.source is None else class_shares(build_entry(cfg, args.source, '--source'))
    groups = None if args.groups is None else ImageGroups(args.groups)
    facts = dict(config=args.config, dataset=args.dataset, truth=args.truth, source=args.source, groups=args.groups)
    report = write_quality_report(out, sets, images, truth, shares, args.threshold, args.samples, args.workers,
                                  {name: value for name, value in facts.items() if value is not None}, groups)
    print(markdown_summary(report) + osp.join(out, 'report.html'))


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    try:
        if args.config is None:
            quiet_console()
            report_on_runs(args)
        else:
            report_on_labels(args)
    except (OSError, ValueError, ImportError, WorkDirError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
