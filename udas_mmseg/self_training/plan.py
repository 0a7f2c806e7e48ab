"""Planning the stages of self-training before any of them runs."""
from typing import Any, Collection, Dict, List, Mapping, Sequence, Type

from . import kinds  # noqa: F401  (registers them)
from .settings import read_settings
from .stage import Stage


def plan_stages(self_training: Mapping[str, Any]) -> List[Stage]:
    """Plan the stages of a `self_training` setting: those before the rounds, those of each round, and those after.

    Args:
        self_training (Mapping): See `SelfTrainingRunner`.

    Returns:
        list[Stage]: The stages in order. Their names are numbered, so that folders are listed in this order. Only the
        stages after the rounds have no number, because it would depend on the number of rounds, which may change, and
        `source_only`, which may be added later.

    Raises:
        ValueError: for a setting that does not exist, is missing or has a value that is not allowed.

    Example:
        >>> plan = plan_stages(dict(rounds=1, adapt=dict(config='uda.py'), student=dict(config='student.py')))
        >>> [stage.name for stage in plan]
        ['00_adapt', '01_label_r1', '02_student_r1', 'export']
    """
    settings = read_settings(self_training)
    stages: List[Stage] = []
    links: Dict[str, str] = {}  # role -> link of the next stage that takes this role
    given: Dict[str, Stage] = {}

    def add(kind: str, cls: Type[Stage], number: int, name: str) -> None:
        found = settings.of_stage(kind, cls, number)
        if found is None:
            return
        own, options = found
        roles = _taken(kind, cls, [role for role in links if role not in settings.left_out(number)], number)
        stage = cls(name, kind, own, options, number, {role: links[role] for role in roles},
                    {role: given[role] for role in roles if role in given})
        is_given = cls.trains and own.get('checkpoint')
        for role in cls.gives:
            links[role] = own['checkpoint'] if is_given else name
            given.pop(role, None)
            if is_given:
                given[role] = stage
        if not is_given:
            stages.append(stage)

    for kind, cls in settings.kinds['before']:
        add(kind, cls, 0, _numbered(stages, kind) if cls.numbered else kind)
    for number in range(1, settings.rounds + 1):
        for kind, cls in settings.kinds['each_round']:
            add(kind, cls, number, f'{_numbered(stages, kind)}_r{number}')
    for kind, cls in settings.kinds['after']:
        add(kind, cls, 0, kind)
    return stages


def plan_table(stages: Sequence[Stage], iterations: Mapping[str, int]) -> str:
    """Format stages as a Markdown table.

    Args:
        stages (Sequence[Stage]): From `plan_stages`.
        iterations (Mapping[str, int]): Number of iterations of the training stages, by name.
    """
    lines = ['| stage | what | iterations | takes |', '| --- | --- | --- | --- |']
    for stage in stages:
        takes = ', '.join(dict.fromkeys(stage.links.values())) or stage.reads or '-'
        lines.append(f'| {stage.name} | {stage.what} | {iterations.get(stage.name, "-")} | {takes} |')
    return '\n'.join(lines) + '\n'


def _numbered(before: Sequence[Stage], kind: str) -> str:
    """Return the name of a stage after others."""
    return f'{sum(stage.numbered for stage in before):02d}_{kind}'


def _taken(kind: str, cls: Type[Stage], given: Collection[str], number: int) -> List[str]:
    """Return the roles that a stage takes, of those that are given to it."""
    missing = [role for role in cls.takes if role not in given]
    if missing:
        place = f' in round {number}' if number else ''
        raise ValueError(f'self_training.stages: {kind} takes {", ".join(missing)}, but no earlier stage gives it'
                         f'{place}. Add a stage that gives it before; None in per_round leaves one out.')
    return [role for role in (*cls.takes, *cls.may_take) if role in given]
