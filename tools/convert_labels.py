"""Convert labels from COCO files, and predictions for CVAT.

python tools/convert_labels.py from-coco instances.json --out labels          # polygons, run lengths; stuff
python tools/convert_labels.py from-coco panoptic.json --out labels --masks panoptic
python tools/convert_labels.py to-cvat predictions --out for_cvat.zip

from-coco writes a PNG of ids for each image, and classes.txt with their names: folders for tools/new_pair.py.
to-cvat takes the folder of tools/predict.py or tools/pseudo_label.py.
docs/label_tools.md has the details, and commands for other formats.
"""
import argparse
from typing import List, Optional

import udas_mmseg  # noqa: F401  (applies compat)
from udas_mmseg.label_formats import ConversionReport, convert_coco, write_cvat


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest='kind', required=True)
    coco = kinds.add_parser('from-coco', help='labels from a COCO file of instances, stuff or panoptic segmentation')
    coco.add_argument('path', metavar='JSON', help='the COCO file')
    coco.add_argument('--out', required=True, metavar='DIR', help='folder for the labels')
    coco.add_argument('--images', default='', metavar='DIR',
                      help='folder of the images, to check that they exist and have the sizes of the file')
    coco.add_argument('--masks', default='', metavar='DIR', help='folder of the PNG files of a panoptic file (default: '
                      'the path of the JSON file without its suffix)')
    coco.add_argument('--background', default='', metavar='NAME',
                      help='class of the pixels without a segment (default: they are ignored, id 255)')
    coco.add_argument('--overwrite', action='store_true', help='replace labels from another file or other settings')
    cvat = kinds.add_parser('to-cvat', help="an archive in CVAT's format Segmentation mask 1.1")
    cvat.add_argument('folder', metavar='PREDICTIONS', help='folder of tools/predict.py or tools/pseudo_label.py')
    cvat.add_argument('--out', required=True, metavar='ZIP', help='the archive')
    return parser.parse_args(arguments)


def describe(report: ConversionReport) -> str:
    kept = f', {report.kept} of them from an earlier run' if report.kept else ''
    lines = [f'{report.out}: {report.num_labels} labels{kept}, and classes.txt with {len(report.classes)} classes']
    if report.unlabeled:
        lines.append(f'{len(report.unlabeled)} images without segments have no label, such as {report.unlabeled[0]}')
    if report.ignored:
        lines.append(f'{report.ignored / report.pixels:.1%} of the pixels have no segment and are ignored (255); '
                     '--background NAME makes them a class')
    if report.covered:
        lines.append(f'{report.covered / report.pixels:.2%} of the pixels have segments of different classes: the '
                     'later one in the file counts, and others before crowds')
    return '\n'.join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    args = vars(parse_args(arguments))
    try:
        if args.pop('kind') == 'from-coco':
            print(describe(convert_coco(**args)))
        else:
            count, classes = write_cvat(**args)
            print(f'{args["out"]}: {count} labels. In CVAT, create the labels {", ".join(classes)}; then choose Upload '
                  'annotations, Segmentation mask 1.1.')
    except (ImportError, OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
