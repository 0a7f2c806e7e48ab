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
from pathlib import Path
from typing import List, Optional, Tuple

from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.dist import all_gather_object, barrier, init_dist, is_main_process
from mmseg.registry import DATASETS
from torch import cuda

from udas_mmseg.datasets.preflight import check_config
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


def open_source(cfg: Config) -> BaseDataset:
    """The images to translate, without their labels.

    Raises:
        ValueError: if the config does not say which.
    """
    dataset_cfg = (cfg.get('translate_dataloader') or {}).get('dataset')
    if not dataset_cfg:
        raise ValueError('the config has no `translate_dataloader`, which says what is translated. Add '
                         'translate_dataloader=dict(batch_size=4, num_workers=4, dataset=...), as in '
                         'configs/translation/cyclegan_gta2cs.py.')
    prefix = {name: path for name, path in dataset_cfg['data_prefix'].items() if name != 'seg_map_path'}
    # not what was translated before
    dataset_cfg = {key: value for key, value in dataset_cfg.items() if key != 'translated_root'}
    dataset_cfg['data_prefix'] = prefix
    for line in check_config(dict(test_dataloader=dict(dataset=dataset_cfg))):
        if is_main_process():
            print(line.replace('test_dataloader', 'translate_dataloader'), flush=True)
    dataset = DATASETS.build(dataset_cfg)
    dataset.test_mode = True  # a sample that fails is not replaced by another one
    return dataset


def paths_of(dataset: BaseDataset) -> List[str]:
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def open_target(cfg: Config) -> Optional[BaseDataset]:
    """The target's images that the translator was trained with; None if the config does not tell."""
    target = (cfg.get('train_dataloader') or {}).get('dataset', {}).get('target')
    return DATASETS.build(target) if target else None


def start_processes(cfg: Config, launcher: str) -> None:
    init_distributed(cfg, launcher)
    if launcher != 'none' and cuda.is_available():
        init_dist(launcher, **cfg.get('env_cfg', {}).get('dist_cfg', dict(backend='nccl')))


def translate(args: argparse.Namespace, cfg: Config) -> None:
    """Translate, check and report."""
    network = None  # first: a mistake here should not show after hours
    if args.backbone and is_main_process():
        network = build_backbone(Config.fromfile(args.backbone), device=get_device())
    dataset, target = open_source(cfg), open_target(cfg)
    model = build_translator(cfg, args.checkpoint)
    images, loader = paths_of(dataset), cfg.translate_dataloader
    decisive = dict(model=cfg.to_dict()['model'], dataset=cfg.to_dict()['translate_dataloader']['dataset'])
    translator = dict(config=args.config, checkpoint=args.checkpoint, sha256=file_digest(args.checkpoint),
                      config_digest=config_digest(decisive))
    writer = TranslationWriter(args.out, images, dataset.data_prefix['img_path'], translator, args.size, args.format,
                               args.quality)
    if is_main_process():
        writer.begin(args.overwrite, args.update)
    barrier()
    broken = translate_dataset(model, dataset, writer, args.batch_size or loader.get('batch_size', 4),
                               loader.get('num_workers', 2) if args.workers is None else args.workers)
    broken = [problem for problems in all_gather_object(broken) for problem in problems]
    if not is_main_process():
        return
    if broken:
        raise ValueError(f'{len(broken)} of {len(images)} source images cannot be read; the others are translated:\n- '
                         + '\n- '.join(broken) + '\nMend them, or take them off the list, and give the same command.')
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
        Path(file.path).unlink()
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
        if error.errno != errno.ENOSPC:
            raise SystemExit(f'{type(error).__name__}: {error}') from error
        raise SystemExit(f'the disk of {args.out} is full ({error}). What was written whole is kept: free some space '
                         'and give the same command.') from error
    except (ValueError, RuntimeError, ImportError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error


if __name__ == '__main__':
    main()
