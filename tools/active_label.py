"""Select what a person labels, let the person label it in an annotation tool, and take the answers.

python tools/active_label.py select CONFIG CHECKPOINT --out labels --strategy spl --budget clicks=5000
python tools/active_label.py export labels/round_1                                # tasks for Label Studio
python tools/active_label.py export labels/round_1 --format coco --first 20       # polygons, 20 most useful images
python tools/active_label.py import labels/round_1 project-1.json                 # what was exported after labelling
python tools/active_label.py simulate labels/round_1 CONFIG                       # or answer from ground truth
python tools/active_label.py status labels                                        # done, cost, and by whom

A round is a folder with selection.json. Answers are added to its answers.jsonl and labels/; earlier answers are never
removed, and of two for the same unit the later one counts. A half-finished export can be imported; import again later.
docs/active_labeling.md shows the whole loop.
"""
import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.active.select import select
from udas_mmseg.active.selection_set import UNITS
from udas_mmseg.active.simulate import ANSWERS, simulate
from udas_mmseg.active.strategies import NAMES, named_strategy
from udas_mmseg.datasets.config_entries import build_entry
from udas_mmseg.engine.clear_errors import one_line_errors
from udas_mmseg.engine.launch import load_config, start_processes
from udas_mmseg.label_formats import FORMATS, ImportReport, export_round, import_round, label_studio_steps
from udas_mmseg.pseudo_labels.ground_truth import GroundTruth
from udas_mmseg.utils.console import quiet_console

SHOWN = 10  # conflicts


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    add_select(commands)
    add_exchange(commands)
    answers = commands.add_parser('simulate', help='answer from ground truth, for research')
    answers.add_argument('folder', metavar='ROUND', help='folder of the round')
    answers.add_argument('config', help='config with the data set that has the ground truth')
    answers.add_argument('--truth', default='labeled_target_train', metavar='KEY',
                         help='entry of the config with the ground truth (default: labeled_target_train)')
    answers.add_argument('--answers', choices=ANSWERS, default=ANSWERS[0], help='pixels: the class of each pixel. '
                         'majority: one class for each region (default: pixels)')
    answers.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    status = commands.add_parser('status', help='how much is done, what it has cost, and who did it')
    status.add_argument('folder', metavar='FOLDER', help='folder of a round, or of several rounds')
    return parser.parse_args(arguments)


def add_select(commands: Any) -> None:
    """Add the command that selects."""
    parser = commands.add_parser('select', help='choose points, regions or images with a trained model')
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', dest='folder', required=True, metavar='DIR', help='folder of the rounds')
    parser.add_argument('--round', type=int, default=1, metavar='N',
                        help='number of the round; what earlier rounds answered is not selected again (default: 1)')
    parser.add_argument('--dataset', default='target_train', metavar='KEY',
                        help='entry of the config with the images (default: target_train)')
    parser.add_argument('--strategy', choices=NAMES, default=NAMES[0], help='spl and ppl are those of LabOR, which '
                        'need a pixel selector, as inconsistency does (default: spl)')
    parser.add_argument('--unit', choices=UNITS,
                        help='what is labelled (default: that of LabOR, else points)')
    parser.add_argument('--settings', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE', help='settings of '
                        'the strategy, such as units.points_per_image=20 or score.k=4')
    parser.add_argument('--budget', nargs=1, action=DictAction, metavar='KIND=N', help='for all images together: '
                        'pixels=2.2%%, clicks=5000, points=N, regions=N or images=N (default: all that is selected)')
    parser.add_argument('--batch-size', type=int, default=1, help='images at a time (default: 1)')
    parser.add_argument('--workers', type=int, default=2, help='processes that load images (default: 2)')
    parser.add_argument('--max-broken', type=int, default=0,
                        help='number of unreadable images that may be skipped (default: 0)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')


def add_exchange(commands: Any) -> None:
    """Add the commands for annotation tools."""
    export = commands.add_parser('export', help='write the selected points or regions for an annotation tool')
    export.add_argument('folder', metavar='ROUND', help='folder of the round')
    export.add_argument('--format', choices=FORMATS, default=FORMATS[0], help='label-studio: tasks with the points or '
                        'regions as pre-annotations. coco: regions as polygons. png: 8-bit index PNGs to paint over '
                        '(default: label-studio)')
    export.add_argument('--out', default='', metavar='DIR', help='folder for the files (default: ROUND/<format>)')
    export.add_argument('--image-root', default='', metavar='DIR', help="Label Studio's document root; the images are "
                        'in a folder below it (default: the parent of the folder of all images)')
    export.add_argument('--first', type=int, default=0, metavar='N',
                        help='only the N most useful images (default: all)')
    read = commands.add_parser('import', help='add the answers of an annotated export to the round')
    read.add_argument('folder', metavar='ROUND', help='folder of the round')
    read.add_argument('path', metavar='FILE', help="Label Studio's export in the format JSON, a COCO file, or the "
                      'folder of index PNGs')
    read.add_argument('--format', choices=FORMATS, default='', help='(default: by the content of FILE)')
    read.add_argument('--by', default='', metavar='NAME', help='who labelled (default: as in the file, else the '
                      'user of this computer)')


def run_select(args: argparse.Namespace) -> str:
    cfg = load_config(args.config, cfg_options=args.cfg_options)
    start_processes(cfg, args.launcher)
    strategy = Config(named_strategy(args.strategy, args.unit))
    strategy.merge_from_dict(args.settings)
    selection = select(cfg, args.checkpoint, args.dataset, args.folder, strategy.to_dict(), args.budget,
                       number=args.round, batch_size=args.batch_size, workers=args.workers, max_broken=args.max_broken,
                       name=args.config)
    units, pixels, clicks = selection.totals()
    return (f'{selection.folder}: {units} {selection.unit} in {len(selection.images)} images, {pixels} pixels, '
            f'{clicks} expected clicks')


def run_export(args: argparse.Namespace) -> str:
    out, count = export_round(args.folder, args.format, args.out, args.image_root, args.first)
    steps = '\n' + label_studio_steps(args.folder, out, args.image_root) if args.format == 'label-studio' else ''
    return f'{out}: {count} images, most useful first{steps}'


def run_import(args: argparse.Namespace) -> str:
    report = import_round(args.folder, args.path, args.format, args.by)
    return f'{describe_import(report)}\n{describe_round(args.folder)}'


def run_simulate(args: argparse.Namespace) -> str:
    store = AnswerStore(Selection.read(args.folder))
    dataset = build_entry(load_config(args.config, cfg_options=args.cfg_options), args.truth, '--truth')
    truth = GroundTruth(dataset, store.selection.classes)
    done = simulate(store, lambda name: truth.read(f'{name}.png'), args.answers)
    left_out = f'; {done["without_truth"]} images have no ground truth' if done['without_truth'] else ''
    return (f'{done["units"]} units were answered from ground truth, {done["clicks"]} clicks, '
            f'{sum(done["pixels"].values())} pixels{left_out}\n{describe_round(args.folder)}')


def run_status(args: argparse.Namespace) -> str:
    return '\n'.join(describe_round(folder) for folder in find_rounds(args.folder))


def describe_import(report: ImportReport) -> str:
    lines = [f'{report.units} units in {report.images} images have an answer, {report.new} of them new: '
             f'{report.pixels} pixels, {report.clicks} new clicks']
    lines += report.conflicts[:SHOWN]
    if len(report.conflicts) > SHOWN:
        lines.append(f'... and {len(report.conflicts) - SHOWN} more units with another answer than before')
    return '\n'.join(lines + [f'note: {note}' for note in report.notes])


def describe_round(folder: Any) -> str:
    status = AnswerStore(Selection.read(folder)).status()
    total, pixels = sum(status['pixels'].values()), status['pixels']
    lines = [f'round {status["round"]}: {status["images_answered"]} of {status["images"]} images done, '
             f'{status["images_begun"] - status["images_answered"]} begun; {status["units_answered"]} of '
             f'{status["units"]} units; {status["clicks"]} clicks, {total} pixels']
    if pixels:
        lines.append('  by class: ' + ', '.join(f'{name} {count / total:.1%}' for name, count in
                                                sorted(pixels.items(), key=lambda item: -item[1])))
        lines.append('  by person: ' + ', '.join(f'{name} {count} units' for name, count in status['by'].items()))
    return '\n'.join(lines)


def find_rounds(folder: str) -> List[Path]:
    """Return the folder itself if it is a round, else the rounds in it, in their order.

    Raises:
        FileNotFoundError: if there are none.
    """
    if Path(folder, 'selection.json').is_file():
        return [Path(folder)]
    found = [path.parent for path in Path(folder).glob('round_*/selection.json')]
    if not found:
        raise FileNotFoundError(f'{folder} is not a round, and has no folder round_<number> with selection.json. Give '
                                'the folder of a round, or the one that contains the rounds.')
    return sorted(found, key=lambda path: Selection.read(path).round)


RUN: Dict[str, Callable[[argparse.Namespace], str]] = {
    'select': run_select, 'export': run_export, 'import': run_import, 'simulate': run_simulate, 'status': run_status}


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    quiet_console()
    with one_line_errors(args.folder, 'Complete files and answers are kept'):
        text = RUN[args.command](args)
    if is_main_process():
        print(text)


if __name__ == '__main__':
    main()
