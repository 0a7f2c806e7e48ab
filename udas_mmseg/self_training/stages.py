"""The stages of self-training, planned before any of them runs."""
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

# what each part of `self_training` may hold, and what it is where it is not given; None: it has to be given
_TRANSLATE: Dict[str, Any] = dict(config=None, checkpoint='', size=(), options={})
_ADAPT: Dict[str, Any] = dict(config=None, checkpoint='', options={})
_LABEL: Dict[str, Any] = dict(
    views=3, augment={}, temperature=1.0, batch_size=1, workers=2, max_broken=0, min_coverage=0.05,
    max_class_share=0.98, min_change=0.0, truth='')  # yapf: disable
_STUDENT: Dict[str, Any] = dict(config=None, init='imagenet', options={})
_EXPORT: Dict[str, Any] = dict(name='', num_images=6)
_PARTS: Dict[str, Dict[str, Any]] = dict(
    translate=_TRANSLATE, adapt=_ADAPT, label=_LABEL, student=_STUDENT, export=_EXPORT)
_REQUIRED = ('adapt', 'student')
# what may be changed during a run, since no result depends on it; what `config` says is looked at itself
UNDECISIVE = ('config', 'batch_size', 'workers', 'max_broken', 'min_coverage', 'max_class_share', 'min_change', 'truth')
INITS = ('imagenet', 'scratch', 'teacher')


@dataclass(frozen=True)
class Stage:
    """One step of self-training, in a folder of its own.

    Attributes:
        name: Its folder in the work directory, such as '04_student_r1'.
        kind: 'translator', 'translate', 'adapt', 'label', 'student' or 'export'.
        config: Config file that it starts from; '' for what has none of its own.
        settings: The part of `self_training` that it belongs to, complete.
        round: Self-training round, from 1; 0 before the first.
        teacher: Name of the stage whose model it uses, or the path of a checkpoint; '' if it uses none.
        teacher_config: The teacher's config file; '' if it uses none.
        translations: Name of the stage whose images it reads in place of the source's; '' for none.
        labels: Name of the stage whose pseudo-labels it learns from; '' for none.
    """
    name: str
    kind: str
    config: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    round: int = 0
    teacher: str = ''
    translations: str = ''
    labels: str = ''

    @property
    def trains(self) -> bool:
        """Whether the stage is a training."""
        return self.kind in ('translator', 'adapt', 'student')

    @property
    def what(self) -> str:
        """What the stage does, in words."""
        return {
            'translator': f'trains the translator of {self.config}',
            'translate': 'translates the source images',
            'adapt': f'trains {self.config}',
            'label': f'labels the target images, {self.settings.get("views")} views',
            'student': f'trains {self.config} from {self.settings.get("init")}',
            'export': 'exports the last student for MMSegmentation alone'
        }[self.kind]


def plan_stages(self_training: Mapping[str, Any]) -> List[Stage]:
    """The stages of a `self_training` setting in order: translate, adapt, label and student for each round, export.

    Args:
        self_training (Mapping): See `SelfTrainingRunner`.

    Returns:
        list[Stage]: Names are numbered, so that folders are listed in their order, but for the last, 'export'.

    Raises:
        ValueError: for a setting that does not exist, is missing or has a value that is not allowed.

    Example:
        >>> plan = plan_stages(dict(rounds=1, adapt=dict(config='uda.py'), student=dict(config='student.py')))
        >>> [stage.name for stage in plan]
        ['00_adapt', '01_label_r1', '02_student_r1', 'export']
    """
    rounds, parts = _checked(self_training)
    stages: List[Stage] = []

    def add(suffix: str, kind: str, part: str, **fields: Any) -> str:
        settings = parts[part] or {}
        name = f'{len(stages):02d}_{suffix}' if kind != 'export' else suffix  # the last one, however many rounds
        stages.append(Stage(name, kind, _plain(settings.get('config', '')), settings, **fields))
        return name

    translations, translate, adapt = '', parts['translate'], parts['adapt']
    if translate:
        translator = translate['checkpoint'] or add('translator', 'translator', 'translate')
        translations = add('translate', 'translate', 'translate', teacher=translator)
    teacher = (adapt or {})['checkpoint'] or add('adapt', 'adapt', 'adapt', translations=translations)
    for number in range(1, rounds + 1):
        labels = add(f'label_r{number}', 'label', 'label', round=number, teacher=teacher)
        teacher = add(f'student_r{number}', 'student', 'student', round=number, teacher=teacher,
                      translations=translations, labels=labels)
    add('export', 'export', 'export', round=rounds, teacher=teacher)
    return stages


def plan_table(stages: Sequence[Stage], iterations: Mapping[str, int]) -> str:
    """Stages as a Markdown table.

    Args:
        stages (Sequence[Stage]): From `plan_stages`.
        iterations (Mapping[str, int]): Of the trainings, by the stage's name.
    """
    lines = ['| stage | what | iterations | takes |', '| --- | --- | --- | --- |']
    for stage in stages:
        takes = ', '.join(part for part in (stage.teacher, stage.translations, stage.labels) if part) or '-'
        count = iterations[stage.name] if stage.trains else '-'
        lines.append(f'| {stage.name} | {stage.what} | {count} | {takes} |')
    return '\n'.join(lines) + '\n'


def _plain(path: str) -> str:
    """A path as short as it goes: from the current folder, if it is below."""
    relative = osp.relpath(path) if path else ''
    return osp.normpath(path) if path and relative.startswith(osp.pardir) else relative


def _checked(self_training: Mapping[str, Any]) -> Tuple[int, Dict[str, Optional[Dict[str, Any]]]]:
    """Rounds, and every part with its defaults; the errors of `plan_stages`."""
    _check_keys('self_training', self_training, ('rounds', 'options', *_PARTS))
    rounds = self_training.get('rounds', 2)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise ValueError(f'self_training.rounds={rounds!r}: allowed are whole numbers from 1. For adaptation alone, '
                         'train the config of self_training.adapt.')
    parts: Dict[str, Optional[Dict[str, Any]]] = {}
    for name, defaults in _PARTS.items():
        given = self_training.get(name)
        if given is None and name in _REQUIRED:
            raise ValueError(f'self_training.{name} is missing. Give {name}=dict(config=<config file>), as in '
                             'configs/udas/gta2cs_ssl.py.')
        if given is None and name == 'translate':
            parts[name] = None
            continue
        given = given or {}
        _check_keys(f'self_training.{name}', given, defaults)
        part = {key: given.get(key, value) for key, value in defaults.items()}
        missing = [key for key, value in part.items() if value is None]
        if missing:
            raise ValueError(f'self_training.{name}.{missing[0]} is missing. Give the path of a config file.')
        parts[name] = part
    if parts['student']['init'] not in INITS:  # type: ignore[index]
        raise ValueError(f'self_training.student.init={parts["student"]["init"]!r}: '  # type: ignore[index]
                         f'allowed are {", ".join(INITS)}.')
    return rounds, parts


def _check_keys(place: str, given: Any, allowed: Any) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(f'{place}={given!r}: it must be a dict. Its entries are {", ".join(allowed)}.')
    unknown = [key for key in given if key not in allowed]
    if unknown:
        raise ValueError(f'{place}.{unknown[0]} does not exist. Allowed are {", ".join(allowed)}.')
