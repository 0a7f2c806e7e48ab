"""Evaluate a checkpoint on a config's test data.

python tools/test.py CONFIG CHECKPOINT [--json metrics.json] [--show-dir DIR]
"""
import argparse
from typing import Dict

from mmengine.config import DictAction
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.batch_checks import check_image_sizes
from udas_mmseg.engine.config_run import ConfigRun
from udas_mmseg.engine.initial_weights import prepare_test
from udas_mmseg.engine.launch import build_runner, init_distributed, load_config
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.files import replace_file, to_json
from udas_mmseg.utils.messages import last_message


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for logs (default: work_dirs/<config name>)')
    parser.add_argument('--json', help='write the metrics to this file')
    parser.add_argument('--show-dir', help='draw predictions into the folder vis_data below this one')
    parser.add_argument('--allow-partial', action='store_true',
                        help='load what fits from a checkpoint that does not match the config')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def summary(metrics: Dict[str, float]) -> str:
    """Format the metrics, with those of single classes in lines of their own."""
    classes = {key: value for key, value in metrics.items() if '/' in key}
    line = ', '.join(f'{key} {value:.2f}' for key, value in metrics.items() if key not in classes)
    return '\n'.join([line, *(f'{key:24} {value:6.2f}' for key, value in classes.items())])


def main() -> None:
    args = parse_args()
    quiet_console()
    try:
        cfg = load_config(args.config, args.work_dir, args.cfg_options)
        for line in check_config({key: cfg[key] for key in ('test_dataloader', 'test_evaluator') if key in cfg}):
            print_log(line)
        check_image_sizes(cfg, 'test_dataloader')
        for line in prepare_test(cfg, args.checkpoint, args.allow_partial):
            print_log(line)
    except (OSError, ValueError) as error:  # a mistake of the user: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    if args.show_dir:
        cfg.default_hooks.visualization = dict(type='SegVisualizationHook', draw=True, interval=1)
        cfg.visualizer.save_dir = args.show_dir
    init_distributed(cfg, args.launcher)
    try:
        metrics = build_runner(cfg).test()
    except ConfigRun.mistakes as error:
        raise SystemExit(f'{type(error).__name__}: {last_message(error)}') from error
    if is_main_process():
        print(summary(metrics))
    if args.json and is_main_process():
        replace_file(args.json, to_json(metrics))


if __name__ == '__main__':
    main()
