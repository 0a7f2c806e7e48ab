"""All stages of UDAS in one resumable run."""
import os.path as osp
import time
from typing import Any, Dict, List, Optional, Union

import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.registry import RUNNERS

from ..engine.config_run import ConfigRun
from ..engine.dry_run import save_trial_picture
from ..engine.launch import start_processes
from ..utils.processes import together
from ..utils.versions import versions
from ..utils.watchdog import HANG_LIMIT
from .checks import check_stages
from .dry_run import try_stages
from .lock import WorkDirError, WorkDirLock
from .manifest import MANIFEST, Manifest, complete_entries, ladder, one_line, result_files, trained_segmentors
from .plan import plan_stages, plan_table
from .stage import STAGE_KINDS, RunContext, Stage

# keys of a self-training config; everything else belongs to the configs of the stages
_KEYS = {'amp', 'budget', 'custom_imports', 'default_scope', 'hang_limit', 'launcher', 'memory', 'randomness',
         'resume', 'runner_type', 'self_training', 'work_dir'}


@RUNNERS.register_module()
class SelfTrainingRunner(ConfigRun):
    """Runs translation, adaptation and rounds of self-training, each as an ordinary run in its own folder.

    `plan_stages` plans the stages. By default, a CycleGAN is trained and translates the source (both optional), and a
    model is adapted. In each round, the last model (the teacher) labels the target images, and a student learns from
    these labels; the student is the next teacher, unless it is worse than its own. A round may have no labels, for a
    student that trains online. The last model is exported for plain MMSegmentation. Each kind of stage is a subclass of
    `Stage` in the registry `STAGE_KINDS`.

    The work directory has a folder for each stage, with the `config.py` of the stage, so that
    `python tools/train.py <folder>/config.py` runs a training stage alone. It also has `manifest.json` with digests of
    the configs, hashes of inputs and outputs, times and metrics. A run that is started again skips complete stages
    and continues with the others. It ends with the same weights and labels as an uninterrupted run. A directory with
    another run, or in which another process is running, is refused.

    Args:
        work_dir (str): The work directory.
        self_training (dict): The stages:

            - `rounds` (int): rounds of labelling and training a student. Defaults to 2.
            - `stages` (dict): kinds of stages (`STAGE_KINDS`) in order: `before` the rounds, in `each_round`, and
              `after` them. Defaults to dict(before=('source_only', 'translator', 'translate', 'warm_up',
              'adapt'), each_round=('label', 'student'), after=('export', 'report')).
            - `keep` (str): 'best' adds a stage `select` to each round, which compares the student with its teacher and
              passes on the better one; 'last' always passes on the student. Defaults to 'best'.
            - `source_only`, `translate`, `warm_up`, `adapt`, `label`, `student`, `select`, `export`, `report` (dict):
              settings of these kinds, see the classes in `kinds`. Without `translate`, or with None, nothing is
              translated, and the configs are not changed. Without `warm_up`, `adapt` begins with the weights that its
              config loads. Without `source_only`, the report has no model of the source alone. Other kinds have their
              settings under their own names.
            - `per_round` in the settings of a kind in `each_round` (list[dict]): settings of the first round, of the
              second, and so on, which override the others. Rounds after the last entry use the last one. In `label`,
              None leaves the labels out of a round; its student must have a config of online self-training.
            - `options` (dict): dotted keys that override the config of every training.
        seed (int): Seed of the run. Defaults to 0.
        launcher (str): As in MMEngine. Defaults to 'none'.
        amp (str): 'float16', 'bfloat16' or '' for neither. Defaults to ''.
        name (str): Name of the run. Defaults to 'self_training'.

    Raises:
        ValueError: for settings that do not exist or contradict each other.

    Source: UDAS, section 3.5.
    """

    mistakes = (*ConfigRun.mistakes, OSError, ValueError, WorkDirError)  # including mistakes found between the stages

    def __init__(self,
                 work_dir: str,
                 self_training: Dict[str, Any],
                 seed: int = 0,
                 launcher: str = 'none',
                 amp: str = '',
                 name: str = 'self_training') -> None:
        stages = plan_stages(self_training)
        if not stages:
            raise ValueError('self_training has no stage to run. Name at least one in self_training.stages, besides '
                             'those whose checkpoint is given.')
        self.rounds = max(stage.round for stage in stages)
        self.hang_limit = HANG_LIMIT
        self.context = RunContext(stages, work_dir, seed=seed, launcher=launcher, amp=amp, name=name,
                                  options=self_training.get('options'))

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'SelfTrainingRunner':
        """Build the runner from a config with `self_training` and optional keys such as `budget` and `randomness`."""
        if not cfg.get('self_training'):
            raise ValueError('the config has runner_type="SelfTrainingRunner" but no `self_training`, which defines '
                             'the stages. See configs/udas/gta2cs_ssl.py.')
        unknown = sorted(set(cfg) - _KEYS)
        if unknown:
            raise ValueError(f'{", ".join(unknown)} would have no effect in a config of self-training, because each '
                             'stage has its own config. Set it in these configs, or for all trainings in '
                             f'self_training.options, e.g. self_training.options.{unknown[0]}=...')
        name = osp.splitext(osp.basename(cfg.filename or 'self_training'))[0]
        settings = cfg.to_dict()['self_training']
        if cfg.get('budget') is not None:
            settings['options'] = {'budget': cfg.budget, **(settings.get('options') or {})}
        if cfg.get('memory') is not None:
            settings['options'] = {'memory': cfg.memory, **(settings.get('options') or {})}
        seed = (cfg.get('randomness') or {}).get('seed') or 0
        return cls(cfg.work_dir, settings, seed, cfg.get('launcher', 'none'), cfg.get('amp') or '', name)

    @classmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: Union[bool, str] = False, allow_partial: bool = False) -> 'SelfTrainingRunner':
        """Build the runner from a config and the options of `tools/train.py`; it always resumes.

        Raises:
            ValueError: for the path of a checkpoint, since each stage has its own.
        """
        if isinstance(resume, str):
            raise ValueError(f'--resume {resume}: a run of self-training continues from the checkpoints of its stages. '
                             'Leave out --resume, and give the work directory of the interrupted run.')
        cfg.amp, cfg.launcher = amp, launcher
        runner = cls.from_cfg(cfg)
        runner.context.allow_partial = allow_partial
        runner.hang_limit = cfg.get('hang_limit', HANG_LIMIT)
        return runner

    @property
    def stages(self) -> List[Stage]:
        """Return the stages, in order."""
        return self.context.stages

    @property
    def configs(self) -> Dict[str, Config]:
        """Return the configs of the stages that have one, by name."""
        return self.context.configs

    def plan(self) -> str:
        """Format the plan as a table: the stages, their inputs and their folders."""
        context = self.context
        iterations = {stage.name: context.configs[stage.name].train_cfg.max_iters
                      for stage in self.stages if stage.trains}
        return (f'{context.name}: {len(self.stages)} stages in {context.work_dir}\n\n'
                f'{plan_table(self.stages, iterations)}')

    def check(self) -> List[str]:
        """Check all stages against the data, see `check_stages`."""
        self.context.num_scanned = self.num_scanned
        return check_stages(self.context)

    def prepare(self) -> List[str]:
        """Check all stages, and set up the communication of several processes between the trainings."""
        lines = self.check()
        start_processes(Config(dict(hang_limit=self.hang_limit)), self.context.launcher)
        return lines

    def dry_run(self, picture: str) -> List[str]:
        """Try each training, see `try_stages`."""
        lines, pictures = try_stages(self.context)
        return [*lines, save_trial_picture(picture, pictures)] if pictures else lines

    def train(self) -> None:
        """Run the remaining stages.

        Raises:
            WorkDirError: if the directory has another run, or is used by another process.
            CollapsedPseudoLabels: if a student could not learn from its labels; the last good student is kept.
        """
        lock = WorkDirLock(self.context.work_dir)
        together(lambda: lock.acquire() if is_main_process() else None)
        try:
            manifest = together(self._open_manifest)
            ran = False
            for stage in self.stages:
                shared = [manifest.content]  # the first process writes it
                broadcast_object_list(shared)
                manifest.content = shared[0]
                if not self._is_left_out(stage) and self.context.result(stage) is None:
                    self._run(stage, manifest)
                    ran = True
            if is_main_process():
                note = '' if ran else 'All stages were complete already, so none was run.\n'
                print(f'\n{ladder(manifest.entries)}{note}', flush=True)
        finally:
            lock.release()

    @classmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """Return the segmentors that were trained so far, see `trained_segmentors`."""
        return trained_segmentors(work_dir)

    def outcome(self) -> Dict[str, str]:
        """Return the files of the run."""
        work_dir = self.context.work_dir
        logs = osp.join(work_dir, '<stage>', '<time>', '<time>.log')
        return {**result_files(complete_entries(work_dir)), logs: 'the log of a training',
                osp.join(work_dir, MANIFEST): 'inputs, results and times of all stages'}

    def _open_manifest(self) -> Manifest:
        context = self.context
        manifest = Manifest(context.work_dir, dict(
            name=context.name, seed=context.seed, versions=versions()))
        context.manifest = manifest  # the digests of the stages after the rounds depend on it
        manifest.check({stage.name: context.digest(stage) for stage in self.stages}, self.rounds,
                       [kind for kind, cls in STAGE_KINDS.module_dict.items() if cls.replaceable])
        return manifest

    def _is_left_out(self, stage: Stage) -> bool:
        """Whether the rounds have ended before this stage, in its round or an earlier one."""
        if not stage.round:
            return False
        for before in self.stages[:self.stages.index(stage)]:
            reason = before.ends_rounds(self.context)
            if reason:
                if is_main_process():
                    print(f'{stage.name} is left out: {reason}.', flush=True)
                return True
        return False

    def _run(self, stage: Stage, manifest: Manifest) -> None:
        """Run one stage, and record its results."""
        number, context = self.stages.index(stage) + 1, self.context
        digest, entry = context.digest(stage), context.entries.get(stage.name)
        if entry and entry['digest'] != digest and not stage.replaceable:
            raise WorkDirError(f'{stage.name} was started with other models than those of the current rounds. Delete '
                               f'its entry in {manifest.path} and {context.folder(stage.name)} to run it again.')
        if is_main_process():
            print(f'\nStage {number} of {len(self.stages)}: {stage.name}, {stage.what}', flush=True)
            manifest.begin(stage.name, digest, kind=stage.kind, round=stage.round,
                           links=dict(stage.links), command=stage.command(context))
            manifest.sort([other.name for other in self.stages])
        started = time.monotonic()
        # as in a separate process: the Runners of earlier stages have changed these settings
        torch.backends.cudnn.deterministic = torch.backends.cudnn.benchmark = False
        result = stage.run(context)
        if is_main_process():
            manifest.complete(stage.name, time.monotonic() - started, **result)
            print(one_line(stage.name, context.entries[stage.name]), flush=True)
