"""Label the unlabelled target images of a config with a trained model, for self-training.

python tools/pseudo_label.py CONFIG CHECKPOINT --out DIR [--dataset target_train] [--overwrite]

Writes DIR/<image>.png (train ids) and DIR/<image>_confidence.png (255 is 1.0), see docs/datasets.md. DIR appears when
all of it is written; the same command goes on after an interruption. Labels of the target are never opened.
"""
import argparse
import errno
import os.path as osp
import sys
from typing import Any, Dict, Sequence

import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.device import get_device
from mmseg.registry import DATASETS
from torch import nn
from torch.utils.data import DataLoader, Subset

from udas_mmseg.datasets import SampleError
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.datasets.transforms.loading import loads_labels
from udas_mmseg.engine.export_files import build_original, load_checkpoint
from udas_mmseg.engine.hooks.domain_panel_hook import confidence
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.mirrored_folder import file_digest
from udas_mmseg.evaluation.comparison import config_digest
from udas_mmseg.evaluation.pseudo_label_writer import PseudoLabelWriter
from udas_mmseg.progress import Progress


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file that the model was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the labels')
    parser.add_argument('--dataset', default='target_train', metavar='KEY',
                        help='which entry of the config has the images (default: target_train)')
    parser.add_argument('--overwrite', action='store_true', help='replace labels that are there')
    parser.add_argument('--workers', type=int, default=2, help='processes that load images (default: 2)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def unlabeled_dataset(cfg: Config, key: str) -> Dict[str, Any]:
    """Config of the images under a key, loaded by the test pipeline without labels.

    Raises:
        ValueError: if there is no such data set, or no test pipeline.
    """
    dataset = cfg.get(key)
    kind = DATASETS.get(dataset['type']) if isinstance(dataset, dict) and 'type' in dataset else None
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        known = sorted(name for name, value in cfg.items() if isinstance(value, dict) and 'data_prefix' in value)
        raise ValueError(f'the config has no data set {key!r} to label; its data sets are {known}. Add `{key}`, as in '
                         'configs/_base_/datasets, or name another one with --dataset.')
    pipeline = (cfg.get('test_dataloader') or {}).get('dataset', {}).get('pipeline') or cfg.get('test_pipeline')
    if not pipeline:
        raise ValueError('the config has neither test_dataloader.dataset.pipeline nor test_pipeline, so that nothing '
                         'says how images are loaded. Add `test_pipeline`, as in configs/_base_/datasets.')
    prefix = {name: path for name, path in (dataset.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    steps = [step for step in pipeline if not loads_labels(step)]
    return {**dataset, 'data_prefix': {'img_path': '', **prefix}, 'pipeline': steps, 'test_mode': False}


def build_teacher(cfg: Config, checkpoint: str, classes: Sequence[str]) -> nn.Module:
    """The trained segmentor, in evaluation mode on the best device.

    Raises:
        ValueError: if the checkpoint does not fit the config, or the model's classes are not the data's.
    """
    content = load_checkpoint(checkpoint)
    model = build_original(cfg, content.get('state_dict', content))
    if model.num_classes != len(classes):
        raise ValueError(f'the model has num_classes={model.num_classes}, but the images have {len(classes)} classes '
                         f'{tuple(classes)}. Label them with a model that was trained for these, or correct '
                         '`metainfo.classes`.')
    return model.to(get_device())


def describe_teacher(cfg: Config, args: argparse.Namespace, pipeline: Sequence[dict]) -> Dict[str, str]:
    """Where the labels come from, as the index tells it."""
    if not osp.isfile(args.checkpoint):
        raise FileNotFoundError(f'checkpoint {args.checkpoint} does not exist (looked in {osp.abspath(osp.curdir)}). '
                                'Give a local file that tools/train.py wrote.')
    decisive = dict(model=cfg.to_dict()['model'], pipeline=[dict(step) for step in pipeline])
    return dict(config=args.config, checkpoint=args.checkpoint, sha256=file_digest(args.checkpoint),
                config_digest=config_digest(decisive))


def label_images(model: nn.Module, dataset: BaseDataset, writer: PseudoLabelWriter, workers: int) -> None:
    """Label what the writer does not have yet."""
    pending = writer.begin()
    if len(pending) < len(dataset):
        print(f'{len(dataset) - len(pending)} of {len(dataset)} labels are kept from an earlier run.', file=sys.stderr)
    loader = DataLoader(Subset(dataset, pending), batch_size=1, num_workers=workers, collate_fn=pseudo_collate)
    kept = len(dataset) - len(pending)
    progress = Progress(str(writer.out), len(dataset), kept)
    for done, (index, batch) in enumerate(zip(pending, loader), 1):
        with torch.inference_mode():
            result = model.test_step(batch)[0]
        label = result.pred_sem_seg.data[0].to(torch.uint8).cpu().numpy()
        writer.write(index, label, confidence(result.seg_logits.data))
        progress.update(kept + done)


def main() -> None:
    args = parse_args()
    try:
        cfg = load_config(args.config, cfg_options=args.cfg_options)
        dataset_cfg = unlabeled_dataset(cfg, args.dataset)
        teacher = describe_teacher(cfg, args, dataset_cfg['pipeline'])
        print('\n'.join(check_config(dict(test_dataloader=dict(dataset=dataset_cfg)))), flush=True)
        dataset = DATASETS.build(dataset_cfg)
        dataset.test_mode = True  # a sample that fails is not replaced by another one
        images = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]
        classes = dataset.metainfo.get('classes') or ()
        writer = PseudoLabelWriter(args.out, images, dataset.data_prefix['img_path'], classes, teacher,
                                   overwrite=args.overwrite)
        label_images(build_teacher(cfg, args.checkpoint, classes), dataset, writer, args.workers)
        index = writer.finish()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise SystemExit(f'{type(error).__name__}: {error}') from error
        raise SystemExit(f'the disk of {args.out} is full ({error}). The labels that were written whole are kept in '
                         f'{args.out}.part: free some space and give the same command.') from error
    except (ValueError, RuntimeError) as error:  # the user's to mend: no traceback
        # an error of a loader worker carries the worker's traceback in front of it
        message = str(error).split(f'{type(error).__name__}: ')[-1].strip() if isinstance(error, SampleError) else error
        raise SystemExit(f'{type(error).__name__}: {message}') from error
    shares = sorted(index['class_share'].items(), key=lambda share: -share[1])
    print(f'{writer.out}: {index["num_images"]} images; pixels in percent: '
          + ', '.join(f'{name} {100 * share:.1f}' for name, share in shares))


if __name__ == '__main__':
    main()
