"""Convert a public checkpoint of DAFormer, HRDA or MIC (MMSegmentation 0.x) to this project. See docs/checkpoints.md.

python tools/model_converters/daformer.py IN OUT              # the student, which the public code evaluates
python tools/model_converters/daformer.py IN OUT --teacher    # its moving average
"""
import argparse

from udas_mmseg.export.daformer_checkpoints import DAFormerConversion, convert_daformer
from udas_mmseg.export.public_files import convert_file

CONFIG = 'configs/daformer/source-only_mit-b5_40k_gta2cs-512x512.py'
HRDA_CONFIG = 'configs/hrda/hrda_mit-b5_40k_gta2cs-1024x1024.py'
CONFIG_LAYERS, CONFIG_WIDTH, CONFIG_CLASSES = (3, 6, 40, 3), 64, 19


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', metavar='IN', help='public checkpoint')
    parser.add_argument('output', metavar='OUT', help='checkpoint to write; an existing file is replaced')
    parser.add_argument('--teacher', action='store_true', help='take the moving average (ema_model) of the student')
    return parser.parse_args()


def usage(result: DAFormerConversion, output: str) -> str:
    """Return the command that uses the converted checkpoint."""
    config, model = (HRDA_CONFIG, 'model.segmentor') if result.has_attention else (CONFIG, 'model')
    heads = ('decode_head', 'scale_attention') if result.has_attention else ('decode_head', )
    options = []
    if result.num_layers != CONFIG_LAYERS:
        options.append(f'{model}.backbone.num_layers={",".join(map(str, result.num_layers))}')
    if result.width != CONFIG_WIDTH:
        options.append(f'{model}.backbone.embed_dims={result.width}')
        channels = ','.join(map(str, result.in_channels))
        options += [f'{model}.{head}.in_channels={channels}' for head in heads]
    if result.num_classes != CONFIG_CLASSES:
        options.append(f'{model}.decode_head.num_classes={result.num_classes}')
    return f'python tools/test.py {config} {output}' + (f' --cfg-options {" ".join(options)}' if options else '')


def report(args: argparse.Namespace, result: DAFormerConversion) -> str:
    lines = [
        f'{args.output}: the {result.meta["network"]} of {args.input}: {len(result.state_dict)} tensors, '
        f'{result.backbone}, {result.num_classes} classes',
        *(f'left out: {line}' for line in result.left_out),
        f'use it: {usage(result, args.output)}',
    ]
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    try:
        result = convert_file(args.input, args.output, lambda weights: convert_daformer(weights, args.teacher))
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(report(args, result))


if __name__ == '__main__':
    main()
