"""From one stage of self-training to the next: everything but training, validating and labelling itself."""
import contextlib
import io
import os
import os.path as osp
import tempfile
import time
from typing import List

from measuring import Row, absolute
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from udas_mmseg.engine.launch import load_config
from udas_mmseg.scenes import write_cityscapes, write_gta5
from udas_mmseg.self_training import SelfTrainingRunner

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
ITERATIONS, REPEATS = 2, 5
STUDENT = '''
_base_ = {base!r}
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset', pseudo_label_root='', metainfo='CityscapesDataset', data_root=_base_.target_root,
    data_prefix=dict(img_path='leftImg8bit/train'), img_suffix='_leftImg8bit.png',
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadPseudoLabel', threshold=0.0), dict(type='PackSegInputs')])
train_dataloader = dict(
    dataset=dict(_delete_=True, type='DomainPairDataset', source=_base_.source_train,
                 pseudo_labeled=pseudo_labeled_train))
model = dict(_delete_=True, type='StudentTeacherSegmentor', segmentor=_base_.model)
'''


@HOOKS.register_module()
class Stopwatch(Hook):
    """Adds up the seconds that are not a change of stages: iterations and validations."""
    seconds = 0.0

    def before_train_iter(self, *args: object, **kwargs: object) -> None:
        self._begin = time.perf_counter()

    def after_train_iter(self, *args: object, **kwargs: object) -> None:
        Stopwatch.seconds += time.perf_counter() - self._begin

    before_val, after_val = before_train_iter, after_train_iter


def run() -> List[Row]:
    """The figures of `run.py`."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ['UDAS_DEMO_ROOT'] = folder
        write_gta5(osp.join(folder, 'gta5'), 8, 2, progress=False)
        write_cityscapes(osp.join(folder, 'cityscapes'), 8, 2, progress=False)
        with open(osp.join(folder, 'student.py'), 'w') as file:
            file.write(STUDENT.format(base=osp.join(ROOT, 'configs/demo/source_only.py')))
        changes = measure(folder)
    return [absolute('change to the next training, s (ResNet-18, 256x128)', changes, '< 5 s')]


def measure(folder: str) -> List[float]:
    """Seconds of the student's stage of each round without its iterations and validation."""
    options = {'train_cfg.max_iters': ITERATIONS, 'custom_hooks': [dict(type='Stopwatch')], 'log_level': 'WARNING'}
    settings = dict(rounds=REPEATS, keep='last', stages=dict(after=()), options=options,
                    adapt=dict(config=osp.join(ROOT, 'configs/demo/uda.py')),
                    label=dict(views=1, workers=1, min_coverage=0, max_class_share=1),
                    student=dict(config=osp.join(folder, 'student.py')))
    load_config(osp.join(ROOT, 'configs/demo/source_only.py'))  # registers, and sets the scope
    runner = SelfTrainingRunner(osp.join(folder, 'run'), settings)
    seconds: List[float] = []
    run_stage = runner._run

    def timed(stage: object, manifest: object) -> None:
        Stopwatch.seconds, start = 0.0, time.perf_counter()
        run_stage(stage, manifest)  # type: ignore[arg-type]
        if stage.kind == 'student':  # type: ignore[attr-defined]
            seconds.append(time.perf_counter() - start - Stopwatch.seconds)

    runner._run = timed  # type: ignore[method-assign, assignment]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        runner.train()
    return seconds
