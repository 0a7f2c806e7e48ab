"""A step of a table: a piece of work with one seed, in a folder of its own."""
import os.path as osp
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..utils.digests import config_digest
from .training import CLAIM, read_results

FINISHED, BEGUN, TO_DO, OTHER = 'finished', 'begun', 'to do', 'other settings'
REMEDY = '--work-dir'  # the option for another folder


class Work(ABC):
    """A kind of work: what a step runs, and what it gives to other steps.

    Attributes:
        needs: Names of the models or folders that it takes.
        once: Whether it is done with the first seed only, for all seeds.
    """
    once: bool = False

    @property
    @abstractmethod
    def needs(self) -> Tuple[str, ...]:
        """Return the names of the works whose products it takes."""

    @property
    @abstractmethod
    def what(self) -> str:
        """Return a description for tables, such as the path of the config below `configs/`."""

    @abstractmethod
    def content(self, step: 'Step') -> Dict[str, Any]:
        """Return everything that affects the result, except the steps that it needs."""

    @abstractmethod
    def command(self, step: 'Step') -> List[str]:
        """Return the tool and its arguments."""

    @abstractmethod
    def product(self, step: 'Step') -> str:
        """Return the path that other steps take: of a checkpoint or a folder, also before it exists."""

    @abstractmethod
    def run(self, step: 'Step') -> None:
        """Do the work, or what is left of it, and write its results.

        Raises:
            RuntimeError: if it fails, or the folder has another run.
        """


class Step:
    """A piece of work with one seed.

    Args:
        name (str): Name of the model or folder, such as 'source_only' or 'supervised budget=5'.
        seed (int): Seed.
        work (Work): What it does.
        folder (str): Its folder.
        inputs (Mapping[str, Step]): Steps that it needs, by the names in `Work.needs`.
        options (Sequence[str]): Options of the row and of the command line, as KEY=VALUE.
        amp (str, optional): 'float16' or 'bfloat16'. Defaults to None.
    """

    def __init__(self, name: str, seed: int, work: Work, folder: str, inputs: Mapping[str, 'Step'],
                 options: Sequence[str] = (), amp: Optional[str] = None) -> None:
        self.name = name
        self.seed = seed
        self.work = work
        self.folder = folder
        self.inputs = dict(inputs)
        self.options = tuple(options)
        self.amp = amp

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that affects the result, including the steps that it needs, but not the seed."""
        inputs = {name: step.digest for name, step in self.inputs.items()}
        return config_digest({**self.work.content(self), 'inputs': inputs})

    @property
    def product(self) -> str:
        """Return the path that other steps take."""
        return self.work.product(self)

    @property
    def title(self) -> str:
        """Return the name for messages."""
        return f'{self.name}, seed {self.seed}'

    def results(self) -> Optional[List[Dict[str, Any]]]:
        """Return the results; None if the step is not finished, or its folder has another run."""
        return read_results(self.folder) if self.state() == FINISHED else None

    def state(self) -> str:
        """Return whether the step is finished, begun, to do, or its folder was begun with other settings."""
        note = osp.join(self.folder, CLAIM)
        if not osp.exists(note):
            return TO_DO
        with open(note) as file:
            if file.read() != self.digest:
                return OTHER
        return BEGUN if read_results(self.folder) is None else FINISHED


class GivenStep(Step):
    """A step whose product exists already.

    Args:
        step (Step): The step that would make it.
        path (str): Path of the checkpoint or folder.
    """

    def __init__(self, step: Step, path: str) -> None:
        super().__init__(step.name, step.seed, step.work, step.folder, step.inputs, step.options, step.amp)
        self.path = path

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the path."""
        return config_digest(dict(given=osp.realpath(self.path)))

    @property
    def product(self) -> str:
        """Return the path."""
        return self.path

    def state(self) -> str:
        """Return that the step is finished."""
        return FINISHED
