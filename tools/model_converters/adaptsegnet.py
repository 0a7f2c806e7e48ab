"""Convert a public checkpoint of AdaptSegNet, AdvEnt or related code to this project. See docs/checkpoints.md.

python tools/model_converters/adaptsegnet.py IN OUT --dilations 6 12          # AdaptSegNet
python tools/model_converters/adaptsegnet.py IN OUT --dilations 6 12 18 24    # AdvEnt
python tools/model_converters/adaptsegnet.py IN OUT                           # initial weights: only the backbone
"""
import argparse
from collections import Counter
from typing import List

from udas_mmseg.export.public_checkpoints import DeepLabConversion, convert_deeplab_multi
from udas_mmseg.export.public_files import convert_file

CONFIG = 'configs/adaptsegnet/source-only_r101-d8-caffe_120k_gta2cs-640x360.py'
CONFIG_DILATIONS, CONFIG_CLASSES = (6, 12), 19


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', metavar='IN', help='public checkpoint')
    parser.add_argument('output', metavar='OUT', help='checkpoint to write; an existing file is replaced')
    parser.add_argument('--dilations', nargs='+', type=int, metavar='N',
                        help='dilations of the classifier branches that the public code adds; needed for four branches')
    parser.add_argument('--backbone-only', action='store_true', help='leave out the classifiers, of whatever kind')
    return parser.parse_args()


def usage(result: DeepLabConversion, output: str) -> str:
    """Return the command that uses the converted checkpoint."""
    if result.num_classes is None:
        key = 'model.backbone.init_cfg'
        return (f'python tools/train.py {CONFIG} --cfg-options {key}.type=Pretrained {key}.checkpoint={output} '
                f'{key}.prefix=backbone.')
    options: List[str] = []
    for head in ('model.decode_head', 'model.auxiliary_head'):
        if result.dilations != CONFIG_DILATIONS:
            options.append(f'{head}.dilations={",".join(map(str, result.dilations))}')
        if result.num_classes != CONFIG_CLASSES:
            options.append(f'{head}.num_classes={result.num_classes}')
    return f'python tools/test.py {CONFIG} {output}' + (f' --cfg-options {" ".join(options)}' if options else '')


def report(args: argparse.Namespace, result: DeepLabConversion) -> str:
    counts = Counter(name.split('.')[0] for name in result.state_dict)
    heads = 'no classifiers'
    if result.num_classes is not None:
        heads = f'{result.num_classes} classes, dilations {result.dilations}'
    lines = [
        f'{args.input}: ResNet-101, ' + (f'prefix "{result.prefix}" removed' if result.prefix else 'no prefix'),
        f'{args.output}: {len(result.state_dict)} tensors (' +
        ', '.join(f'{part} {count}' for part, count in counts.items()) + f'), {heads}',
        *(f'left out: {line}' for line in result.left_out),
        *(f'WARNING: {line}' for line in result.warnings),
        f'use it: {usage(result, args.output)}',
    ]
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    try:
        result = convert_file(args.input, args.output,
                              lambda weights: convert_deeplab_multi(weights, args.dilations, args.backbone_only))
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(report(args, result))


if __name__ == '__main__':
    main()
