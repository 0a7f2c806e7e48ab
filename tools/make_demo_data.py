"""Write a generated data set in two domains: OUT/gta5, OUT/cityscapes, OUT/contact_sheet.jpg.

Example:
    python tools/make_demo_data.py data/demo --train 200 --val 50 --size 256x128
"""

import argparse
import re
import sys
from pathlib import Path
from typing import List, Optional

import cv2

from udas_mmseg.scenes import contact_sheet, write_cityscapes, write_gta5


def parse_size(text: str) -> tuple[int, int]:
    """Parse '256x128' as (width, height) in pixels.

    Raises:
        argparse.ArgumentTypeError: If the text has another form or a side is below 16 pixels.
    """
    match = re.fullmatch(r'(\d+)[xX](\d+)', text)
    if match is None or min(int(side) for side in match.groups()) < 16:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a size. Use WIDTHxHEIGHT in pixels, each at least 16, such as 256x128.')
    return int(match[1]), int(match[2])


def parse_count(text: str) -> int:
    """Parse an integer of 0 or more.

    Raises:
        argparse.ArgumentTypeError: If the text is something else.
    """
    if not re.fullmatch(r'\d+', text):
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number, 0 or more.')
    return int(text)


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """The command line; None reads it from `sys.argv`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write to')
    parser.add_argument('--train', type=parse_count, default=200,
                        help='training images in each domain (default: %(default)s)')
    parser.add_argument('--val', type=parse_count, default=50,
                        help='held-out images in each domain (default: %(default)s)')
    parser.add_argument('--size', type=parse_size, default=(256, 128), metavar='WxH',
                        help='image size in pixels (default: 256x128)')
    parser.add_argument('--seed', type=parse_count, default=0,
                        help='seed of the data set (default: %(default)s)')
    args = parser.parse_args(arguments)
    if args.train + args.val == 0:
        parser.error('--train and --val are both 0: nothing to write.')
    return args


def main(arguments: Optional[List[str]] = None) -> int:
    """Write the data set and return the exit status."""
    args = parse_args(arguments)
    counts = {'train': args.train, 'val': args.val, 'seed': args.seed, 'size': args.size}
    try:
        write_gta5(args.out / 'gta5', **counts)
        write_cityscapes(args.out / 'cityscapes', **counts)
    except FileExistsError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    sheet = args.out / 'contact_sheet.jpg'
    cv2.imwrite(str(sheet), contact_sheet(seed=args.seed, size=args.size))
    print(f'{args.out}: {args.train} + {args.val} images in each domain; see {sheet}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
