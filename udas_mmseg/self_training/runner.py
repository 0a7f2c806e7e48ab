"""The whole of UDAS in one resumable run."""
import os.path as osp
import time
from typing import Any, Dict, List, Optional

import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.registry import RUNNERS

from ..engine.config_run import ConfigRun
from ..engine.launch import start_processes
from ..utils.processes import together
from ..version import __version__
from .checks import check_stages
from .lock import WorkDirError, WorkDirLock
from .manifest import Manifest, ladder, trained_segmentors
from .plan import plan_stages, plan_table
from .stage import STAGE_KINDS, RunContext, Stage

# all that a config of self-training has; everything else is in the configs of its stages
_KEYS = {'amp', 'budget', 'custom_imports', 'default_scope', 'launcher', 'randomness', 'resume', 'runner_type',
         'self_training', 'work_dir'}


@RUNNERS.register_module()
class SelfTrainingRunner(ConfigRun):
    """Translation, adaptation and rounds of self-training, each an ordinary run in a folder of its own.

    The stages are planned by `plan_stages`. Unless the config names others, a CycleGAN is trained and translates the
    source (both optional), a model is adapted, and in each round the last model, the teacher, labels the target's
    images and a student learns from these labels; the student is the next teacher. The last student is exported for
    MMSegmentation alone. Each kind of stage is a class of its own, a `Stage` in `STAGE_KINDS`.

    The work directory has a folder for each stage with the `config.py` that it ran, so that
    `python tools/train.py <folder>/config.py` runs a training stage by hand, and `manifest.json`: digests of the
    configs, hashes of inputs and outputs, times and metrics. A run that is started again skips what is complete and
    goes on with what is not; it ends with the same weights and labels as one that was never interrupted. A directory
    that holds another run is refused, and so is one that another process works in.

    Args:
        work_dir (str): The work directory.
        self_training (dict): The stages:

            - `rounds` (int): rounds of labelling and training a student. Defaults to 2.
            - `stages` (dict): kinds of stages (`STAGE_KINDS`) in order: `before` the rounds, in `each_round`, and
              `after` them. Defaults to dict(before=('translator', 'translate', 'adapt'), each_round=('label',
              'student'), after=('export',)).
            - `translate`, `adapt`, `label`, `student`, `export` (dict): settings of the kinds, which the classes in
              `kinds` list. Without `translate`, or with None, nothing is translated, and the configs are used as they
              are. Another kind has its settings under its own name.
            - `per_round` in a part of a kind in `each_round` (list[dict]): settings of the first round, of the second,
              and so on, over the others of the part. Rounds after the last entry use the last one.
            - `options` (dict): over the config of every training, by dotted keys.
        seed (int): Defaults to 0.
        launcher (str): As in MMEngine. Defaults to 'none'.
        amp (str): 'float16', 'bfloat16' or '' for neither. Defaults to ''.
        name (str): What the run is called. Defaults to 'self_training'.

    Raises:
        ValueError: for settings that do not exist or do not fit together.

    Source: UDAS, section 3.5 and algorithm 1.
    """

    mistakes = (*ConfigRun.mistakes, OSError, ValueError, WorkDirError)  # what comes up between the stages, too

    def __init__(self,
                 work_dir: str,
                 self_training: Dict[str, Any],
                 seed: int = 0,
                 launcher: str = 'none',
                 amp: str = '',
                 name: str = 'self_training') -> None:
        stages = plan_stages(self_training)
        self.rounds = max(stage.round for stage in stages)
        self.context = RunContext(stages, work_dir, seed=seed, launcher=launcher, amp=amp, name=name,
                                  options=self_training.get('options'))

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

    @classmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: bool = False) -> 'SelfTrainingRunner':
        """Build it from a config and the options of `tools/train.py`; it goes on with or without `resume`."""
        cfg.amp, cfg.launcher = amp, launcher
        return cls.from_cfg(cfg)

    @property
    def stages(self) -> List[Stage]:
        """The stages, in order."""
        return self.context.stages

    @property
    def configs(self) -> Dict[str, Config]:
        """Configs of the stages that have one, by name."""
        return self.context.configs

    def plan(self) -> str:
        """The stages, what each takes and where it writes, as a table."""
        context = self.context
        iterations = {stage.name: context.configs[stage.name].train_cfg.max_iters
                      for stage in self.stages if stage.trains}
        return (f'{context.name}: {len(self.stages)} stages in {context.work_dir}\n\n'
                f'{plan_table(self.stages, iterations)}')

    def check(self) -> List[str]:
        """Check all stages against the data, see `check_stages`."""
        return check_stages(self.context)

    def prepare(self) -> List[str]:
        """Check all stages, and set up what several processes need between the trainings."""
        lines = self.check()
        start_processes(Config(), self.context.launcher)
        return lines

    def train(self) -> None:
        """Run what is left of the stages.

        Raises:
            WorkDirError: if the directory holds another run, or another process works in it.
            CollapsedPseudoLabels: if a student could not learn from its labels; the last good student is kept.
        """
        lock = WorkDirLock(self.context.work_dir)
        together(lambda: lock.acquire() if is_main_process() else None)
        try:
            manifest = together(self._open_manifest)
            for stage in self.stages:
                shared = [manifest.content]  # the first process writes it
                broadcast_object_list(shared)
                manifest.content = shared[0]
                if not self._is_left_out(stage) and self.context.result(stage) is None:
                    self._run(stage, manifest)
        finally:
            lock.release()

    @classmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """The segmentors that were trained so far, see `trained_segmentors`."""
        return trained_segmentors(work_dir)

    def _open_manifest(self) -> Manifest:
        context = self.context
        manifest = Manifest(context.work_dir, dict(
            name=context.name, seed=context.seed, versions=dict(udas_mmseg=__version__, torch=str(torch.__version__))))
        context.manifest = manifest  # which the digests of the stages after the rounds depend on
        manifest.check({stage.name: context.digest(stage) for stage in self.stages}, self.rounds,
                       [kind for kind, cls in STAGE_KINDS.module_dict.items() if cls.replaceable])
        return manifest

    def _is_left_out(self, stage: Stage) -> bool:
        """Whether the rounds have ended before a stage, in its round or an earlier one."""
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
        """Run one stage, and note what it gave."""
        number, context = self.stages.index(stage) + 1, self.context
        digest, entry = context.digest(stage), context.entries.get(stage.name)
        if entry and entry['digest'] != digest and not stage.replaceable:
            raise WorkDirError(f'{stage.name} was begun with other models than those of the rounds now. Delete its '
                               f'entry in {manifest.path} and {context.folder(stage.name)} to make it again.')
        if is_main_process():
            print(f'\nStage {number} of {len(self.stages)}: {stage.name}, {stage.what}', flush=True)
            manifest.begin(stage.name, digest, kind=stage.kind, round=stage.round,
                           links=dict(stage.links), command=stage.command(context))
        started = time.monotonic()
        # as in a process of its own: Runners of other stages leave these as they need them
        torch.backends.cudnn.deterministic = torch.backends.cudnn.benchmark = False
        result = stage.run(context)
        if is_main_process():
            manifest.complete(stage.name, time.monotonic() - started, **result)
            print(f'\n{ladder(manifest.entries)}', flush=True)
