"""Where the time of training steps, labelling, translation, evaluation and loading goes.

python benchmarks/profile_steps.py [NAME ...] [--iterations 6] [--operators]

Trainings are those of configs/demo (ResNet-18, 256x128) through MMEngine's Runner, with loading in the same process, so
that loading is a part of a step. On the CPU, everything has one thread, and the time is that of the processor. With
--operators, PyTorch's own profiler lists the operators that take longest.
"""
import argparse
import contextlib
import io
import os
import os.path as osp
import tempfile
import time
from typing import Any, Callable, Dict, List, Tuple

import evaluation
import pseudo_labeling
import torch
import translation
from measuring import threads
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from online_training import deeplabv2
from stopwatch import Stopwatch, shares
from student_step import PREPROCESSOR
from torch.profiler import ProfilerActivity, profile
from torch.utils.data.dataloader import _BaseDataLoaderIter

from udas_mmseg.datasets import StreamIndex
from udas_mmseg.datasets.image_views import ImageViewsDataset
from udas_mmseg.engine.launch import load_config
from udas_mmseg.pseudo_labels.writer import PseudoLabelWriter
from udas_mmseg.scenes import write_cityscapes, write_gta5
from udas_mmseg.translation.writer import TranslationWriter

ROOT = pseudo_labeling.ROOT
NAMES = ('adversarial', 'student', 'online', 'cps', 'labelling', 'translation', 'evaluation', 'loading')
WARM_UP = 2
# of labelled source and target, as a student has them; only the labels come from annotators
STUDENT = '''
_base_ = {base!r}
train_dataloader = dict(dataset=dict(
    _delete_=True, type='DomainPairDataset', source=_base_.source_train, labeled_target=_base_.labeled_target_train))
model = dict(_delete_=True, type='StudentTeacherSegmentor', segmentor=_base_.model)
'''
Parts = List[Tuple[Any, str, str]]
Found = Tuple[Dict[str, float], float, int]  # seconds of each part and of all, and the number of steps or images


class Begin(Hook):
    """Forgets the first iterations."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch, self.started = watch, 0.0

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == WARM_UP:
            self.watch.seconds.clear()
            self.started = time.process_time()


def parts_of_network(network: Any, name: str) -> Parts:
    """Forward passes and losses of an `EncoderDecoder`."""
    heads = [getattr(network, head, None) for head in ('decode_head', 'auxiliary_head')]
    return [(network.backbone, 'forward', name), *((head, 'forward', name) for head in heads if head is not None),
            *((head, 'loss_by_feat', 'losses') for head in heads if head is not None)]


def parts_of_training(runner: Runner) -> Parts:
    """Functions of a training step, and of what surrounds it."""
    model: Any = runner.model
    teacher = getattr(model, 'teacher', None)
    wrappers = getattr(runner.optim_wrapper, 'optim_wrappers', {'': runner.optim_wrapper}).values()
    parts: Parts = [
        (_BaseDataLoaderIter, '__next__', 'loading'), (model.data_preprocessor, 'forward', 'preprocessing'),
        (model, 'train_step', 'rest of the step'), (runner, 'call_hook', 'hooks and logging'),
        (torch.Tensor, 'backward', 'backward'), (torch.autograd, 'grad', 'backward'),
        (model, 'augment', 'mixing and augmentation'), (model, '_mix', 'mixing and augmentation'),
        (model, 'label_target', 'labels of the teacher'), (model, 'losses_of', 'losses'), (model, '_adapt', 'losses'),
        (model, '_cps_losses', 'losses'), (model, '_maps', 'losses'), (model, 'parse_losses', 'losses'),
        (getattr(model, 'discriminators', None), 'forward', 'discriminators'),
        *parts_of_network(getattr(model, 'segmentor', model), 'forward, student')
    ]  # yapf: disable
    parts += [(wrapper.optimizer, name, 'optimizer') for wrapper in wrappers for name in ('step', 'zero_grad')]
    if hasattr(model, 'second'):
        parts += parts_of_network(model.second, 'forward, student')
    if teacher is not None:
        parts += [(teacher, 'update', 'update of the teacher'), *parts_of_network(teacher.network, 'forward, teacher')]
    return parts


def training(config: str, root: str, iterations: int) -> Found:
    """Train so many iterations after some others."""
    options = {'train_cfg.max_iters': iterations + WARM_UP, 'train_dataloader.num_workers': 0, 'log_level': 'ERROR',
               'val_dataloader': None, 'val_evaluator': None, 'val_cfg': None, 'default_hooks.checkpoint': None}
    folder = os.getcwd()
    os.chdir(root)  # lists of a label budget are written to work_dirs/splits
    try:
        return train(load_config(config, osp.join(root, 'run'), options), iterations)
    finally:
        os.chdir(folder)


def train(cfg: Config, iterations: int) -> Found:
    """Train by MMEngine's Runner, and watch."""
    cfg.default_hooks.pop('panels', None)
    runner = Runner.from_cfg(cfg)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    watch = Stopwatch()
    begin = Begin(watch)
    runner.register_hook(begin, priority='HIGHEST')
    with watch.watching(parts_of_training(runner)):
        runner.train()
        return dict(watch.seconds), time.process_time() - begin.started, iterations


def trainings(iterations: int) -> Dict[str, Callable[[], Found]]:
    """Name -> profile of a training."""

    def of(config: str) -> Found:
        with tempfile.TemporaryDirectory() as root:
            os.environ['UDAS_DEMO_ROOT'] = root
            write_gta5(osp.join(root, 'gta5'), 8, 2, progress=False)
            write_cityscapes(osp.join(root, 'cityscapes'), 12, 2, progress=False)
            if not config:
                config = osp.join(root, 'student.py')
                with open(config, 'w') as file:
                    file.write(STUDENT.format(base=osp.join(ROOT, 'configs/demo/source_only.py')))
            return training(config, root, iterations)

    demo = dict(adversarial='uda', online='dacs', cps='cps')
    found: Dict[str, Callable[[], Found]] = dict(student=lambda: of(''))
    found.update((name, lambda file=file: of(osp.join(ROOT, f'configs/demo/{file}.py'))) for name, file in demo.items())
    return found


def watched(parts: Parts, work: Callable[[], object], count: int) -> Found:
    """Profile of work on so many images, after doing it once."""
    work()
    watch = Stopwatch()
    with watch.watching(parts):
        started = time.process_time()
        work()
        whole = time.process_time() - started
    return dict(watch.seconds), whole, count


def labeling(files: int = 6) -> Found:
    """Three views of images, from files to files."""
    model = MODELS.build(ConfigDict(deeplabv2(), data_preprocessor=PREPROCESSOR)).eval()
    pseudo_labeling.WORKERS = 0
    with tempfile.TemporaryDirectory() as root:
        images = pseudo_labeling.images_of(osp.join(root, 'data'), files, (512, 256), (160, 88))
        work = pseudo_labeling.Files(model, images, root)
        return watched([(model, 'inference', 'forward'), (ImageViewsDataset, '__getitem__', 'loading and views'),
                        (PseudoLabelWriter, 'write', 'encoding files')], work, files)


def translating(files: int = 4) -> Found:
    """The published generator, from files to files."""
    model: Any = translation.build(translation.published()).eval()
    translation.WORKERS = 0
    with tempfile.TemporaryDirectory() as root:
        images: Any = translation.source_of(osp.join(root, 'source'), files, (160, 88))
        work = translation.Files(model, images, osp.join(root, 'out'))
        return watched([(model.generators['target'], 'forward', 'forward'), (type(images), '__getitem__', 'loading'),
                        (TranslationWriter, 'write', 'encoding files')], work, files)


def evaluating(files: int = 4) -> Found:
    """A validation of DeepLabv2 on ResNet-101 with labels that have 3.2 times the width of the images."""
    with tempfile.TemporaryDirectory() as root:
        evaluation.write_files(root, files, (512, 256))
        runner = Runner.from_cfg(evaluation.config(root, (160, 88), 0))
        model: Any = runner.model
        loop: Any = runner.val_loop
        return watched([*parts_of_network(model, 'forward'), (_BaseDataLoaderIter, '__next__', 'loading'),
                        (model, 'postprocess_result', 'enlarging and classes'),
                        (model.data_preprocessor, 'forward', 'preprocessing'),
                        (loop.evaluator.metrics[0], 'process', 'metric'),
                        (runner, 'call_hook', 'hooks and logging')], evaluation.Evaluation(runner), files)


def loading(files: int = 6) -> Found:
    """The stream of configs/udas for files of GTA5's size."""
    with tempfile.TemporaryDirectory() as root:
        write_gta5(osp.join(root, 'gta5'), files, size=(1914, 1052), progress=False)
        os.environ['UDAS_DATA_ROOT'] = root
        stream: Any = Runner.build_dataloader(dict(
            load_config(osp.join(ROOT, 'configs/udas/gta2cs_source_only.py')).train_dataloader, num_workers=0,
            persistent_workers=False)).dataset
        transforms = stream.dataset.pipeline.transforms
        watch = Stopwatch()
        for number, transform in enumerate(transforms):
            transforms[number] = watch.timed(type(transform).__name__, transform)
        indices = list(stream_indices(files))

        def work() -> None:
            watch.seconds.clear()
            for index in indices:
                stream[index]

        _, whole, _ = watched([], work, files)
        return dict(watch.seconds), whole, files


def stream_indices(count: int) -> List[Any]:
    """The first positions of a stream."""
    return [StreamIndex(0, position) for position in range(count)]


def as_line(name: str, found: Found) -> str:
    """A row of the table."""
    seconds, whole, count = found
    parts = ', '.join(f'{part} {share:.1f}' for part, share in shares(seconds, whole).items() if share >= 0.05)
    return f'| {name} | {1000 * whole / count:.0f} | {parts} |'


def operators(work: Callable[[], object]) -> str:
    """The operators of PyTorch that take longest."""
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=kinds) as profiler:
        work()
    key = 'self_cuda_time_total' if torch.cuda.is_available() else 'self_cpu_time_total'
    return profiler.key_averages().table(sort_by=key, row_limit=15, max_name_column_width=60)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', choices=[*NAMES, []], help=f'of {", ".join(NAMES)} (default: all)')
    parser.add_argument('--iterations', type=int, default=6, help='of each training (default: 6)')
    parser.add_argument('--operators', action='store_true', help="also list PyTorch's operators")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmseg')
    works = {**trainings(args.iterations), 'labelling': labeling, 'translation': translating,
             'evaluation': evaluating, 'loading': loading}
    print('| work | ms of a step or image | parts, % |\n| --- | --- | --- |')
    for name in args.names or NAMES:
        with threads(1), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            line = as_line(name, works[name]())
            listed = operators(works[name]) if args.operators else ''
        print(line, listed, sep='\n' if listed else '', flush=True)


if __name__ == '__main__':
    main()
