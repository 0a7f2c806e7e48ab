"""The data of a run that a report shows, in the same form for all kinds of runs."""
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..visualization.comparison import summarize


@dataclass(frozen=True)
class ModelRecord:
    """A trained segmentor.

    Attributes:
        name: Its name in the run, such as 'adapted'; '' for the only model of a run.
        folder: Folder of its training, with the logs.
        config: Path of its config; '' if it is missing.
        checkpoint: Path of its checkpoint.
        metrics: Name -> score in percent on the validation images; empty if there are none.
        seconds: Time of the training; None if it is unknown.
    """
    name: str
    folder: str
    config: str
    checkpoint: str
    metrics: Mapping[str, float]
    seconds: Optional[float] = None


@dataclass(frozen=True)
class RunRecord:
    """A run with one or several trained segmentors.

    Attributes:
        name: Name of the run, such as that of its config.
        folder: Its work directory.
        seed: Seed; None if it is unknown.
        models: Its segmentors, in the order of their training.
        stages: The stages of self-training, as in `Manifest.entries`; empty for a single training.
        trainings: Name -> folder of the other trainings, such as that of a translator.
        versions: Name -> version of the software and the hardware.
    """
    name: str
    folder: str
    seed: Optional[int]
    models: Tuple[ModelRecord, ...]
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trainings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> str:
        """Folder of the model that was kept in the last round; '' if students and teachers were not compared."""
        found = [entry['trained_by'] for entry in self.stages.values() if 'kept' in entry]
        return osp.join(self.folder, found[-1]) if found else ''


@dataclass(frozen=True)
class Row:
    """A row of the ladder: one model, trained with one or several seeds.

    Attributes:
        name: Name in tables, which is unique.
        models: The model of each run.
        seeds: The seed of each.
        metrics: Score -> mean and standard deviation over the runs, in percent; only scores that all runs have.
        minutes: Mean time of a training; None if it is unknown for one of them.
    """
    name: str
    models: Tuple[ModelRecord, ...]
    seeds: Tuple[Optional[int], ...]
    metrics: Mapping[str, Tuple[float, float]]
    minutes: Optional[float]


def ladder_rows(runs: Sequence[RunRecord]) -> List[Row]:
    """Group the models of runs into rows, in the order in which they are given.

    Models of the same name are one row, with mean and standard deviation over the runs. If runs with several models
    have different names, the name of the run is put before that of the model. Folders in names are left out if the
    names still differ.
    """
    several = {run.name for run in runs if len(run.models) > 1}
    groups: Dict[str, List[Tuple[ModelRecord, Optional[int]]]] = {}
    for run in runs:
        for model in run.models:
            prefix = f'{run.name}: ' if len(several) > 1 and model.name else ''
            groups.setdefault(prefix + (model.name or run.name), []).append((model, run.seed))
    short = [name.rsplit('/', 1)[-1] for name in groups]
    names = short if len({*short}) == len(short) else list(groups)
    return [_row(name, members) for name, members in zip(names, groups.values())]


def class_names(rows: Sequence[Row]) -> List[str]:
    """Return the classes with an IoU in some row."""
    keys = dict.fromkeys(key for row in rows for key in row.metrics if key.startswith('IoU/'))
    return [key[len('IoU/'):] for key in keys]


def _row(name: str, members: Sequence[Tuple[ModelRecord, Optional[int]]]) -> Row:
    models, seeds = zip(*members)
    found, = summarize([dict(name=name, seed=seed, seconds=model.seconds or 0, metrics=model.metrics)
                        for model, seed in members])
    known = all(model.seconds is not None for model in models)
    return Row(name, models, seeds, found['metrics'], found['minutes'] if known else None)
