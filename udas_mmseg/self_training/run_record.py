"""The data of a run of self-training that a report shows."""
import os.path as osp
from pathlib import Path

from ..run_report.record import ModelRecord, RunRecord
from ..run_report.training import config_path, find_checkpoint, read_environment
from .manifest import MANIFEST, read_manifest, trained_segmentors

REPORT = 'report'  # the kind of the stage that writes the report; the report leaves it out


def read_self_training(work_dir: str) -> RunRecord:
    """Read the work directory of a run of self-training, which need not be complete.

    Raises:
        FileNotFoundError: if it has no manifest.
        ValueError: if the manifest cannot be read.
        WorkDirError: if another version of udas_mmseg wrote it in another format.
    """
    content = read_manifest(Path(work_dir, MANIFEST))
    if content is None:
        raise FileNotFoundError(f'{work_dir} has no {MANIFEST}, so it is no run of self-training.')
    models, entries = [], {name: entry for name, entry in content['stages'].items() if entry['kind'] != REPORT}
    for name, found in trained_segmentors(work_dir).items():
        folder = osp.join(work_dir, osp.basename(osp.dirname(found['config'])))
        models.append(ModelRecord(name, folder, config_path(folder), find_checkpoint(found['checkpoint'], folder),
                                  found['metrics'], found['seconds']))
    own = {model.folder for model in models}
    trainings = {name: osp.join(work_dir, name) for name, entry in entries.items()
                 if 'checkpoint' in entry and osp.isfile(osp.join(work_dir, name, 'config.py'))}
    versions = {}
    for folder in trainings.values():
        versions.update(read_environment(folder))
    return RunRecord(_name(content.get('name', ''), work_dir), work_dir, content.get('seed'), tuple(models), entries,
                     {name: folder for name, folder in trainings.items() if folder not in own},
                     {**versions, **content.get('versions', {})})


def _name(name: str, work_dir: str) -> str:
    """Return the name of a run. Configs of tools/new_pair.py have the same names: the pair is put before them."""
    folder, own = osp.split(osp.abspath(work_dir))
    return f'{osp.basename(folder)}/{own}' if own == name and own.startswith('self_training') else name or own
