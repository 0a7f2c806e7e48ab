"""What can be known to be wrong before the first stage runs."""
import os.path as osp
from functools import partial
from typing import Any, Callable, Dict, List, Sequence

from mmengine.config import Config

from ..datasets.preflight import check_config
from ..export.plain_config import export_config
from ..pseudo_labels.label import LabelingOptions
from .stage_config import pseudo_labeled_dataset, without_products
from .stages import Stage


def check_stages(stages: Sequence[Stage], configs: Dict[str, Config]) -> List[str]:
    """Hold the stages of a run against the data, as far as none has to run for that.

    Args:
        stages (Sequence[Stage]): From `plan_stages`.
        configs (dict[str, Config]): Of the stages that have one, by name.

    Returns:
        list[str]: A line about each data set.

    Raises:
        ValueError: listing everything that does not fit, such as missing folders.
    """
    lines: List[str] = []
    problems: List[str] = []

    def attempt(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except ValueError as error:
            problems.extend(f'- {line.removeprefix("- ")}' for line in str(error).splitlines()
                            if not line.endswith('does not fit the data:'))

    for stage in (stage for stage in stages if stage.trains and stage.round < 2):  # later rounds are as the first
        config = without_products(stage, configs[stage.name])
        lines += [f'{stage.name}: {line}' for line in attempt(partial(check_config, config)) or ()]
    label, student = (next(stage for stage in stages if stage.kind == kind) for kind in ('label', 'student'))
    attempt(lambda: _check_settings(label, student, configs[student.name]))
    attempt(lambda: export_config(configs[student.name]))
    for teacher in {stage.teacher for stage in stages if stage.teacher} - {stage.name for stage in stages}:
        if not osp.isfile(teacher):
            problems.append(f'- checkpoint={teacher!r} does not exist (looked in {osp.abspath(osp.curdir)}). Give the '
                            'file of a trained model, or leave it out, and the stage trains one.')
    if problems:
        raise ValueError('the configs of the stages do not fit the data:\n' + '\n'.join(dict.fromkeys(problems)))
    return lines


def _check_settings(label: Stage, student: Stage, cfg: Config) -> None:
    """Raises ValueError for settings of labelling that cannot be, or a student's config that reads no labels."""
    settings = label.settings
    LabelingOptions(settings['views'], settings['augment'] or None, 0, settings['temperature'],
                    settings['batch_size'], settings['workers'], settings['max_broken'])
    pseudo_labeled_dataset(cfg)
    if settings['truth'] and settings['truth'] not in cfg:
        raise ValueError(f'self_training.label.truth={settings["truth"]!r} is no entry of {student.config}. Name a '
                         "data set with labels there, or leave it out ('').")
