"""Write a trained segmentor as a config and a checkpoint that MMSegmentation loads without this package.

python tools/export_segmentor.py CONFIG CHECKPOINT --out DIR
"""
import argparse
import os

from mmengine.config import DictAction

from udas_mmseg import compat
from udas_mmseg.engine.launch import config_name, load_config
from udas_mmseg.export.export_segmentor import export_segmentor
from udas_mmseg.utils.console import quiet_console

# `mmseg` itself cannot be imported without the compiled operators of mmcv
WITHOUT_OPERATORS = 'import udas_mmseg  # first: it replaces the operators that mmcv-lite lacks\n'
USAGE = '''
{first}from mmseg.apis import inference_model, init_model

model = init_model({config!r}, {checkpoint!r}, device='cpu')
label_map = inference_model(model, 'image.png').pred_sem_seg.data[0]  # (H, W) indices of model.dataset_meta['classes']
'''


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the two files, named after the config')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    quiet_console()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        name = config_name(args.config).replace(os.sep, '_')
        written = export_segmentor(cfg, args.checkpoint, args.out, name)
    except (OSError, ValueError, RuntimeError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    for file in (written.config, written.checkpoint):
        print(f'wrote {file} ({file.stat().st_size / 1e3:,.0f} kB)')
    for note in written.notes:
        print(note)
    height, width = written.size
    print(f'Loaded again, its logits differ from the original by {written.difference:.1e} of the largest one, on an '
          f'image of {width}x{height} pixels.')
    first = WITHOUT_OPERATORS if 'placeholder_mmcv_ext' in compat.applied() else ''
    print(USAGE.format(first=first, config=str(written.config), checkpoint=str(written.checkpoint)), end='')


if __name__ == '__main__':
    main()
