"""The stage that keeps the better one of a student and its teacher."""
import gc
import os.path as osp
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process

from ...datasets.hold_out import HoldOut
from ...evaluation.label_free import LabelFreeSelection
from ...evaluation.selection import Scores, reasons_to_keep_teacher, share_warnings
from ...evaluation.styles import DEFAULT_STYLES, check_styles
from ...evaluation.validation import validate, validation_scores
from ...models.trained import build_original, load_checkpoint
from ...utils.console import is_quiet
from ...utils.digests import file_digest
from ...utils.processes import together
from ..held_out import check_held_out, held_out_datasets, hold_out_images, open_originals, paths_of, target_dataset
from ..stage import STAGE_KINDS, RunContext, Stage
from ..stage_config import CONFIG, pseudo_labeled_dataset, to_label

AUTO, VALIDATION, LABEL_FREE = 'auto', 'validation', 'label_free'
TEACHER, STUDENT = 'teacher', 'student'
Models = Dict[str, Tuple[Config, str]]


@STAGE_KINDS.register_module(name='select')
class Select(Stage):
    """Compares a student with its teacher, and gives the better one to the following stages.

    The teacher is kept if the student's mIoU is lower by more than `tolerance`, or if a class collapses, see
    `reasons_to_keep_teacher`.

    Settings: `by`: 'validation', the labelled validation images of the student's config; 'label_free', labelled source
    images that are held out from the trainings, see `LabelFreeSelection`; or 'auto', validation images if the
    student's config has them. `tolerance` and `class_drop` in percentage points. `source_images`, `target_images`
    and `blocks`: how many images are held out, see `HoldOut`. `styles`: see `apply_styles`.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(
        by=AUTO, tolerance=1.0, class_drop=10.0, source_images=64, target_images=16, blocks=4,
        styles=DEFAULT_STYLES)  # yapf: disable
    takes: ClassVar[Tuple[str, ...]] = ('student',)
    gives: ClassVar[Tuple[str, ...]] = ('teacher', 'student')

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for a setting that is not allowed."""
        if settings['by'] not in (AUTO, VALIDATION, LABEL_FREE):
            raise ValueError(f'self_training.select.by={settings["by"]!r}: allowed are {AUTO}, {VALIDATION}, '
                             f'{LABEL_FREE}.')
        for name in ('tolerance', 'class_drop'):
            if not isinstance(settings[name], (int, float)) or not settings[name] >= 0:
                raise ValueError(f'self_training.select.{name}={settings[name]!r}: allowed are numbers from 0.')
        try:
            check_styles(settings['styles'])
            for name in ('source_images', 'target_images'):
                HoldOut(settings[name], settings['blocks'])
        except ValueError as error:
            raise ValueError(f'self_training.select: {error}') from error

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return 'compares the student with its teacher, and keeps the better one'

    def criterion(self, context: RunContext) -> str:
        """Return 'validation' or 'label_free'."""
        if self.settings['by'] != AUTO:
            return self.settings['by']
        student = self._student(context)
        return VALIDATION if _has_validation(context.configs.get(student.name) or context.load_config(student)) \
            else LABEL_FREE

    def change_training(self, training: Stage, cfg: Config, context: RunContext) -> None:
        """Leave the held-out images out of the trainings of teachers and students."""
        if _learns_from_source(training) and self.criterion(context) == LABEL_FREE:
            hold_out_images(cfg, *map(self._hold_out, ('source_images', 'target_images')))

    def model_configs(self, context: RunContext) -> List[Config]:
        """Return the config of the model that was kept; before, those of the student and of its possible teachers."""
        student, kept = self._student(context), context.entries.get(self.name, {}).get('kept')
        if kept is not None:
            return [context.config_of(self if kept == STUDENT else student, kept)]
        teacher = context.stage(student.links[TEACHER])
        return [*student.model_configs(context),
                *(teacher.model_configs(context) if teacher else [context.config_of(student, TEACHER)])]

    def check(self, context: RunContext) -> List[str]:
        """Check that there is something to compare by."""
        student = self._student(context)
        cfg, criterion = context.configs[student.name], self.criterion(context)
        if criterion == VALIDATION:
            if not _has_validation(cfg):
                raise ValueError(f"self_training.select.by='validation', but {student.config} has no val_dataloader "
                                 "with labels, or no val_evaluator. Add them, or use by='label_free'.")
            return [f"{self.name}: compares by the validation images of {student.config}. by='label_free' compares "
                    'without target labels']
        if any(getattr(other, 'criterion', None) and other.settings != self.settings for other in context.stages):
            raise ValueError('self_training.select.per_round: every round is compared by the same held-out images. '
                             'Remove per_round.')
        try:
            source, target = held_out_datasets(cfg, self._target(context))
            datasets = [open_originals(dataset) for dataset in (source, target)]
            for other in context.stages:
                if other.trains and _learns_from_source(other):
                    check_held_out(context.configs[other.name], source, paths_of(datasets[0]))
        except OSError:
            return []  # the checks of the trainings name what is missing
        lines = [f'{self.name}: compares by {len(datasets[0])} source and {len(datasets[1])} target images, in blocks, '
                 'that are held out from the trainings']
        if not context.is_stage(student.links[TEACHER]):
            lines.append(f'{self.name}: {student.links[TEACHER]} may have been trained on the held-out source images; '
                         'then the comparison favours it')
        return lines

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Compare in every process, with the same result."""
        student = self._student(context)
        stages: Dict[str, Stage] = {TEACHER: student, STUDENT: self}  # which take the models
        models = together(lambda: {role: (context.config_of(stage, role), context.checkpoint_of(stage, role))
                                   for role, stage in stages.items()})
        criterion = self.criterion(context)
        compare = self._compare_by_validation if criterion == VALIDATION else self._compare_label_free
        scores, further = compare(models, context)
        reasons = reasons_to_keep_teacher(scores[TEACHER], scores[STUDENT], self.settings['tolerance'],
                                          self.settings['class_drop'])
        kept = TEACHER if reasons else STUDENT
        _free_memory()
        if not is_main_process():  # only the main process writes the manifest
            return {}
        trained_by = {role: context.trained_by(stage, role) for role, stage in stages.items()}
        digests = {role: file_digest(checkpoint) for role, (_, checkpoint) in models.items()}
        before, now = scores[TEACHER].mIoU, scores[STUDENT].mIoU
        entry = dict(
            kept=kept, trained_by=trained_by[kept], checkpoint=models[kept][1], sha256=digests[kept],
            config=self._config_path(context, trained_by[kept], models[kept][0]), by=criterion, reasons=reasons,
            scores={role: score._asdict() for role, score in scores.items()}, **further, inputs=digests,
            summary=f'kept: {kept}; mIoU {now:.1f}, teacher {before:.1f} ({criterion.replace("_", "-")})')
        text = [] if is_quiet() else [_table(entry)]  # the manifest has the figures
        for part in filter(None, [*text, _verdict(self.name, entry, trained_by)]):
            print(part, flush=True)
        return entry

    def ends_rounds(self, context: RunContext) -> str:
        """Return the reason to stop if the teacher was kept and the next round has the same settings."""
        if context.entries.get(self.name, {}).get('kept') != TEACHER:
            return ''
        ours, next_ones = ([(stage.kind, stage.settings, stage.options) for stage in context.stages
                            if stage.round == number] for number in (self.round, self.round + 1))
        if ours != next_ones:
            return ''
        return f'{self.name} kept the teacher, and another round would repeat this one with the same settings'

    def _student(self, context: RunContext) -> Stage:
        """Return the stage of the student.

        Raises:
            ValueError: if this stage has no teacher.
        """
        student = context.stage(self.links[STUDENT])
        assert student is not None
        if TEACHER not in student.links:
            raise ValueError(f'{student.name} takes no teacher, so there is nothing to compare it with. Set '
                             "self_training.keep='last'.")
        return student

    def _hold_out(self, name: str) -> Dict[str, Any]:
        return dict(images=self.settings[name], blocks=self.settings['blocks'])

    def _target(self, context: RunContext) -> Dict[str, Any]:
        """Return the config of the target images that are held out from the pseudo-labels of the round or the run.

        If no training of the run reads any, they are images of the student, which trains on them without labels.
        """
        student = self._student(context)
        reading = [stage for stage in (student, *context.stages) if stage.trains and 'labels' in stage.links]
        if reading:
            return to_label(pseudo_labeled_dataset(context.configs[reading[0].name]))
        return {**target_dataset(context.configs[student.name]), 'hold_out': self._hold_out('target_images')}

    def _compare_by_validation(self, models: Models, context: RunContext) -> Tuple[Dict[str, Scores], Dict[str, Any]]:
        """Score both models on the validation images of the student's config."""
        student = models[STUDENT][0]
        built = together(lambda: {role: build_original(cfg, load_checkpoint(path))
                                  for role, (cfg, path) in models.items()})
        metrics = {role: validate(model, student.val_dataloader, student.val_evaluator)
                   for role, model in built.items()}
        return together(lambda: {role: validation_scores(found) for role, found in metrics.items()}), {}

    def _compare_label_free(self, models: Models, context: RunContext) -> Tuple[Dict[str, Scores], Dict[str, Any]]:
        """Score both models on held-out source images, and describe their predictions for held-out target images."""
        source, target = held_out_datasets(models[STUDENT][0], self._target(context))
        selection = LabelFreeSelection(source, target, self.settings['styles'])
        found = {role: selection.score(*model) for role, model in models.items()}
        figures = {role: of_target for role, (_, of_target) in found.items()}
        teacher, student = figures[TEACHER], figures[STUDENT]
        described: Dict[str, Any] = {role: each.rounded() for role, each in figures.items()}
        described['agreement'] = round(selection.agreement(teacher, student), 4)
        return {role: scores for role, (scores, _) in found.items()}, dict(
            target=described, warnings=share_warnings(teacher.shares, student.shares))

    @staticmethod
    def _config_path(context: RunContext, trained_by: str, cfg: Config) -> str:
        return osp.join(context.folder(trained_by), CONFIG) if context.is_stage(trained_by) else cfg.filename or ''


def _learns_from_source(stage: Stage) -> bool:
    """Whether a stage gives a teacher, the weights with which one begins, or the model that they are compared with."""
    return bool({TEACHER, 'initial_weights', 'baseline'}.intersection(stage.gives))


def _has_validation(cfg: Config) -> bool:
    """Whether a config has labelled validation images and their metric."""
    dataset = (cfg.get('val_dataloader') or {}).get('dataset')
    if not dataset or not cfg.get('val_evaluator'):
        return False
    return (dataset.get('data_prefix') or {'seg_map_path': ''}).get('seg_map_path') is not None


def _table(entry: Mapping[str, Any]) -> str:
    """Format the figures of a comparison as a Markdown table."""
    teacher, student = (entry['scores'][role] for role in (TEACHER, STUDENT))
    lines = ['| figure | teacher | student |', '| --- | --- | --- |',
             f'| mIoU | {teacher["mIoU"]:.1f} | {student["mIoU"]:.1f} |']
    lines += [f'| mIoU, {style} | {value:.1f} | {student["styles"][style]:.1f} |'
              for style, value in teacher['styles'].items()]
    if 'target' in entry:
        before, now = (entry['target'][role]['confidence'] for role in (TEACHER, STUDENT))
        lines += [f'| mean confidence on target images | {before:.2f} | {now:.2f} |',
                  f'| same prediction on target images | - | {100 * entry["target"]["agreement"]:.1f} % |']
    return '\n'.join(lines)


def _verdict(name: str, entry: Mapping[str, Any], trained_by: Mapping[str, str]) -> str:
    """Describe the decision, and why, with the warnings."""
    lines = [f'{name}: warning: {line}' for line in entry.get('warnings', ())]
    if entry['reasons']:
        lines += [f'{name}: the student ({trained_by[STUDENT]}) is WORSE than its teacher ({trained_by[TEACHER]}), '
                  'which is kept:', *(f'- {reason}' for reason in entry['reasons'])]
    return '\n'.join(lines)


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
