"""Score one model on labelled data sets of several domains, such as the source, its translation and the target.

python tools/score_domains.py CONFIG CHECKPOINT [--datasets source_train translated_train target_val] [--images 500]

The config is that of a model that was trained on labelled target images. The better it reads translated source images,
the more they look like the target to it: this judges a translation without training on it. The published example is a
DeepLabv3+ trained on Cityscapes: 30.1 on GTA5, 36.2 on GTA5 translated by CycleGAN, 74.9 on Cityscapes (UDAS, section
4.2.3).
"""
import argparse
from typing import Any, Dict, List, Optional

from mmengine.config import DictAction
from mmengine.device import get_device

from udas_mmseg.engine.launch import load_config
from udas_mmseg.evaluation.domains import score_domains
from udas_mmseg.models.trained import build_original, load_checkpoint
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.messages import last_message

DATASETS = ('source_train', 'translated_train', 'target_val')


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--datasets', nargs='+', default=DATASETS, metavar='KEY',
                        help=f'entries of the config with labels (default: {" ".join(DATASETS)})')
    parser.add_argument('--images', type=int, default=500,
                        help='largest number of images of each, evenly spaced (default: 500)')
    parser.add_argument('--json', help='write the scores to this file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args(arguments)


def table(scores: Dict[str, Dict[str, float]]) -> str:
    """Format the scores in percent: a row for each data set."""
    classes = list(dict.fromkeys(name for found in scores.values() for name in found if name.startswith('IoU/')))
    head = ['data set', 'mIoU', *(name[len('IoU/'):] for name in classes)]
    rows = [[key, *(f'{found[name]:.1f}' if name in found else '-' for name in ('mIoU', *classes))]
            for key, found in scores.items()]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in [head, ['---'] * len(head), *rows])


def main(arguments: Optional[List[str]] = None) -> None:
    args = parse_args(arguments)
    quiet_console()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        model: Any = build_original(cfg, load_checkpoint(args.checkpoint)).to(get_device())
        scores = score_domains(cfg, model, args.datasets, args.images)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {last_message(error)}') from error
    print(table(scores))
    if args.json:
        replace_file(args.json, to_json(scores))


if __name__ == '__main__':
    main()
