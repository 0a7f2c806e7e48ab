"""Translate a whole source data set into the target's style with a trained CycleGAN.

python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT --out DIR
python tools/translate.py CONFIG CHECKPOINT --out DIR --size 640x360 --format jpg    # smaller and faster to read
torchrun --standalone --nproc_per_node 2 tools/translate.py CONFIG CHECKPOINT --out DIR --launcher pytorch

Writes DIR/<path of the image>.png for every image of the config's `translate_dataloader`. Set `translated_root` of the
data set to DIR. After an interruption, run the same command again to continue. At the end, every file is checked, and
DIR_report/ has pictures and the distances between the domains before and after the translation.
"""
import argparse
from typing import Tuple

from mmengine.config import DictAction

from udas_mmseg.engine.clear_errors import one_line_errors
from udas_mmseg.engine.launch import load_config, start_processes
from udas_mmseg.translation.translate import to_source, write_translations
from udas_mmseg.translation.writer import FORMATS
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.processes import together


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the translator')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the translated images')
    parser.add_argument('--to', choices=['target', 'source'], default='target',
                        help="style of the translations: 'source' translates the target images (default: target)")
    parser.add_argument('--size', type=parse_size, metavar='WxH',
                        help='size of the files, e.g. 640x360 (default: that of each source image)')
    parser.add_argument('--format', choices=FORMATS, default='png', help='(default: png)')
    parser.add_argument('--quality', type=int, default=95, help='quality of JPEG files, 1-100 (default: 95)')
    parser.add_argument('--backbone', metavar='CONFIG',
                        help='segmentation config whose pretrained backbone measures the feature distance')
    parser.add_argument('--batch-size', type=int, help="images at a time (default: the config's)")
    parser.add_argument('--workers', type=int, help="processes that load images (default: the config's)")
    parser.add_argument('--overwrite', action='store_true', help='start again if DIR has files from other settings')
    parser.add_argument('--update', action='store_true', help='continue although images were added to or removed')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    return parser.parse_args()


def parse_size(text: str) -> Tuple[int, int]:
    width, cross, height = text.partition('x')
    if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size. Use <width>x<height> in pixels, e.g. 640x360.')
    return int(width), int(height)


def main() -> None:
    args = parse_args()
    quiet_console()
    with one_line_errors(args.out, 'Complete files are kept'):
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        start_processes(cfg, args.launcher)
        if args.to == 'source':
            cfg = together(lambda: to_source(cfg))
        write_translations(cfg, args.checkpoint, args.out, size=args.size, file_format=args.format,
                           quality=args.quality, backbone=args.backbone, batch_size=args.batch_size,
                           workers=args.workers, overwrite=args.overwrite, update=args.update, name=args.config)


if __name__ == '__main__':
    main()
