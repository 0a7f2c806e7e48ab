"""Translate generated street scenes, train on them, adapt to the other domain, and show what that gains: `make demo`.

Everything goes below work_dirs/demo: data, runs, translated images, a table and pictures. Call it again after an
interruption: what is finished is kept.
"""
import argparse
import os
import os.path as osp
import re
import subprocess
import sys
import time
import warnings
from typing import Dict, List, Tuple

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from udas_mmseg.demo import write_cityscapes, write_gta5
from udas_mmseg.engine.launch import build_runner, load_config
from udas_mmseg.visualization import add_legend, colorize, grid, save_picture

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
# the ladder: name of the rung -> its config
RUNGS = {'source only': 'configs/demo/source_only.py', 'adapted (UDAS)': 'configs/demo/udas_uda.py'}
TRANSLATOR = 'configs/demo/cyclegan.py'
DOMAINS = {'source': 'simulated', 'target': 'real'}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', default='work_dirs/demo', help='folder for everything (default: work_dirs/demo)')
    parser.add_argument('--train', type=int, default=200, help='training images in each domain (default: 200)')
    parser.add_argument('--val', type=int, default=50, help='validation images in each domain (default: 50)')
    parser.add_argument('--iters', type=int, help="iterations of each training (default: the config's)")
    return parser.parse_args()


def train(name: str, config: str, work_dir: str, options: List[str]) -> str:
    """Train as a user would, showing only the progress; the whole output is in <work_dir>/train.txt.

    Returns:
        str: Path of the last checkpoint.
    """
    os.makedirs(work_dir, exist_ok=True)
    log = osp.join(work_dir, 'train.txt')
    command = [sys.executable, osp.join(ROOT, 'tools/train.py'), osp.join(ROOT, config), '--work-dir', work_dir,
               '--resume', *(['--cfg-options', *options] if options else [])]
    with open(log, 'a', buffering=1) as file, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace') as process:
        for line in process.stdout or ():
            file.write(line)
            found = re.search(r'Iter\(train\) \[ *(\d+)/(\d+)\].*eta: ([\d:]+).* loss: ([\d.]+)', line)
            if found:
                print('  {}: iteration {} of {}, {} left, loss {}'.format(name, *found.groups()), flush=True)
    if process.returncode:
        with open(log, errors='replace') as file:
            raise SystemExit(f'{name}: training failed, log {log}:\n' + ''.join(file.readlines()[-12:]))
    with open(osp.join(work_dir, 'last_checkpoint')) as file:
        return file.read().strip()


def translate(checkpoint: str, out: str) -> None:
    """Translate the simulated images as a user would: pictures and distances are in <out>_report."""
    command = [sys.executable, osp.join(ROOT, 'tools/translate.py'), osp.join(ROOT, TRANSLATOR), checkpoint,
               '--out', out, '--overwrite']
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    if done.returncode:
        raise SystemExit(f'translation failed:\n{done.stdout[-3000:]}')
    print(''.join(f'  {line}\n' for line in done.stdout.splitlines() if line.startswith('distance')), end='')


def evaluate(config: str, checkpoint: str, work_dir: str) -> Tuple[Dict[str, dict], Runner]:
    """Score a checkpoint on the validation images of both domains.

    Returns:
        tuple: domain -> metrics in percent, and the last Runner, which holds the model.
    """
    scores = {}
    for domain in DOMAINS:
        cfg = load_config(osp.join(ROOT, config), osp.join(work_dir, f'test_{domain}'))
        cfg.merge_from_dict(dict(load_from=checkpoint, log_level='WARNING'))
        cfg.test_dataloader.dataset = cfg[f'{domain}_val']
        runner = build_runner(cfg)
        scores[domain] = runner.test()
    return scores, runner


def draw(cfg: Config, models: Dict[str, Runner], count: int = 3) -> np.ndarray:
    """A row an image, of both domains in turn: image, truth, and what each model predicts."""
    rows, captions = [], []
    datasets = {domain: DATASETS.build(cfg[f'{domain}_val']) for domain in DOMAINS}
    meta = datasets['target'].metainfo
    for number in range(count):
        for domain, kind in DOMAINS.items():
            dataset = datasets[domain]
            sample = dataset[number * len(dataset) // count]
            predictions = [runner.model.test_step(pseudo_collate([sample]))[0] for runner in models.values()]
            label = sample['data_samples'].gt_sem_seg.data[0].numpy()
            rows.append([sample['inputs'].numpy().transpose(1, 2, 0), colorize(label, meta['palette'])] +
                        [colorize(p.pred_sem_seg.data[0].numpy(), meta['palette']) for p in predictions])
            captions.append(f'{kind} ({domain})')
    return add_legend(grid(rows, ['image', 'truth', *models], captions), meta['classes'], meta['palette'])


def table(scores: Dict[str, Dict[str, dict]]) -> str:
    """Mean IoU of each rung on both domains, then IoU of each class on the target, rung beside rung."""
    lines = ['| mIoU, percent | on simulated (source) | on real (target) | gap |', '| --- | --- | --- | --- |']
    for name, by_domain in scores.items():
        source, target = (by_domain[domain]['mIoU'] for domain in DOMAINS)
        lines.append(f'| {name} | {source:.1f} | {target:.1f} | {source - target:.1f} |')
    lines += ['', f'| IoU on real | {" | ".join(scores)} |', f'| --- |{" --- |" * len(scores)}']
    on_target = [by_domain['target'] for by_domain in scores.values()]
    for key in [key for key in on_target[0] if key.startswith('IoU/')]:
        cells = [f'{metrics[key]:.1f}' if key in metrics else '-' for metrics in on_target]
        lines.append(f'| {key[4:]} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    args = parse_args()
    started = time.monotonic()
    warnings.filterwarnings('ignore')  # MMSegmentation's own, many a run
    data = osp.join(args.out, 'data')
    os.environ['UDAS_DEMO_ROOT'] = osp.abspath(data)  # the demo's configs look here
    try:
        write_gta5(osp.join(data, 'gta5'), args.train, args.val, progress=True)
        write_cityscapes(osp.join(data, 'cityscapes'), args.train, args.val, progress=True)
    except (OSError, ValueError) as error:  # the user's to mend: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    options = [f'train_cfg.max_iters={args.iters}'] if args.iters else []
    work_dir, translated = osp.join(args.out, 'cyclegan'), osp.join(args.out, 'translated')
    translate(train('translation (CycleGAN)', TRANSLATOR, work_dir, options), translated)
    scores, models = {}, {}
    for name, config in RUNGS.items():
        work_dir = osp.join(args.out, osp.splitext(osp.basename(config))[0])
        checkpoint = train(name, config, work_dir, options)
        scores[name], models[name] = evaluate(config, checkpoint, work_dir)
    text = table(scores)
    with open(osp.join(args.out, 'table.md'), 'w') as file:
        file.write(text)
    picture = osp.join(args.out, 'predictions.png')
    save_picture(picture, draw(load_config(osp.join(ROOT, RUNGS['source only'])), models))
    minutes = (time.monotonic() - started) / 60
    print(f'\n{text}\n{picture}: images, truth and predictions\n'
          f'{translated}_report/samples.png: simulated images, their translations, and real ones\n'
          f'{osp.join(args.out, "table.md")}: this table\n{minutes:.1f} minutes')


if __name__ == '__main__':
    main()
