"""Translate a whole source data set into the target's style with a trained CycleGAN.

python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated
python tools/translate.py CONFIG CHECKPOINT --out DIR --size 640x360 --format jpg    # smaller and faster to read
torchrun --nproc_per_node 2 tools/translate.py CONFIG CHECKPOINT --out DIR --launcher pytorch

Writes DIR/<path of the image>.png for every image of the config's `translate_dataloader`; give DIR to the data set as
`translated_root`. The same command goes on after an interruption. At the end every file is opened, and DIR_report/ has
pictures and the distances between the domains before and after.
"""
import argparse
import errno
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.dist import all_gather_object, broadcast_object_list, init_dist, is_main_process
from mmseg.registry import DATASETS
from torch import cuda

from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.datasets.transforms.loading import loads_labels
from udas_mmseg.engine.launch import init_distributed, load_config
from udas_mmseg.engine.mirrored_folder import file_digest
from udas_mmseg.evaluation.comparison import config_digest
from udas_mmseg.evaluation.domain_distance import build_backbone
from udas_mmseg.translation.report import verify_images, write_report
from udas_mmseg.translation.translate import build_translator, translate_dataset
from udas_mmseg.translation.writer import FORMATS, TranslationWriter


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file that the translator was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the translated images')
    parser.add_argument('--size', type=parse_size, metavar='WxH',
                        help='size of the files, e.g. 640x360 (default: that of each source image)')
    parser.add_argument('--format', choices=FORMATS, default='png', help='(default: png)')
    parser.add_argument('--quality', type=int, default=95, help='of JPEG files, 1-100 (default: 95)')
    parser.add_argument('--backbone', metavar='CONFIG',
                        help='segmentation config whose pretrained backbone measures the feature distance')
    parser.add_argument('--batch-size', type=int, help="images at a time (default: the config's)")
    parser.add_argument('--workers', type=int, help="processes that load images (default: the config's)")
    parser.add_argument('--overwrite', action='store_true', help='begin anew where DIR was made with something else')
    parser.add_argument('--update', action='store_true', help='go on although images came to the source or left it')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    return parser.parse_args()


def parse_size(text: str) -> Tuple[int, int]:
    width, cross, height = text.partition('x')
    if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f'{text!r} is no size. Write <width>x<height> in pixels, e.g. 640x360.')
    return int(width), int(height)


def source_config(cfg: Config) -> Dict[str, Any]:
    """Config of the images to translate, without their labels.

    Raises:
        ValueError: if the config does not say which, or changes them by chance.
    """
    dataset_cfg = (cfg.get('translate_dataloader') or {}).get('dataset')
    if not dataset_cfg:
        raise ValueError('the config has no `translate_dataloader`, which says what is translated. Add '
                         'translate_dataloader=dict(batch_size=4, num_workers=4, dataset=...), as in '
                         'configs/translation/cyclegan_gta2cs.py.')
    kind = DATASETS.get(dataset_cfg['type'])
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        raise ValueError(f'translate_dataloader.dataset is a {dataset_cfg["type"]}: it must be a single data set of '
                         'images, such as LabelMappedDataset.')
    prefix = {name: path for name, path in (dataset_cfg.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    steps = [step for step in dataset_cfg.get('pipeline') or [] if not loads_labels(step)]
    names = [str(step['type']) for step in steps]
    changing = [name for name in names if name.startswith('Random') or name == 'PhotoMetricDistortion']
    if changing or names[-1:] != ['PackSegInputs']:
        raise ValueError(f'translate_dataloader.dataset.pipeline is {names}: whole images are translated, always '
                         'alike. Write LoadVerifiedImage, perhaps Resize, and PackSegInputs.')
    # not what was translated before
    dataset_cfg = {key: value for key, value in dataset_cfg.items() if key != 'translated_root'}
    return {**dataset_cfg, 'data_prefix': {'img_path': '', **prefix}, 'pipeline': steps}


def open_data(cfg: Config) -> Tuple[BaseDataset, Optional[BaseDataset]]:
    """The images to translate, and the target's that the translator was trained with, if the config tells.

    Raises:
        ValueError: if there are none, or some of the first that are read are broken.
    """
    source = source_config(cfg)
    target = (cfg.get('train_dataloader') or {}).get('dataset', {}).get('target')
    loaders = dict(test_dataloader=dict(dataset=source))
    if target:
        loaders['train_dataloader'] = dict(dataset=dict(target=target))
    try:
        summary = check_config(loaders)
    except ValueError as error:
        raise ValueError(str(error).replace('test_dataloader', 'translate_dataloader')) from error
    if is_main_process():
        print('\n'.join(summary).replace('test_dataloader', 'translate_dataloader'), flush=True)
    dataset = DATASETS.build(source)
    dataset.test_mode = True  # a sample that fails is not replaced by another one
    return dataset, DATASETS.build(target) if target else None


def paths_of(dataset: BaseDataset) -> List[str]:
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def start_processes(cfg: Config, launcher: str) -> None:
    """Raises ValueError if several processes would not know of each other."""
    started = int(os.environ.get('WORLD_SIZE', 1))
    if launcher == 'none' and started > 1:
        raise ValueError(f'{started} processes were started, and each would translate everything. Give --launcher '
                         'pytorch.')
    if launcher in ('slurm', 'mpi') and not cuda.is_available():
        raise ValueError(f'--launcher {launcher} needs CUDA devices, and torch sees none. Take torchrun and --launcher '
                         'pytorch.')
    init_distributed(cfg, launcher)
    if launcher != 'none' and cuda.is_available():
        # they meet again when all is translated: the slowest may need longer than NCCL's 10 minutes
        options = dict(backend='nccl', timeout=24 * 3600)
        init_dist(launcher, **{**options, **(cfg.get('env_cfg') or {}).get('dist_cfg', {})})


def begin(writer: TranslationWriter, overwrite: bool, update: bool) -> None:
    """The first process makes the folder; what is wrong with it ends all of them, and is said once."""
    problem: List[Optional[Exception]] = [None]
    if is_main_process():
        try:
            writer.begin(overwrite, update)
        except (OSError, ValueError) as error:
            problem = [error]
    broadcast_object_list(problem)
    if problem[0] is not None:
        raise problem[0] if is_main_process() else SystemExit(1)


def translate(args: argparse.Namespace, cfg: Config) -> None:
    """Translate, check and report."""
    network = None  # first: a mistake here should not show after hours
    if args.backbone and is_main_process():
        network = build_backbone(Config.fromfile(args.backbone), device=get_device())
    dataset, target = open_data(cfg)
    model = build_translator(cfg, args.checkpoint)
    images, loader = paths_of(dataset), cfg.translate_dataloader
    # what decides the pixels, and nothing that only training needs
    decisive = dict(generator=cfg.model['generator'], preprocessor=cfg.model.get('data_preprocessor'),
                    pipeline=source_config(cfg)['pipeline'])
    translator = dict(config=args.config, checkpoint=args.checkpoint, sha256=file_digest(args.checkpoint),
                      config_digest=config_digest(decisive))
    writer = TranslationWriter(args.out, images, dataset.data_prefix['img_path'], translator, args.size, args.format,
                               args.quality)
    begin(writer, args.overwrite, args.update)
    broken = translate_dataset(model, dataset, writer,
                               loader.get('batch_size', 4) if args.batch_size is None else args.batch_size,
                               loader.get('num_workers', 2) if args.workers is None else args.workers)
    broken = [problem for problems in all_gather_object(broken) for problem in problems]
    if not is_main_process():
        return
    if broken:
        raise ValueError(f'{len(broken)} of {len(images)} source images cannot be read; the others are translated:\n- '
                         + '\n- '.join(broken) + '\nMend them and give the same command, or take them off the list and '
                         'add --update.')
    check(writer, args.size)
    writer.finish()
    print(f'{writer.out}: {len(images)} images, every one of them was opened', flush=True)
    if target is None:
        print('no report: the config has no train_dataloader.dataset.target to compare with', flush=True)
        return
    folder = f'{writer.out}_report'
    distances = write_report(folder, images, [str(writer.out / name) for name in writer.names], paths_of(target),
                             network, facts=dict(config=args.config, checkpoint=args.checkpoint))
    for kind, unit in (('color_distance', 'of colours, in Lab units'), ('feature_distance', 'of features')):
        if distances[kind]:
            print('distance {}: {:.3g} before, {:.3g} after'.format(unit, distances[kind]['before'],
                                                                   distances[kind]['after']))
    print(f'{folder}/report.md and samples.png')


def check(writer: TranslationWriter, size: Optional[Tuple[int, int]]) -> None:
    """Open every file; damaged ones are deleted, so that the next run makes them again.

    Raises:
        ValueError: if there were any.
    """
    paths = [str(writer.out / name) for name in writer.names]
    damaged = verify_images(paths, sizes=None if size is None else [size] * len(paths))
    for file in damaged:
        Path(file.path).unlink(missing_ok=True)
    if damaged:
        listed = '\n- '.join(file.problem for file in damaged[:10])
        raise ValueError(f'{len(damaged)} of {len(paths)} translations were damaged and are deleted:\n- {listed}\n'
                         'Give the same command again to make them anew.')


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        start_processes(cfg, args.launcher)
        translate(args, cfg)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise SystemExit(f'{type(error).__name__}: {error}') from error
        raise SystemExit(f'the disk of {args.out} is full ({error}). What was written whole is kept: free some space '
                         'and give the same command.') from error
    except (ValueError, RuntimeError, ImportError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
