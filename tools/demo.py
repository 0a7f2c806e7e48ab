"""Run all stages of UDAS on generated street scenes, and show the gain of each stage: `make demo`.

Two processes share the CPU cores. One runs all stages of self-training: translation, adaptation with Domain CutMix, and
two rounds of pseudo-labels and students. The other one trains the models with which they are compared. The result is a
table with a row ("rung") for each model, and a page about all of them. Data, runs, tables and pictures are written to
work_dirs/demo. After an interruption, run it again: finished parts are kept.
"""
import argparse
import json
import os
import os.path as osp
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, Callable, Dict, List

from mmseg.registry import DATASETS

from udas_mmseg.engine.launch import load_config
from udas_mmseg.models.trained import build_original, load_checkpoint
from udas_mmseg.run_report import RunRecord, read_training, write_run_report
from udas_mmseg.scenes import write_cityscapes, write_gta5
from udas_mmseg.self_training.manifest import complete_entries, trained_segmentors
from udas_mmseg.self_training.run_record import read_self_training
from udas_mmseg.utils.console import quiet_console
from udas_mmseg.utils.progress import clear_line, relay
from udas_mmseg.visualization import save_picture
from udas_mmseg.visualization.prediction_panel import draw_predictions

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
CONFIGS = osp.join(ROOT, 'configs/demo/self_training')
SELF_TRAINING, COMPARISON = 'self_training', 'comparison'  # folders
# the rows of the table; those in COMPARED are trained for comparison
RUNGS = ('source only', 'translated', 'adapted', 'round 1', 'round 2', 'oracle')
COMPARED = ('source only', 'translated', 'oracle')
CLASSES = 'configs/_base_/datasets/demo_160x80_8classes.py'
NO_REPORT = ('self_training.stages.after=[export]', )  # that of the demo has all models


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', default='work_dirs/demo', help='output folder (default: work_dirs/demo)')
    parser.add_argument('--train', type=int, default=200, help='training images in each domain (default: 200)')
    parser.add_argument('--val', type=int, default=50, help='validation images in each domain (default: 50)')
    parser.add_argument('--iters', type=int, help="iterations of each training (default: the configs')")
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='override the config of self-training, e.g. self_training.label.views=1')
    return parser.parse_args()


class Commands:
    """Commands that run at the same time and are stopped together.

    Args:
        threads (int): Number of threads of each command for arithmetic.
    """

    def __init__(self, threads: int) -> None:
        self.environment = {**os.environ, 'OMP_NUM_THREADS': str(threads)}
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._running: List[subprocess.Popen] = []

    def run(self, name: str, command: List[str], log: str, show: Callable[[str], str]) -> None:
        """Run a Python file until it ends, with its output in a log.

        Args:
            name (str): Description of the command for messages.
            command (list[str]): The file and its arguments.
            log (str): Path of the log, to which the output is appended.
            show (Callable): Returns the text to print for a line of the output, '' for nothing.

        Raises:
            RuntimeError: with the end of the log, if the command fails and was not stopped.
        """
        with self._lock:
            if self.stopped.is_set():
                return
            process = subprocess.Popen([sys.executable, *command], env=self.environment, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors='replace')
            self._running.append(process)
        os.makedirs(osp.dirname(log), exist_ok=True)
        lines: List[str] = []
        with open(log, 'a', buffering=1) as file, process:
            for line in process.stdout or ():
                file.write(line)
                lines = [*lines[-11:], line]
                if not relay(line, f'  {name}, {line.split(":")[0]}', task=name):
                    text = show(line)
                    if text:
                        clear_line()
                        print(f'  {text}', flush=True)
        if process.returncode and not self.stopped.is_set():
            raise RuntimeError(f'{name} failed, log {log}:\n{"".join(lines)}')

    def stop(self) -> None:
        """Stop all running commands, and start no more."""
        with self._lock:
            self.stopped.set()
            for process in self._running:
                process.terminate()


def self_train(commands: Commands, out: str, options: List[str]) -> None:
    """Run all stages of self-training, as a user would."""
    def show(line: str) -> str:
        begun = re.match(r'Stage (\d+ of \d+): (\w+), (.*)', line)
        return 'self-training, stage {}: {}, {}'.format(*begun.groups()) if begun else ''

    work_dir = osp.join(out, SELF_TRAINING)
    commands.run('self-training', [osp.join(ROOT, 'tools/train.py'), osp.join(CONFIGS, 'ssl.py'), '--work-dir',
                                   work_dir, *(['--cfg-options', *options] if options else [])],
                 osp.join(work_dir, 'output.txt'), show)


def compare(commands: Commands, out: str, options: List[str]) -> None:
    """Run the trainings without self-training, one after the other; the last one waits for the translated images."""
    def show(line: str) -> str:
        found = re.match(r'\[(\d+)/(\d+).*?\] (\S+), seed', line)
        return 'comparison, training {} of {}: {}'.format(*found.groups()) if found else ''

    def run(*names: str) -> None:
        commands.run('comparison', [osp.join(ROOT, 'tools/compare.py'), *(osp.join(CONFIGS, f'{name}.py')
                                        for name in names), '--out', osp.join(out, COMPARISON), '--work-dir', out,
                                        *(['--cfg-options', *options] if options else [])],
                     osp.join(out, f'{COMPARISON}.txt'), show)

    run('source_only', 'oracle')
    while not stage_folders(out, 'translate'):
        if commands.stopped.wait(1):
            return
    commands.environment['UDAS_DEMO_TRANSLATIONS'] = stage_folders(out, 'translate')[0]
    run('source_only', 'oracle', 'translated')  # finished trainings are only read


def comparison_folder(out: str, rung: str) -> str:
    """Return the folder of a training for comparison."""
    return osp.join(out, COMPARISON, 'demo', SELF_TRAINING, rung.replace(' ', '_'), 'seed_0')


def stage_folders(out: str, kind: str) -> List[str]:
    """Return the folders of the complete self-training stages of a kind, in order."""
    work_dir = osp.abspath(osp.join(out, SELF_TRAINING))
    return [osp.join(work_dir, name) for name in complete_entries(work_dir, kind)]


def read_rungs(out: str) -> Dict[str, Dict[str, Any]]:
    """Read the result of each model.

    Returns:
        dict: Name of the model -> `metrics` in percent on the target's validation images, `seconds`, `config` and
        `checkpoint`.
    """
    made = trained_segmentors(osp.join(out, SELF_TRAINING))
    for rung in COMPARED:
        name, folder = rung.replace(' ', '_'), comparison_folder(out, rung)
        with open(osp.join(folder, 'results.json')) as file:
            result, = json.load(file)
        with open(osp.join(folder, 'last_checkpoint')) as file:
            made[rung] = dict(result, config=osp.join(CONFIGS, f'{name}.py'), checkpoint=file.read().strip())
    return {rung: made[rung] for rung in RUNGS if rung in made}  # a run may have ended after fewer rounds


def table(rungs: Dict[str, Dict[str, Any]], translation: float) -> str:
    """Format a table of the mean IoU of each model on the target, and one of the IoU of each class.

    Args:
        rungs (dict): See `read_rungs`.
        translation (float): Minutes for training the translator and translating.
    """
    lines = ['| model | mIoU on real, percent | minutes |', '| --- | --- | --- |']
    lines += [f'| {name} | {rung["metrics"]["mIoU"]:.1f} | {rung["seconds"] / 60:.1f} |'
              for name, rung in rungs.items()]
    lines += ['', f'Translation: {translation:.1f} more minutes; source only and the oracle do not use it.',
              f'The classes are a label_map of the config, {CLASSES}.']
    lines += ['', f'| IoU on real | {" | ".join(rungs)} |', f'| --- |{" --- |" * len(rungs)}']
    metrics = [rung['metrics'] for rung in rungs.values()]
    for key in dict.fromkeys(key for scores in metrics for key in scores if key.startswith('IoU/')):
        cells = [f'{scores[key]:.1f}' if key in scores else '-' for scores in metrics]
        lines.append(f'| {key[4:]} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def draw(rungs: Dict[str, Dict[str, Any]], path: str) -> None:
    """Draw the predictions of each model on images of both domains."""
    models = {}
    for name, rung in rungs.items():
        models[name] = build_original(load_config(rung['config']), load_checkpoint(rung['checkpoint']))
    cfg = load_config(osp.join(CONFIGS, 'source_only.py'))
    datasets = {'simulated': DATASETS.build(cfg.source_val), 'real': DATASETS.build(cfg.target_val)}
    save_picture(path, draw_predictions(datasets, models, 3))


def train_all(args: argparse.Namespace) -> None:
    """Run both processes, at the same time if there are enough cores. If one fails, the other is stopped."""
    options = [f'train_cfg.max_iters={args.iters}'] if args.iters else []
    cores = os.cpu_count() or 1
    commands = Commands(max(1, cores // 2))
    with ThreadPoolExecutor(min(2, cores)) as pool:
        jobs = [pool.submit(self_train, commands, args.out,
                            [*(f'self_training.options.{option}' for option in options), *NO_REPORT,
                             *args.cfg_options]),
                pool.submit(compare, commands, args.out, options)]
        try:
            wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            commands.stop()
    for job in jobs:
        job.result()


def prepare(out: str, train: int, val: int) -> None:
    """Write the data, and set the folders for the configs."""
    data = osp.join(out, 'data')
    os.environ['UDAS_DEMO_ROOT'] = osp.abspath(data)
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(write, osp.join(data, name), train, val, progress=True)
                for name, write in (('gta5', write_gta5), ('cityscapes', write_cityscapes))]
        for job in jobs:
            job.result()


def write_page(out: str) -> str:
    """Write the report on all models, and return its path."""
    runs: List[RunRecord] = []
    for rung in RUNGS:
        if rung in COMPARED:
            runs.append(replace(read_training(comparison_folder(out, rung)), name=rung))
        elif rung == 'adapted':  # the run that trains this model and those of the rounds
            runs.append(read_self_training(osp.join(out, SELF_TRAINING)))
    write_run_report(osp.join(out, 'report'), runs)
    return osp.join(out, 'report', 'report.html')


def report(out: str) -> str:
    """Draw the predictions, and write and return the table."""
    rungs, entries = read_rungs(out), complete_entries(osp.join(out, SELF_TRAINING))
    draw(rungs, osp.join(out, 'predictions.png'))
    translation = sum(entry['seconds'] for entry in entries.values()
                      if entry['kind'] in ('translator', 'translate')) / 60
    text = table(rungs, translation)
    with open(osp.join(out, 'table.md'), 'w') as file:
        file.write(text)
    return text


def main() -> None:
    args = parse_args()
    started = time.monotonic()
    quiet_console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('terminated'))  # to also stop the trainings
    try:
        prepare(args.out, args.train, args.val)
        train_all(args)
        text = report(args.out)
        page = write_page(args.out)
    except (OSError, ValueError, RuntimeError) as error:  # the user's to correct: no traceback
        raise SystemExit(f'{type(error).__name__}: {error}') from error
    except KeyboardInterrupt:
        raise SystemExit('interrupted: run the same command again to continue') from None
    print(f'\n{text}\n{(time.monotonic() - started) / 60:.1f} minutes\n'
          f'{page}: the report, with scores, curves and pictures of all models')


if __name__ == '__main__':
    main()
