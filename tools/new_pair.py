"""Write the configs of your own pair of data sets, from their folders.

python tools/new_pair.py --source SIM/images SIM/labels --target CAMERA/images --out configs/my_pair
python tools/new_pair.py ... --classes road,sidewalk,other                # names of the ids 0, 1, 2
python tools/new_pair.py ... --classes '#804080=road,#f423e8=sidewalk'    # of colours
python tools/new_pair.py ... --val CAMERA/val CAMERA/val_labels --target-classes '3=road,4=sidewalk,11=-,*=other'

It looks at the files, and writes a config for the data and one for each method, with pictures: sheet.png shows the
data, *_labels.png where each id or colour is.
docs/own_data.md leads from here to predictions.
"""
import argparse
import sys
from typing import Any, Callable, Optional

import udas_mmseg  # noqa: F401  (applies compat)
from udas_mmseg.new_pair import NewPair, PairOptions, new_pair


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pair: Any = dict(nargs=2, metavar=('IMAGES', 'LABELS'))
    parser.add_argument('--source', required=True, help='labelled images, such as those of a simulator', **pair)
    parser.add_argument('--target', required=True, metavar='IMAGES', help='images to adapt to; no labels are needed')
    parser.add_argument('--val', help='target images with labels, for scores alone', **pair)
    parser.add_argument('--labeled-target', help='target images with labels, for training', **pair)
    parser.add_argument('--out', required=True, help='folder for the configs, such as configs/my_pair')
    parser.add_argument('--work-dir', default='', metavar='DIR', help='folder for the results of the trainings '
                        '(default: work_dirs/<name of --out>)')
    parser.add_argument('--classes', default='', help='names of the ids or colours of the source labels (default: '
                        'from classes.txt, labelmap.txt or JSON beside the labels, or known colours)')
    parser.add_argument('--target-classes', default='', help='the same for the labels of --val and --labeled-target')
    parser.add_argument('--preset', choices=['small', 'full'], default='',
                        help='small: a small network and images, minutes on a CPU; full: ResNet-101, for a GPU '
                             '(default: full if there is a GPU or --memory)')
    parser.add_argument('--memory', type=float, default=0, metavar='GB',
                        help="memory of the GPU, which limits the size of training images (default: the GPU's, or 8)")
    parser.add_argument('--iterations', type=int, metavar='N',
                        help='iterations of every training (default: small 300, full 20,000; the translator 400, '
                             '40,000)')
    parser.add_argument('--rounds', type=int, default=2, help='rounds of self-training (default: 2)')
    parser.add_argument('--weights', default='', metavar='FILE', help='initial weights of the backbone: MobileNetV2 '
                        'with --preset small, ResNet-101 with --preset full')
    parser.add_argument('--from-scratch', action='store_true', help='start from random weights, without a download')
    parser.add_argument('--full-scan', action='store_true', help='read all files, not only 1,000 of each folder')
    parser.add_argument('--force', action='store_true', help='replace files of an earlier call in --out')
    parser.add_argument('--yes', action='store_true', help='ask nothing, also on a terminal')
    return parser.parse_args()


def report(pair: NewPair) -> str:
    """Return what the user should know."""
    first = pair.files[0].rsplit('/', 1)[0]
    names = ', '.join(path.rsplit('/', 1)[1] for path in pair.files)
    lines = [*pair.summary, '', f'Written to {first}: {names}',
              'Look at sheet.png: are the labels right? Then', '',
              f'    {pair.train}', f'    {pair.predict}', '',
              'train all stages (the same command continues after an interruption), and predict the images of a '
              'folder.',
              f'To see training samples: {pair.look}']
    return '\n'.join(lines)


def main() -> None:
    args = vars(parse_args())
    asks = not args.pop('yes') and sys.stdin.isatty() and sys.stdout.isatty()
    ask: Optional[Callable[[str], str]] = input if asks else None
    try:
        pair = new_pair(PairOptions(**args), ask)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    except KeyboardInterrupt:
        raise SystemExit('interrupted: nothing was written') from None
    print(report(pair))


if __name__ == '__main__':
    main()
