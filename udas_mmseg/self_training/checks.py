"""Mistakes that can be found before the first stage runs."""
import os.path as osp
from typing import Callable, Dict, List

from .stage import RunContext


def check_stages(context: RunContext) -> List[str]:
    """Run all checks of the stages that are possible before the first stage.

    Returns:
        list[str]: A line about each data set, which is left out where an earlier stage has the same.

    Raises:
        ValueError: listing everything that does not fit, such as missing folders.
    """
    lines: List[str] = []
    problems: List[str] = []

    def attempt(check: Callable[[RunContext], List[str]]) -> None:
        try:
            lines.extend(check(context))
        except ValueError as error:
            problems.extend(f'- {line.removeprefix("- ")}' for line in str(error).splitlines()
                            if not line.endswith('does not fit the data:'))

    for stage in context.stages:
        attempt(stage.check)
    links = {link for stage in context.stages for link in stage.links.values()}
    for path in sorted(link for link in links if not context.is_stage(link) and not osp.isfile(link)):
        problems.append(f'- checkpoint={path!r} does not exist (looked in {osp.abspath(osp.curdir)}). Give the '
                        'file of a trained model, or leave it out, and the stage trains one.')
    if problems:
        raise ValueError('the configs of the stages do not fit the data:\n' + '\n'.join(dict.fromkeys(problems)))
    first: Dict[str, str] = {}  # what a line says after the name of the stage -> the line
    for line in lines:
        first.setdefault(line.partition(': ')[2], line)
    return list(first.values())
