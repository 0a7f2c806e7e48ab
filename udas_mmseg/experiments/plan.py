"""Planning a table: its rows, the steps that they share, and what exists already."""
import os.path as osp
import shlex
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..utils.project import tool_command
from ..utils.variants import folder_name
from .step import FINISHED, GivenStep, Step, Work
from .table import DataSet, Row, Table
from .work import Training


@dataclass(frozen=True)
class PlannedRow:
    """A row on a data set.

    Attributes:
        number: Its number in the table, from 1.
        row: The row.
        config: The config and the number of labelled images; '' if there is no such work.
        steps: The step of each seed; empty if there is no such work.
        reason: Why there is no such work; '' if there is.
    """
    number: int
    row: Row
    config: str
    steps: Tuple[Step, ...]
    reason: str = ''


@dataclass(frozen=True)
class Plan:
    """All that makes a table on a data set.

    Attributes:
        table: The table.
        data: The data set.
        rows: The rows, in order.
        steps: All steps, each after those that it needs, and seed by seed. Given ones are not among them.
        users: Name of a step -> labels of the rows that need it.
        missing: Lines about files that do not exist.
        out: Folder for the results.
    """
    table: Table
    data: DataSet
    rows: Tuple[PlannedRow, ...]
    steps: Tuple[Step, ...]
    users: Mapping[str, Tuple[str, ...]]
    missing: Tuple[str, ...]
    out: str


def make_plan(table: Table, data: DataSet, work_dir: str, seeds: int = 1, *, rows: Sequence[str] = (),
              options: Sequence[str] = (), amp: Optional[str] = None, given: Mapping[str, str] = {}) -> Plan:
    """Plan a table.

    Args:
        table (Table): The table.
        data (DataSet): The data set.
        work_dir (str): Folder for the steps of all tables.
        seeds (int): Number of seeds, from 0. Defaults to 1.
        rows (Sequence[str]): Numbers or labels of rows, or names of their models. Defaults to all.
        options (Sequence[str]): Options of all trainings as KEY=VALUE; those of translators as translator.KEY=VALUE,
            those of self-training as self_training.KEY=VALUE.
        amp (str, optional): 'float16' or 'bfloat16' for the trainings. Defaults to None.
        given (Mapping[str, str]): Name of a work that is done once -> path of the checkpoint or folder that replaces
            it. Defaults to none.

    Raises:
        FileNotFoundError: if a given path does not exist.
        ValueError: for an unknown row or given work, or a number of seeds below 1.
    """
    if seeds < 1:
        raise ValueError(f'--seeds {seeds}: it is the number of seeds, so it must be 1 or more.')
    maker = _Steps(data, osp.join(work_dir, data.name), options, amp, _checked(data, given))
    chosen = _choose(table, rows)
    planned = []
    for number, row in chosen:
        reason = data.absent.get(row.model, '')
        if reason:
            planned.append(PlannedRow(number, row, '', (), reason))
            continue
        budget = () if row.budget is None else (f'budget={table.budgets[data.name][row.budget]}', )
        steps = tuple(maker.step(row.model, seed, budget) for seed in range(seeds))
        planned.append(PlannedRow(number, row, ' '.join([data.models[row.model].what, *budget]), steps))
    order: Dict[str, Step] = {}
    users: Dict[str, List[str]] = {}
    for seed in range(seeds):
        for found in planned:
            for step in _with_inputs(found.steps[seed]) if found.steps else ():
                order.setdefault(step.folder, step)
                if found.row.label not in users.setdefault(step.name, []):
                    users[step.name].append(found.row.label)
    missing = [line for needed in data.needed for line in needed.missing()]
    return Plan(table, data, tuple(planned), tuple(order.values()), {key: tuple(found) for key, found in users.items()},
                tuple(missing), osp.join(work_dir, data.name, 'tables', table.name))


class _Steps:
    """Makes steps, each of them once.

    Args: see `make_plan`.
    """

    def __init__(self, data: DataSet, folder: str, options: Sequence[str], amp: Optional[str],
                 given: Mapping[str, str]) -> None:
        self.data = data
        self.folder = folder
        self.options = options
        self.amp = amp
        self.given = given
        self._made: Dict[Tuple[str, int], Step] = {}

    def step(self, model: str, seed: int, own: Tuple[str, ...] = ()) -> Step:
        """Return the step of a work with a seed and further options of its own."""
        work = self.data.models[model]
        model = self._first_name(work)
        seed = 0 if work.once else seed
        name = ' '.join([model, *own])
        if (name, seed) not in self._made:
            inputs = {need: self.step(need, seed) for need in work.needs}
            step = Step(name, seed, work, osp.join(self.folder, folder_name(name), f'seed_{seed}'), inputs,
                        (*own, *self.options), self.amp)
            self._made[name, seed] = GivenStep(step, self.given[model]) if model in self.given else step
        return self._made[name, seed]

    def _first_name(self, work: Work) -> str:
        """Return the first name of a work: tables may have different names for the same one."""
        return next(name for name, other in self.data.models.items() if other == work)


def _with_inputs(step: Step) -> List[Step]:
    """Return a step after all that it needs. Of a given model, the options are needed, but not the step itself."""
    is_given = isinstance(step, GivenStep)
    if is_given and not isinstance(step.work, Training):
        return []
    before = [found for need in step.inputs.values() for found in _with_inputs(need)]
    return [*before, *([] if is_given else [step])]


def _choose(table: Table, wanted: Sequence[str]) -> List[Tuple[int, Row]]:
    numbered = list(enumerate(table.rows, 1))
    for name in wanted:
        if not any(name in (str(number), row.label, row.model) for number, row in numbered):
            known = ', '.join(f'{number} ({row.label})' for number, row in numbered)
            raise ValueError(f'--rows {name}: table {table.name} has no such row. Its rows are {known}.')
    return [(number, row) for number, row in numbered
            if not wanted or {str(number), row.label, row.model} & {*wanted}]


def _checked(data: DataSet, given: Mapping[str, str]) -> Mapping[str, str]:
    for name, path in given.items():
        known = [key for key, work in data.models.items() if work.once]
        if name not in known:
            raise ValueError(f'--given {name}: what may be given for {data.name} is {", ".join(known)}.')
        if not osp.exists(path):
            raise FileNotFoundError(f'--given {name}: {path} does not exist (looked in {osp.abspath(osp.curdir)}).')
    return given


def _shown_command(step: Step) -> str:
    """Return the command of a step as a user calls it from the current folder."""
    tool, *arguments = step.work.command(step)
    return shlex.join([*tool_command(osp.splitext(tool)[0]), *arguments])


def describe(plan: Plan) -> str:
    """Format a plan: its rows, and its steps with their commands and states."""
    head = f'{plan.table.paper}: {plan.table.title}\n{plan.data.title}. {plan.data.note}\n'
    rows = ['| row | config | the paper | |', '| --- | --- | --- | --- |']
    for found in plan.rows:
        figure = '-' if found.row.figure is None else f'{found.row.figure:g}'
        rows.append(f'| {found.number} {found.row.label} | {found.config or "-"} | {figure} | '
                    f'{f"no config: {found.reason}" if found.reason else found.row.part} |')
    steps, commands = ['| step | seeds | state | for rows |', '| --- | --- | --- | --- |'], []
    for name in dict.fromkeys(step.name for step in plan.steps):
        group = {step: step.state() for step in plan.steps if step.name == name}
        states = [f'{step.seed}: {state}' for step, state in group.items()] if len({*group.values()}) > 1 else [
            *group.values()][:1]
        steps.append(f'| {name} | {", ".join(str(step.seed) for step in group)} | {", ".join(states)} | '
                     f'{", ".join(plan.users[name])} |')
        left = [step for step, state in group.items() if state != FINISHED]
        commands += [_shown_command(step) for step in left[:1]]
    parts = [head, '\n'.join(rows), '\n'.join(steps)]
    if commands:
        parts.append('\n'.join(['Commands that remain, each for its first seed:', *commands]))
    if plan.missing:
        parts.append('\n'.join(['Missing data:', *plan.missing]))
    return '\n\n'.join(parts)
