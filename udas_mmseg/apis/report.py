"""Finding the runs in work directories, for a report on them."""
import os
import os.path as osp
from typing import List, Sequence

from ..run_report import RunRecord, is_training, read_training
from ..self_training.manifest import MANIFEST
from ..self_training.run_record import read_self_training


def read_runs(folders: Sequence[str]) -> List[RunRecord]:
    """Read the runs in work directories: of self-training, of single trainings, and of `tools/compare.py`.

    Args:
        folders (Sequence[str]): Work directories, or folders that have work directories at any depth, such as one for
            each seed.

    Returns:
        list[RunRecord]: The runs; those of one folder in the order of their paths.

    Raises:
        FileNotFoundError: if a folder does not exist.
        ValueError: if a folder has no run, a training has no checkpoint yet, or a folder is given twice.

    Example:
        >>> write_run_report('report', read_runs(['work_dirs/gta2cs_ssl', 'work_dirs/gta2cs_source_only']))
    """
    found: List[str] = []
    for folder in folders:
        if not osp.isdir(folder):
            raise FileNotFoundError(f'{folder} does not exist (looked in {osp.abspath(osp.curdir)}). Give the work '
                                    'directory of a run.')
        runs = find_runs(folder)
        if not runs:
            raise ValueError(f'{folder} has no run: neither {MANIFEST} of self-training nor the logs and the '
                             'last_checkpoint of a training, at any depth. Give the work directory of a run; for a '
                             'folder of pseudo-labels, add --config.')
        found += runs
    real = [osp.realpath(folder) for folder in found]
    twice = [folder for folder, path in zip(found, real) if real.count(path) > 1]
    if twice:
        raise ValueError(f'{twice[0]} is given twice. Give each run once.')
    return [read_self_training(folder) if _is_self_training(folder) else read_training(folder) for folder in found]


def find_runs(folder: str) -> List[str]:
    """Return the work directories of runs in a folder, at any depth, in the order of their paths."""
    if _is_self_training(folder) or is_training(folder):
        return [folder]
    with os.scandir(folder) as entries:
        below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    return [run for path in below for run in find_runs(path)]


def _is_self_training(folder: str) -> bool:
    return osp.isfile(osp.join(folder, MANIFEST))
