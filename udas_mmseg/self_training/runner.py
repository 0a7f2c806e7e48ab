"""The whole of UDAS in one resumable run."""
import copy
import gc
import os
import os.path as osp
import time
from typing import Any, Callable, Dict, List, Optional

import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.registry import RUNNERS
from mmengine.runner import Runner, find_latest_checkpoint

from ..datasets.preflight import check_config
from ..engine.launch import init_distributed, load_config, mend_last_checkpoint
from ..pseudo_labels.quality import CollapsedPseudoLabels
from ..utils.digests import config_digest, file_digest
from ..utils.mirrored_folder import INDEX
from ..utils.processes import together
from ..version import __version__
from .checks import check_stages
from .lock import WorkDirLock
from .manifest import Manifest, ladder
from .stage_config import CONFIG, decisive, stage_config, to_label_statically
from .stages import UNDECISIVE, Stage, plan_stages, plan_table
from .steps import export_student, label_images, translate_images

# of a config, beside which everything stands in the configs of the stages
_KEYS = {'amp', 'budget', 'custom_imports', 'default_scope', 'launcher', 'randomness', 'resume', 'runner_type',
         'self_training', 'work_dir'}


@RUNNERS.register_module()
class SelfTrainingRunner:
    """Translation, adaptation and rounds of self-training, each an ordinary run in a folder of its own.

    The stages are planned by `plan_stages`: a CycleGAN is trained and translates the source (both optional), a model is
    adapted, and in each round the last model, the teacher, labels the target's images and a student learns from these
    labels; the student is the next teacher. The last student is exported for MMSegmentation alone.

    The work directory has a folder for each stage with the `config.py` that it ran, so that
    `python tools/train.py <folder>/config.py` runs a training stage by hand, and `manifest.json`: digests of the
    configs, hashes of inputs and outputs, times and metrics. A run that is started again skips what is complete and
    goes on with what is not; it ends with the same weights and labels as one that was never interrupted. A directory
    that holds another run is refused, and so is one that another process works in.

    Args:
        work_dir (str): The work directory.
        self_training (dict): The stages:

            - `rounds` (int): rounds of labelling and training a student. Defaults to 2.
            - `translate` (dict, optional): `config` of the translator (`configs/translation`), `checkpoint` of a
              trained one, which saves training it, `size` (width, height) of the images, `options` over the config.
              None: no translation; the configs are used as they are.
            - `adapt` (dict): `config` of the first teacher, `options` over it, or `checkpoint` of one that is trained.
            - `label` (dict): `views`, `augment`, `temperature`, `batch_size`, `workers` and `max_broken` as in
              `write_pseudo_labels`; `min_coverage` and `max_class_share` as in `check_pseudo_labels`; `min_change`:
              with less of the kept pixels changed since the round before, training stops (0: never); `truth`, the
              entry of the student's config that has labels to judge the pseudo-labels by (never to train on).
            - `student` (dict): `config`, `options`, and `init`: 'imagenet' (whatever its config loads), 'scratch', or
              'teacher' (the teacher's weights).
            - `export` (dict): `name` of the exported files, `num_images` in the picture of predictions.
            - `options` (dict): over the config of every training, by dotted keys.
        seed (int): Defaults to 0.
        launcher (str): As in MMEngine. Defaults to 'none'.
        amp (str): 'float16', 'bfloat16' or '' for neither. Defaults to ''.
        name (str): What the run is called. Defaults to 'self_training'.

    Raises:
        ValueError: for settings that do not exist or do not fit together.

    Source: UDAS, section 3.5 and algorithm 1.
    """

    def __init__(self,
                 work_dir: str,
                 self_training: Dict[str, Any],
                 seed: int = 0,
                 launcher: str = 'none',
                 amp: str = '',
                 name: str = 'self_training') -> None:
        self.work_dir = osp.abspath(work_dir)
        self.settings = self_training
        self.launcher = launcher
        self.seed = seed
        self.name = name
        self.stages = plan_stages(self_training)
        self.common = dict(self_training.get('options') or {})
        self.configs = {stage.name: stage_config(stage, self.work_dir, seed, self.common, amp)
                        for stage in self.stages if stage.config}
        self._header = dict(name=name, seed=seed, versions=dict(udas_mmseg=__version__, torch=str(torch.__version__)))

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'SelfTrainingRunner':
        """Build it from a config with `self_training`, and perhaps `budget`, `randomness`, `launcher` and `amp`."""
        if not cfg.get('self_training'):
            raise ValueError('the config has runner_type="SelfTrainingRunner" but no `self_training`, which says what '
                             'its stages are. See configs/udas/gta2cs_ssl.py.')
        unknown = sorted(set(cfg) - _KEYS)
        if unknown:
            raise ValueError(f'{", ".join(unknown)} would have no effect in a config of self-training, whose stages '
                             'have configs of their own. Write it into these, or for all trainings into '
                             f'self_training.options, e.g. self_training.options.{unknown[0]}=...')
        name = osp.splitext(osp.basename(cfg.filename or 'self_training'))[0]
        settings = cfg.to_dict()['self_training']
        if cfg.get('budget') is not None:
            settings['options'] = {'budget': cfg.budget, **(settings.get('options') or {})}
        seed = (cfg.get('randomness') or {}).get('seed') or 0
        return cls(cfg.work_dir, settings, seed, cfg.get('launcher', 'none'), cfg.get('amp') or '', name)

    def plan(self) -> str:
        """The stages, what each takes and where it writes, as a table."""
        iterations = {name: cfg.train_cfg.max_iters for name, cfg in self.configs.items()}
        return f'{self.name}: {len(self.stages)} stages in {self.work_dir}\n\n{plan_table(self.stages, iterations)}'

    def check(self) -> List[str]:
        """Hold all stages against the data, see `check_stages`."""
        return check_stages(self.stages, self.configs)

    def train(self) -> None:
        """Run what is left of the stages.

        Raises:
            WorkDirError: if the directory holds another run, or another process works in it.
            CollapsedPseudoLabels: if a student could not learn from its labels; the last good student is kept.
        """
        lock = WorkDirLock(self.work_dir)
        together(lambda: lock.acquire() if is_main_process() else None)
        try:
            manifest = together(self._open_manifest)
            for stage in self.stages:
                shared = [manifest.content]  # the first process takes the notes
                broadcast_object_list(shared)
                manifest.content = shared[0]
                if stage.kind in ('label', 'student') and self._has_ended(manifest, stage):
                    continue
                if self._result(manifest, stage) is None:
                    self._run(stage, manifest)
        finally:
            lock.release()

    def _open_manifest(self) -> Manifest:
        manifest = Manifest(self.work_dir, self._header)
        manifest.check({stage.name: self._digest(stage) for stage in self.stages})
        return manifest

    def _digest(self, stage: Stage, manifest: Optional[Manifest] = None) -> str:
        """What decides the result of a stage, beside what it takes from other stages of this run."""
        settings = {key: value for key, value in stage.settings.items() if key not in UNDECISIVE}
        content: Dict[str, Any] = dict(stage=[stage.kind, stage.teacher, stage.translations, stage.labels, settings],
                                       seed=self.seed)
        if stage.name in self.configs:
            content['config'] = decisive(self.configs[stage.name])
        if stage.kind == 'label':
            content['images'] = to_label_statically(self.configs[self._student_of(stage).name])
            if stage.teacher not in self.configs:
                content['teacher'] = decisive(self._teacher_config(stage))
        if osp.isfile(stage.teacher):
            content['checkpoint'] = file_digest(stage.teacher)
        if stage.kind == 'export' and manifest is not None:
            content['student'] = [manifest.content['stages'][name]['sha256'] for name in self._students(manifest)[-1:]]
        return config_digest(content)

    def _result(self, manifest: Manifest, stage: Stage) -> Optional[Dict[str, Any]]:
        """The entry of a complete stage; None if it is not complete."""
        return manifest.result(stage.name, self._digest(stage, manifest))

    def _run(self, stage: Stage, manifest: Manifest) -> None:
        """Run one stage, and note what it gave."""
        number = self.stages.index(stage) + 1
        if is_main_process():
            print(f'\nStage {number} of {len(self.stages)}: {stage.name}, {stage.what}', flush=True)
            manifest.begin(stage.name, self._digest(stage, manifest), self._command(stage))
        started = time.monotonic()
        # as in a process of its own: Runners of other stages leave these as they need them
        torch.backends.cudnn.deterministic = torch.backends.cudnn.benchmark = False
        step: Callable[[Stage, Manifest], Dict[str, Any]] = getattr(self, f'_{stage.kind}')
        result = step(stage, manifest)
        if is_main_process():
            manifest.complete(stage.name, time.monotonic() - started, **result)
            print(f'\n{ladder(manifest.content["stages"])}', flush=True)

    def _train_stage(self, stage: Stage, manifest: Manifest) -> Dict[str, Any]:
        """Train by an ordinary Runner, from its last checkpoint if it has one."""
        cfg = copy.deepcopy(self.configs[stage.name])
        if stage.kind == 'student' and stage.settings['init'] == 'teacher':
            cfg.load_from = together(lambda: self.checkpoint_of(stage.teacher, manifest))
        together(lambda: self._prepare(cfg) if is_main_process() else None)
        cfg.resume = osp.exists(osp.join(cfg.work_dir, 'last_checkpoint'))
        if cfg.resume:
            cfg.load_from = None  # MMEngine would resume from there
        init_distributed(cfg, self.launcher)
        runner = Runner.from_cfg(cfg)
        runner.train()
        metrics = {key[len('val/'):]: buffer.current() for key, buffer in runner.message_hub.log_scalars.items()
                   if key.startswith('val/') and not key.endswith(('/time', '/data_time'))}
        _release(runner)
        del runner
        gc.collect()  # its model, before the next stage has its own
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not is_main_process():  # which takes the notes
            return {}
        checkpoint = find_latest_checkpoint(cfg.work_dir)
        inputs = {source: file_digest(osp.join(self.work_dir, source, INDEX))
                  for source in (stage.translations, stage.labels) if source}
        return dict(checkpoint=checkpoint, sha256=file_digest(checkpoint), metrics=metrics, inputs=inputs)

    _translator = _adapt = _student = _train_stage

    def _prepare(self, cfg: Config) -> None:
        """Check a config against the data, and write it, so that the stage can be run by hand."""
        print('\n'.join(check_config(cfg)), flush=True)
        os.makedirs(cfg.work_dir, exist_ok=True)
        mend_last_checkpoint(cfg.work_dir)
        cfg.dump(osp.join(cfg.work_dir, CONFIG))

    def _translate(self, stage: Stage, manifest: Manifest) -> Dict[str, Any]:
        checkpoint = self.checkpoint_of(stage.teacher, manifest)
        return translate_images(stage, self.configs[stage.name], checkpoint, osp.join(self.work_dir, stage.name))

    def _label(self, stage: Stage, manifest: Manifest) -> Dict[str, Any]:
        student = self._student_of(stage)
        before = [other.name for other in self.stages if other.kind == 'label' and other.round == stage.round - 1]
        checkpoint = self.checkpoint_of(stage.teacher, manifest)
        try:
            return label_images(stage, self._teacher_config(stage), checkpoint, self.configs[student.name],
                                osp.join(self.work_dir, stage.name),
                                osp.join(self.work_dir, before[0]) if before else None, self.seed)
        except CollapsedPseudoLabels as error:
            raise CollapsedPseudoLabels(
                f'{stage.name}: {error}\nThe last good model is kept: {checkpoint}. Correct its training, or allow '
                'more (self_training.label.min_coverage, max_class_share), and give the same command.') from error

    def _export(self, stage: Stage, manifest: Manifest) -> Dict[str, Any]:
        """Export the last student that was trained."""
        last = self._students(manifest)[-1]
        name, folder = stage.settings['name'] or self.name, osp.join(self.work_dir, stage.name)
        checkpoint = self.checkpoint_of(last, manifest)
        count = stage.settings['num_images']
        return together(lambda: export_student(self.configs[last], checkpoint, folder, name, count)
                        if is_main_process() else {})

    def checkpoint_of(self, teacher: str, manifest: Manifest) -> str:
        """Path of a teacher's checkpoint: what its stage ended with, or the file that the config names.

        Raises:
            FileNotFoundError: if it is gone.
            ValueError: if it is not what its stage ended with.
        """
        entry = manifest.content['stages'].get(teacher)
        path = entry['checkpoint'] if entry else teacher
        if not osp.isfile(path):
            raise FileNotFoundError(f'the teacher {path} does not exist (any more). Restore it' +
                                    (f', or delete the entries of {teacher} and of all later stages in '
                                     f'{manifest.path}, and their folders, to make them anew.'
                                     if entry else ', or correct `checkpoint`.'))
        if entry and file_digest(path) != entry['sha256']:
            raise ValueError(f'the teacher {path} has been changed since {teacher} wrote it: its SHA-256 is not that '
                             f'in {manifest.path}. Restore it.')
        return path

    def _teacher_config(self, stage: Stage) -> Config:
        """Config of the model that labels: that of its stage, or of adaptation where a checkpoint was given."""
        if stage.teacher in self.configs:
            return self.configs[stage.teacher]
        adapt = self.settings['adapt']
        return load_config(adapt['config'], cfg_options={**self.common, **adapt.get('options', {})})

    def _student_of(self, label: Stage) -> Stage:
        return self.stages[self.stages.index(label) + 1]

    def _students(self, manifest: Manifest) -> List[str]:
        """The students that are trained, in order."""
        return [stage.name for stage in self.stages if stage.kind == 'student' and self._result(manifest, stage)]

    def _has_ended(self, manifest: Manifest, stage: Stage) -> bool:
        """Whether the labels had changed so little, in this round or one before, that there are no more students."""
        for label in self.stages[:self.stages.index(stage)]:
            change = (manifest.content['stages'].get(label.name) or {}).get('change')
            if change is not None and change < label.settings['min_change']:
                if is_main_process():
                    print(f'{stage.name} is left out: {100 * change:.2f} % of the kept pixels changed in {label.name}, '
                          f'less than min_change={label.settings["min_change"]}.', flush=True)
                return True
        return False

    def _command(self, stage: Stage) -> str:
        """What runs a stage by hand."""
        folder = osp.join(self.work_dir, stage.name)
        return f'python tools/train.py {osp.join(folder, CONFIG)} --work-dir {folder}_by_hand' if stage.trains else ''


def _release(runner: Runner) -> None:
    """End the workers of the loaders; found by the garbage collector, each would wait 5 seconds for a sign."""
    for loop in (runner.train_loop, runner.val_loop):
        if loop is not None:
            del loop.dataloader
