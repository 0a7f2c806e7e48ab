"""What has been done in the work directory of a self-training run."""
import json
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ..utils.files import replace_file, to_json
from .lock import WorkDirError

MANIFEST = 'manifest.json'
_RUNNING, _COMPLETE = 'running', 'complete'


class Manifest:
    """The stages of a run: what each began with, and what it gave; written in one step after every change.

    `stages` has an entry for each stage that was begun: `state`, `digest` of its config, `attempts`, `command` that
    runs it by hand, and, when complete, `seconds` of the last attempt, `inputs` and what it gave (`checkpoint`,
    `sha256`, `metrics`, ...).

    Args:
        work_dir (str): The work directory.
        header (Mapping): What the run is, such as its config file, seed and versions.

    Raises:
        ValueError: if the file is there and cannot be read.
    """

    def __init__(self, work_dir: str, header: Mapping[str, Any]) -> None:
        self.path = Path(work_dir, MANIFEST)
        found = self._read()
        self.content: Dict[str, Any] = {'stages': {}, **(found or {}), **header}

    def check(self, digests: Mapping[str, str]) -> None:
        """Check that the stages that were begun are those of this run; an export is made anew where it is another.

        Args:
            digests (Mapping): Name of each stage that is planned -> digest of its config, in order. There may be more
                or fewer rounds than before.

        Raises:
            WorkDirError: naming the stages that differ.
        """
        begun = {name: entry['digest'] for name, entry in self.content['stages'].items() if name != 'export'}
        planned = {name: digest for name, digest in digests.items() if name != 'export'}
        rounds_before = [name for name in begun if name not in planned and int(name[:2]) >= len(planned)]
        changed = [name for name, digest in begun.items()
                   if planned.get(name) != digest and name not in rounds_before]
        if changed:
            raise WorkDirError(f'{self.path.parent} holds another run: {", ".join(changed)} was begun with another '
                               'config (or data, or translation) than the one given now. Give another --work-dir, or '
                               'delete this one to begin anew. More `rounds` may be asked for.')

    def result(self, name: str, digest: str) -> Optional[Dict[str, Any]]:
        """The entry of a complete stage; None if it is not complete, or was another one."""
        entry = self.content['stages'].get(name) or {}
        return entry if (entry.get('state'), entry.get('digest')) == (_COMPLETE, digest) else None

    def begin(self, name: str, digest: str, command: str) -> None:
        """Note that a stage begins, or goes on."""
        attempts = self.content['stages'].get(name, {}).get('attempts', 0) + 1
        self.content['stages'][name] = dict(state=_RUNNING, digest=digest, attempts=attempts, command=command)
        self.write()

    def complete(self, name: str, seconds: float, **result: Any) -> None:
        """Note that a stage is done, and what it gave."""
        self.content['stages'][name].update(state=_COMPLETE, seconds=round(seconds, 1), **result)
        self.write()

    def write(self) -> None:
        """Write the file."""
        replace_file(self.path, to_json(self.content))

    def _read(self) -> Optional[Dict[str, Any]]:
        if not self.path.exists():
            return None
        try:
            content = json.loads(self.path.read_text(encoding='utf-8'))
            assert isinstance(content['stages'], dict)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise ValueError(f'{self.path} cannot be read ({error}): was it edited? Restore it, or delete '
                             f'{osp.dirname(self.path)} to begin anew.') from error
        return content


def trained_segmentors(work_dir: str) -> Dict[str, Dict[str, Any]]:
    """The segmentors that a run of self-training has trained so far.

    Args:
        work_dir (str): Its work directory.

    Returns:
        dict: 'adapted', 'round 1', 'round 2', ... -> `metrics` on the validation images (percent), `seconds` (of a
        round: with its labelling; of the last attempt), `config` and `checkpoint`. Empty before the first is complete.
    """
    path = Path(work_dir, MANIFEST)
    stages = json.loads(path.read_text(encoding='utf-8'))['stages'] if path.exists() else {}
    found: Dict[str, Dict[str, Any]] = {}
    labelling = 0.0
    for name, entry in stages.items():
        kind = name.partition('_')[2]
        if entry['state'] != _COMPLETE:
            continue
        if kind.startswith('label'):
            labelling = entry['seconds']
        elif kind == 'adapt' or kind.startswith('student'):
            what = 'adapted' if kind == 'adapt' else f'round {kind[len("student_r"):]}'
            found[what] = dict(metrics=entry['metrics'], seconds=entry['seconds'] + labelling,
                               config=str(path.parent / name / 'config.py'), checkpoint=entry['checkpoint'])
    return found


def ladder(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table of the stages so far: state, time, and what validation or the labels say.

    Args:
        stages (Mapping): `stages` of a manifest.
    """
    lines: List[str] = ['| stage | state | minutes | result |', '| --- | --- | --- | --- |']
    for name, entry in stages.items():
        minutes = f'{entry["seconds"] / 60:.1f}' if 'seconds' in entry else '-'
        lines.append(f'| {name} | {entry["state"]} | {minutes} | {_describe(entry)} |')
    return '\n'.join(lines) + '\n'


def _describe(entry: Mapping[str, Any]) -> str:
    if 'mIoU' in (entry.get('metrics') or {}):
        return f'mIoU {entry["metrics"]["mIoU"]:.1f}'
    return entry.get('summary', '')
