"""The manifest of a self-training run: a file that records its stages."""
import json
import os.path as osp
import shlex
from pathlib import Path
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ..datasets.image_groups import MEAN, WORST
from ..utils.files import replace_file, to_json
from ..utils.project import tool_command
from ..visualization.comparison import COST
from .lock import WorkDirError

MANIFEST = 'manifest.json'
FORMAT = 2  # format of the file; format 1 has no such entry
_RUNNING, _COMPLETE = 'running', 'complete'


class Manifest:
    """The inputs and results of the stages of a run. The file is replaced in one step after every change.

    `entries` has an entry for each stage that was started: its `kind`, `round` and `links` (role -> name of the stage
    or path of the checkpoint that fills it), `state`, `digest` of everything that affects its result, `attempts`, the
    `command` that runs it alone, and, when it is complete, `seconds` of the last attempt and its results
    (`checkpoint`, `sha256`, `metrics`, `inputs`, ...).

    Args:
        work_dir (str): The work directory.
        header (Mapping): Description of the run, such as its config file, seed and versions.

    Raises:
        ValueError: if the file exists and cannot be read.
        WorkDirError: if another version of udas_mmseg wrote it in another format.
    """

    def __init__(self, work_dir: str, header: Mapping[str, Any]) -> None:
        self.path = Path(work_dir, MANIFEST)
        self.content: Dict[str, Any] = {'format': FORMAT, 'stages': {}, **(read_manifest(self.path) or {}), **header}

    @property
    def entries(self) -> Dict[str, Dict[str, Any]]:
        """Return the entries of the stages that were started, by name."""
        return self.content['stages']

    def check(self, digests: Mapping[str, str], rounds: int, replaceable: Collection[str] = ()) -> None:
        """Check that the stages that were started belong to this run.

        Args:
            digests (Mapping): Name of each planned stage -> digest of everything that affects its result.
            rounds (int): Number of rounds, which may differ from before.
            replaceable (Collection[str]): Kinds of stages that may be run again if they differ.

        Raises:
            WorkDirError: if stages differ; the message names them.
        """
        begun = {name: entry for name, entry in self.entries.items()
                 if entry['kind'] not in replaceable and entry['round'] <= rounds}
        changed = [name for name, entry in begun.items() if digests.get(name) != entry['digest']]
        if changed:
            raise WorkDirError(f'{self.path.parent} has another run: {", ".join(changed)} was started with another '
                               'config (or data, or translation). Choose another --work-dir, or delete this one to '
                               'start again. Only `rounds` may be increased.')

    def result(self, name: str, digest: str) -> Optional[Dict[str, Any]]:
        """Return the entry of a complete stage; None if it is not complete or has another digest."""
        entry = self.entries.get(name) or {}
        return entry if (entry.get('state'), entry.get('digest')) == (_COMPLETE, digest) else None

    def begin(self, name: str, digest: str, **facts: Any) -> None:
        """Record that a stage starts or continues.

        Args:
            name (str): Name of the stage.
            digest (str): Digest of everything that affects its result.
            **facts: Its `kind`, `round`, `links` and `command`.
        """
        attempts = self.entries.get(name, {}).get('attempts', 0) + 1
        self.entries[name] = dict(facts, state=_RUNNING, digest=digest, attempts=attempts)
        self.write()

    def complete(self, name: str, seconds: float, **result: Any) -> None:
        """Record that a stage is complete, and its results."""
        self.entries[name].update(state=_COMPLETE, seconds=round(seconds, 1), **result)
        self.write()

    def sort(self, names: Sequence[str]) -> None:
        """Put the entries into the order of the planned stages; entries of other stages come last."""
        places = {name: place for place, name in enumerate(names)}
        self.content['stages'] = dict(sorted(self.entries.items(), key=lambda item: places.get(item[0], len(places))))

    def write(self) -> None:
        """Write the file."""
        replace_file(self.path, to_json(self.content))


def read_manifest(path: Path) -> Optional[Dict[str, Any]]:
    """Read the content of a manifest; None if there is no file."""
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        assert isinstance(content['stages'], dict)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise ValueError(f'{path} cannot be read ({error}): was it edited? Restore it, or delete '
                         f'{osp.dirname(path)} to start again.') from error
    if content.get('format') != FORMAT:
        raise WorkDirError(f'{path.parent} was started by another version of udas_mmseg: {MANIFEST} has format '
                           f'{content.get("format", 1)}, and this version reads format {FORMAT}. Choose another '
                           '--work-dir, or finish this run with the version that started it.')
    return content


def complete_entries(work_dir: str, kind: str = '') -> Dict[str, Dict[str, Any]]:
    """Read the entries of the complete stages from a manifest; empty if no stage is complete.

    Args:
        work_dir (str): Work directory of a run.
        kind (str): Only stages of this kind. Defaults to '', all.
    """
    content = read_manifest(Path(work_dir, MANIFEST)) or dict(stages={})
    return {name: entry for name, entry in content['stages'].items()
            if entry['state'] == _COMPLETE and kind in ('', entry['kind'])}


def trained_segmentors(work_dir: str) -> Dict[str, Dict[str, Any]]:
    """Return the segmentors that a self-training run has trained so far.

    Args:
        work_dir (str): Its work directory.

    Returns:
        dict: 'source only', 'adapted', 'round 1', ... -> `metrics` (percent) on the test images of its config, which
        are often its validation images, and `cost/clicks`, ... of the labels so far in rounds of active labelling;
        `seconds` of the last attempt (including the labelling of its pseudo-labels), `config` and `checkpoint`. Empty
        if none is complete.
    """
    entries = complete_entries(work_dir)
    found: Dict[str, Dict[str, Any]] = {}
    for name, entry in entries.items():
        if 'segmentor' in entry:
            labelling = entries.get(entry['links'].get('labels', ''), {}).get('seconds', 0.0)
            cost = entries.get(entry['links'].get('answers', ''), {}).get('cost', {})
            found[entry['segmentor']] = dict(
                metrics={**(entry.get('test') or entry['metrics']), **{f'{COST}{key}': cost[key] for key in cost}},
                seconds=entry['seconds'] + labelling,
                config=str(Path(work_dir, name, 'config.py')), checkpoint=entry['checkpoint'])
    return found


def ladder(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Format the stages so far as a Markdown table: state, time, and scores or statistics of the labels.

    Args:
        entries (Mapping): `entries` of a manifest.
    """
    lines: List[str] = ['| stage | state | minutes | result |', '| --- | --- | --- | --- |']
    for name, entry in entries.items():
        minutes = f'{entry["seconds"] / 60:.1f}' if 'seconds' in entry else '-'
        lines.append(f'| {name} | {entry["state"]} | {minutes} | {_describe(entry)} |')
    return '\n'.join(lines) + '\n'


def one_line(name: str, entry: Mapping[str, Any]) -> str:
    """Describe a complete stage: its time and result."""
    return f'{name}: {entry["state"]}, {entry["seconds"] / 60:.1f} minutes, {_describe(entry)}'.rstrip(', ')


def result_files(entries: Mapping[str, Mapping[str, Any]]) -> Dict[str, str]:
    """Return the files of a run that a user will look at.

    Args:
        entries (Mapping): Entries of the complete stages, by name.

    Returns:
        dict: Path -> description.
    """
    files = {entry['page']: 'the report: scores, curves and pictures of all models' for entry in entries.values()
             if 'page' in entry}
    files.update({entry['translation_report']: 'images, their translations, and real ones'
             for entry in entries.values() if 'translation_report' in entry})
    files.update({entry['report']: f'how good {name} is' for name, entry in entries.items() if 'report' in entry})
    files.update({entry['round_report']: f'what was labelled in round {entry["round"]}, and what it has cost'
                  for entry in entries.values() if 'round_report' in entry})
    models = [entry['checkpoint'] for entry in entries.values() if 'segmentor' in entry or 'trained_by' in entry]
    if models:
        files[models[-1]] = 'the checkpoint of the last model'
    for entry in entries.values():
        if 'exported_config' in entry:
            predict = shlex.join([*tool_command('predict'), entry['exported_config'], entry['checkpoint']])
            files[osp.dirname(entry['exported_config'])] = (
                f'the last model, for plain MMSegmentation; to predict images: {predict} IMAGES --out FOLDER')
    return files


def _describe(entry: Mapping[str, Any]) -> str:
    scores = [f'{name}{_describe_scores(entry[key])}' for key, name in (('metrics', ''), ('test', 'test images: '))
              if (entry.get(key) or {}).get('mIoU') is not None]
    return '; '.join(scores) or entry.get('summary', '')


def _describe_scores(metrics: Mapping[str, float]) -> str:
    """Describe the mIoU and, if there are groups of images, its mean over the groups and the worst group."""
    groups = [f', {name} {metrics[key]:.1f}' for key, name in
              ((f'mIoU/{MEAN}', 'mean over groups'), (f'mIoU/{WORST}', 'worst group')) if key in metrics]
    return f'mIoU {metrics["mIoU"]:.1f}{"".join(groups)}'
