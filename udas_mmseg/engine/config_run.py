"""Runs of a config, as `tools/train.py` and `tools/compare.py` see them: a single training, or several stages."""
import os.path as osp
from abc import ABC, abstractmethod
from typing import Any, Dict, List, Optional, Tuple, Type

from mmengine.config import Config
from mmengine.registry import RUNNERS

from ..datasets.image_files import SampleError
from ..datasets.preflight import check_config
from .launch import build_runner, enable_amp, init_distributed, prepare_resume


class ConfigRun(ABC):
    """A run that the tools can plan, check, train and read the results of.

    A class that is registered in MMEngine's `RUNNERS` and is a subclass of this one takes part by that: `runner_type`
    in a config names it. Every other runner is used as a `SingleTraining`.

    Attributes:
        again: What to give after an interruption to go on.
        mistakes: Exceptions of `train` that are the user's to correct: shown without a traceback.
    """
    again: str = 'the same command'
    mistakes: Tuple[Type[Exception], ...] = (FloatingPointError, SampleError)

    @classmethod
    @abstractmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: bool = False) -> 'ConfigRun':
        """Build it from a config and the options of `tools/train.py`.

        Args:
            cfg (Config): With `work_dir`.
            amp (str, optional): 'float16', 'bfloat16' or None for neither.
            launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.
            resume (bool): Go on from the last checkpoint in the work directory. Defaults to False.
        """

    def plan(self) -> str:
        """The stages as a table; '' for a single training."""
        return ''

    @abstractmethod
    def prepare(self) -> List[str]:
        """Check everything against the data, and set up for several processes.

        Returns:
            list[str]: A line about each data set.

        Raises:
            ValueError: listing everything that does not fit.
        """

    @abstractmethod
    def train(self) -> Any:
        """Train."""

    @classmethod
    @abstractmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """The models that were trained in a work directory.

        Returns:
            dict: Name of each ('' for the only one of a single training) -> `checkpoint` and, where they are known,
            `config`, `metrics` on the validation images and `seconds`.
        """


class SingleTraining(ConfigRun):
    """One training, by MMEngine's Runner or a registered one.

    Args:
        cfg (Config): Of the training; changed by `prepare`.
        amp (str, optional): 'float16', 'bfloat16' or None for neither.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.
        resume (bool): Go on from the last checkpoint in the work directory. Defaults to False.
    """
    again = 'the same command with --resume'

    def __init__(self, cfg: Config, amp: Optional[str] = None, launcher: str = 'none', resume: bool = False) -> None:
        self.cfg = cfg
        self.amp = amp
        self.launcher = launcher
        self.resume = resume

    @classmethod
    def from_options(cls, cfg: Config, amp: Optional[str] = None, launcher: str = 'none',
                     resume: bool = False) -> 'SingleTraining':
        """Build it from a config and the options of `tools/train.py`."""
        return cls(cfg, amp, launcher, resume)

    def prepare(self) -> List[str]:
        """Check the config against the data, and set up resuming, AMP and several processes."""
        if self.amp:
            enable_amp(self.cfg, self.amp)
        lines = check_config(self.cfg)
        prepare_resume(self.cfg, self.resume)
        if self.resume and not self.cfg.get('resume'):
            weights = f', with the weights of {self.cfg.load_from}' if self.cfg.get('load_from') else ''
            lines.append(f'no checkpoint in {self.cfg.work_dir}: training begins at iteration 0{weights}')
        init_distributed(self.cfg, self.launcher)
        return lines

    def train(self) -> Any:
        """Build the Runner, and train."""
        return build_runner(self.cfg).train()

    @classmethod
    def results(cls, work_dir: str) -> Dict[str, Dict[str, Any]]:
        """The last checkpoint."""
        with open(osp.join(work_dir, 'last_checkpoint')) as file:
            return {'': dict(checkpoint=file.read().strip())}


def run_type(cfg: Config) -> Type[ConfigRun]:
    """The class that runs a config: the one that `runner_type` names if it is a `ConfigRun`, else `SingleTraining`."""
    named = RUNNERS.get(cfg.runner_type) if cfg.get('runner_type') else None
    return named if isinstance(named, type) and issubclass(named, ConfigRun) else SingleTraining
