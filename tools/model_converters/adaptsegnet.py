"""Convert a public checkpoint of AdaptSegNet, AdvEnt or related code to this project. See docs/checkpoints.md.

python tools/model_converters/adaptsegnet.py IN OUT --dilations 6 12          # AdaptSegNet
python tools/model_converters/adaptsegnet.py IN OUT --dilations 6 12 18 24    # AdvEnt
python tools/model_converters/adaptsegnet.py IN OUT                           # initial weights: only the backbone
"""
import argparse
import io
import os.path as osp
from collections import Counter
from typing import Any, Dict, List

import torch

from udas_mmseg import __version__
from udas_mmseg.export.public_checkpoints import Conversion, convert_deeplab_multi, find_state_dict
from udas_mmseg.utils.digests import file_digest
from udas_mmseg.utils.files import AtomicLocalBackend

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


def read_weights(path: str) -> Dict[str, torch.Tensor]:
    """Read the state dict in a file, on the CPU. Only tensors and plain containers are unpickled.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it has no state dict.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path} does not exist (looked in {osp.abspath(osp.curdir)}), or is not a file.')
    try:
        content: Any = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # the type of the exception depends on where reading fails
        raise ValueError(f'{path} cannot be read as tensors and plain containers. Is the download complete? If it is a '
                         'whole pickled model, save its `model.state_dict()` with the original code. '
                         f'({type(error).__name__}: {first_line(error)})') from error
    try:
        return find_state_dict(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ['no message'])[0]


def usage(result: Conversion, output: str) -> str:
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


def report(args: argparse.Namespace, result: Conversion) -> str:
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


def convert(args: argparse.Namespace) -> Conversion:
    """Read, convert and write a checkpoint.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the input is not a supported checkpoint.
    """
    weights = read_weights(args.input)
    if osp.exists(args.output) and osp.samefile(args.input, args.output):
        raise ValueError(f'{args.output} is the input itself. Choose another name for the output.')
    if osp.isdir(args.output):
        raise IsADirectoryError(f'{args.output} is a folder. Give the name of a file in it.')
    try:
        result = convert_deeplab_multi(weights, args.dilations, args.backbone_only)
    except ValueError as error:
        raise ValueError(f'{args.input}: {error}') from error
    meta = dict(
        udas_mmseg_version=__version__,
        converted_from=osp.basename(args.input),
        converted_from_sha256=file_digest(args.input),
        dilations=result.dilations,
        num_classes=result.num_classes,
        left_out=result.left_out)
    buffer = io.BytesIO()
    torch.save(dict(meta=meta, state_dict=result.state_dict), buffer)
    AtomicLocalBackend().put(buffer.getvalue(), args.output)
    return result


def main() -> None:
    args = parse_args()
    try:
        result = convert(args)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    print(report(args, result))


if __name__ == '__main__':
    main()
