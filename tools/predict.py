"""Predict images or videos with a trained model: overlays, masks of train ids and, if asked for, confidences.

python tools/predict.py CONFIG CHECKPOINT IMAGES... --out DIR
tools/dist_predict.sh CONFIG CHECKPOINT GPUS IMAGES... --out DIR    # in several processes

IMAGES are images, folders with their sub-folders, list files (.txt) with the path of an image in each line, or videos.
CONFIG and CHECKPOINT may also be the files of tools/export_segmentor.py. Labels and the data of the config are not
needed. After an interruption, run the same command again to continue. See docs/predict.md.
"""
import argparse
from typing import Any, Dict, Sequence

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from udas_mmseg.apis import PredictionOptions, predict
from udas_mmseg.apis.prediction_set import CLASSES, FORMATS, KINDS, LEGEND
from udas_mmseg.engine.clear_errors import one_line_errors
from udas_mmseg.engine.launch import load_config, start_processes
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.processes import together


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('images', nargs='+', metavar='IMAGES', help='images, folders, list files (.txt) or videos')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the predictions')
    parser.add_argument('--what', nargs='+', choices=KINDS, default=['overlay', 'mask'],
                        help='what to write for each image (default: overlay mask)')
    parser.add_argument('--opacity', type=float, default=0.5, help='opacity of the colours in overlays (default: 0.5)')
    parser.add_argument('--overlay-format', choices=FORMATS, default='jpg', help='format of overlays (default: jpg)')
    parser.add_argument('--codec', default='mp4v', help='codec of overlay videos (default: mp4v)')
    parser.add_argument('--batch-size', type=int, default=1,
                        help='images at a time, if the network sees them at the same size (default: 1)')
    parser.add_argument('--workers', type=int, default=2, help='processes that load images (default: 2)')
    parser.add_argument('--max-broken', type=int, default=0,
                        help='number of unreadable images that may be skipped (default: 0)')
    parser.add_argument('--update', action='store_true',
                        help='continue although images were added or removed; deletes predictions of removed images')
    parser.add_argument('--overwrite', action='store_true', help='replace existing predictions from other settings')
    parser.add_argument('--allow-partial', action='store_true',
                        help='load what fits from a checkpoint that does not match the config')
    parser.add_argument('--device', help='such as cpu or cuda:1 (default: the best device)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    return parser.parse_args()


def summary(out: str, what: Sequence[str], index: Dict[str, Any]) -> str:
    skipped = index.get('skipped') or {}
    files = ', '.join(f'{out}/{kind}' for kind in what)
    return (f'{files}: predictions for {index["num_images"]} files{f", {len(skipped)} skipped" if skipped else ""}; '
            f'names and colours of the classes: {out}/{CLASSES}, {out}/{LEGEND}')


def main() -> None:
    args = parse_args()
    quiet_console()
    with one_line_errors(args.out, 'Predictions are kept'):
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        start_processes(cfg, args.launcher)
        options = together(lambda: PredictionOptions(args.what, args.opacity, args.overlay_format, args.batch_size,
                                                     args.workers, args.max_broken, args.codec))
        index = predict(cfg, args.checkpoint, args.images, args.out, options, device=args.device,
                        overwrite=args.overwrite, update=args.update, allow_partial=args.allow_partial)
    if is_main_process():
        print(summary(args.out, index['what'], index))


if __name__ == '__main__':
    main()
