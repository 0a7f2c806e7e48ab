"""Runs of a config for `tools/train.py` and `tools/compare.py`: a single training, or several stages."""
import os.path as osp
from abc import ABC, abstractmethod
from glob import glob
from typing import Any, Dict, List, Optional, Tuple, Type, Union

from mmengine.config import Config
from mmengine.registry import RUNNERS

from ..datasets.cache import CacheError
from ..datasets.class_ids import ClassIdError
from ..datasets.image_files import SampleError
from ..datasets.label_files import LabelFormatError
from ..datasets.label_maps import LabelMapError
from ..datasets.preflight import NUM_SCANNED, check_config
from .batch_checks import check_batches
from .dry_run import save_trial_picture, try_training
from .initial_weights import prepare_load_from
from .launch import build_runner, enable_amp, init_distributed, prepare_resume
from .memory import memory_amp
from .trial_validation import try_validation


class ConfigRun(ABC):
    """A run that the tools can plan, check and train, and whose results they can read.

    To add another kind of run, register a subclass in MMEngine's `RUNNERS`, and set `runner_type` in a config to its
    name. Every other runner is used as a `SingleTraining`.

    Attributes:
        again: Description of the command that continues after an interruption.
        mistakes: Exceptions of `train` that are mistakes of the user, which are shown without a traceback.
        num_scanned: Number of samples of each data set that `prepare` reads; None for all.
    """
    num_scanned: Optional[int] = NUM_SCANNED
    again: str = 'the same command'
    mistakes: Tuple[Type[Exception], ...] = (FloatingPointError, SampleError, ClassIdError, LabelFormatError,
                                             LabelMapError, CacheError)

    @classmethod
    @abstractmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: Union[bool, str] = False, allow_partial: bool = False) -> 'ConfigRun':
        """Build the run from a config and the options of `tools/train.py`.

        Args:
            cfg (Config): Config with `work_dir`.
            amp (str, optional): 'float16', 'bfloat16' or None for neither.
            launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.
            resume (bool | str): True to continue from the last checkpoint in the work directory, or the path of
                another one. Defaults to False.
            allow_partial (bool): Whether weights of `load_from` may be missing or have another shape. Defaults to
                False.
        """

    def plan(self) -> str:
        """Return the stages as a table; '' for a single training."""
        return ''

    @abstractmethod
    def prepare(self) -> List[str]:
        """Check everything against the data, and set up several processes.

        Returns:
            list[str]: A line about each data set.

        Raises:
            ValueError: listing all mistakes.
        """

    def dry_run(self, picture: str) -> List[str]:
        """Try the run without writing anything but a picture. Called after `prepare`.

        Args:
            picture (str): Path of the picture of the first batch.

        Returns:
            list[str]: Findings: parameters, times, memory.

        Raises:
            ValueError: if something fails, or this kind of run cannot be tried.
        """
        raise ValueError(f'--dry-run: a {type(self).__name__} cannot be tried. Only its plan is shown.')

    @abstractmethod
    def train(self) -> Any:
        """Train."""

    def outcome(self) -> Dict[str, str]:
        """Return the files of the finished run that a user will look at: path -> description."""
        return {}

    @classmethod
    @abstractmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """Return the models that were trained in a work directory.

        Returns:
            dict: Name of each model ('' for the model of a single training) -> `checkpoint` and, if known, `config`,
            `metrics` on the validation images and `seconds`.
        """


class SingleTraining(ConfigRun):
    """A training with MMEngine's Runner or a registered one.

    Args:
        cfg (Config): Config of the training; `prepare` changes it.
        amp (str, optional): 'float16', 'bfloat16' or None for neither.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.
        resume (bool | str): See `ConfigRun.from_options`. Defaults to False.
        allow_partial (bool): See `ConfigRun.from_options`. Defaults to False.
    """
    again = 'the same command with --resume'

    def __init__(self, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                 resume: Union[bool, str] = False, allow_partial: bool = False) -> None:
        self.cfg = cfg
        self.amp = amp
        self.launcher = launcher
        self.resume = resume
        self.allow_partial = allow_partial
        self._log_dir = ''

    @classmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: Union[bool, str] = False, allow_partial: bool = False) -> 'SingleTraining':
        """Build the run from a config and the options of `tools/train.py`."""
        return cls(cfg, amp, launcher, resume, allow_partial)

    def prepare(self) -> List[str]:
        """Check the config against the data and the initial checkpoint, and set up resuming, AMP and processes.

        One batch is validated, see `try_validation`.
        """
        amp = self.amp or memory_amp(self.cfg)
        if amp:
            enable_amp(self.cfg, amp)
        lines = check_config(self.cfg, self.num_scanned)
        prepare_resume(self.cfg, self.resume)
        lines += prepare_load_from(self.cfg, self.allow_partial)
        lines += [*try_validation(self.cfg), *check_batches(self.cfg)]
        init_distributed(self.cfg, self.launcher)
        return lines

    def dry_run(self, picture: str) -> List[str]:
        """Run some iterations and a validation, see `try_training`."""
        trial = try_training(self.cfg)
        return [*trial.lines, save_trial_picture(picture, [trial.picture])]

    def train(self) -> Any:
        """Build the Runner, and train."""
        runner = build_runner(self.cfg)
        self._log_dir = runner.log_dir
        return runner.train()

    def outcome(self) -> Dict[str, str]:
        """Return the checkpoints, the pictures and the log."""
        work_dir, log_dir = self.cfg.work_dir, self._log_dir
        files = {entry['checkpoint']: 'the last checkpoint' for entry in self.results(work_dir).values()}
        files.update(dict.fromkeys(glob(osp.join(work_dir, 'best_*.pth')), 'the checkpoint with the best score'))
        pictures = osp.join(log_dir, 'vis_data', 'vis_image')
        if osp.isdir(pictures):
            files[pictures] = 'pictures of predictions during training'
        return {**files, osp.join(log_dir, f'{osp.basename(log_dir)}.log'): 'the log'}

    @classmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """Return the last checkpoint."""
        with open(osp.join(work_dir, 'last_checkpoint')) as file:
            return {'': dict(checkpoint=file.read().strip())}


def run_type(cfg: Config) -> Type[ConfigRun]:
    """Return the class that runs a config: that of `runner_type` if it is a `ConfigRun`, else `SingleTraining`."""
    named = RUNNERS.get(cfg.runner_type) if cfg.get('runner_type') else None
    return named if isinstance(named, type) and issubclass(named, ConfigRun) else SingleTraining
