"""Let a person label the selected pixels of a round of active labelling.

python tools/active_label.py export labels/round_1                                # tasks for Label Studio
python tools/active_label.py export labels/round_1 --format coco --first 20       # polygons, 20 most useful images
python tools/active_label.py import labels/round_1 project-1.json                 # what was exported after labelling
python tools/active_label.py status labels                                        # done, cost, and by whom

A round is a folder with selection.json. Answers are added to its answers.jsonl and labels/; earlier answers are never
removed, and of two for the same unit the later one counts. A half-finished export can be imported; import again later.
docs/active_labeling.md shows the whole loop.
"""
import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional

import udas_mmseg  # noqa: F401  (applies compat)
from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.engine.clear_errors import one_line_errors
from udas_mmseg.label_formats import FORMATS, ImportReport, export_round, import_round, label_studio_steps
from udas_mmseg.utils.console import quiet_console

SHOWN = 10  # conflicts


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
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
    status = commands.add_parser('status', help='how much is done, what it has cost, and who did it')
    status.add_argument('folder', metavar='FOLDER', help='folder of a round, or of several rounds')
    return parser.parse_args(arguments)


def describe_import(report: ImportReport) -> str:
    lines = [f'{report.units} units in {report.images} images have an answer, {report.new} of them new: '
             f'{report.pixels} pixels, {report.clicks} new clicks']
    lines += report.conflicts[:SHOWN]
    if len(report.conflicts) > SHOWN:
        lines.append(f'... and {len(report.conflicts) - SHOWN} more units with another answer than before')
    return '\n'.join(lines + [f'note: {note}' for note in report.notes])


def describe_round(status: Dict[str, Any]) -> str:
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


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    quiet_console()
    with one_line_errors(args.folder, 'Complete answers are kept'):
        if args.command == 'export':
            out, count = export_round(args.folder, args.format, args.out, args.image_root, args.first)
            print(f'{out}: {count} images, most useful first')
            if args.format == 'label-studio':
                print(label_studio_steps(args.folder, out, args.image_root))
        elif args.command == 'import':
            print(describe_import(import_round(args.folder, args.path, args.format, args.by)))
            print(describe_round(AnswerStore(Selection.read(args.folder)).status()))
        else:
            for folder in find_rounds(args.folder):
                print(describe_round(AnswerStore(Selection.read(folder)).status()))


if __name__ == '__main__':
    main()
