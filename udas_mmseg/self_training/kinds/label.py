"""The stage in which a teacher labels the target images."""
import os.path as osp
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Tuple

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from ...datasets.image_groups import ImageGroups
from ...models.trained import UnfitWeightsError, check_predictor, load_checkpoint
from ...pseudo_labels.ground_truth import class_shares
from ...pseudo_labels.label import write_pseudo_labels
from ...pseudo_labels.options import LabelingOptions, check_compared
from ...pseudo_labels.quality import (
    CollapsedPseudoLabels,
    check_pseudo_labels,
    markdown_coverage,
    overall_coverage,
)
from ...utils.console import is_quiet
from ...utils.digests import file_digest
from ...utils.mirrored_folder import INDEX
from ...utils.processes import together
from ..stage import STAGE_KINDS, RunContext, Stage, affecting_result
from ..stage_config import pseudo_label_threshold, pseudo_labeled_dataset, to_label, to_label_statically

_LABELER = ('views', 'temperature', 'batch_size', 'workers', 'max_broken', 'merge', 'agreement')


@STAGE_KINDS.register_module(name='label')
class Label(Stage):
    """Labels the images for which the student's config reads pseudo-labels, and checks the labels.

    Settings: `views`, `augment`, `temperature`, `merge`, `agreement`, `batch_size`, `workers` and `max_broken` as in
    `LabelingOptions`; `earlier_teachers`: whether the teachers of earlier rounds label, too (`also` of
    `write_pseudo_labels`); `prior`: arguments of `PriorCorrection` without `source`, which is read from the labels of
    `source_train` of the student's or the teacher's config ({}: no correction); `min_coverage` and `max_class_share` as
    in `check_pseudo_labels`; `min_change`: the rounds end when a smaller share of the kept pixels has changed since the
    last labels (0: never); `truth`: the entry of the student's config with labels with which the pseudo-labels are
    compared (they are never used for training); `groups`: arguments of `ImageGroups`, by which the report compares
    them, too. `per_round` may have None for rounds whose students train online, without pseudo-labels.
    """
    skippable: ClassVar[bool] = True
    defaults: ClassVar[Dict[str, Any]] = dict(
        views=3, augment={}, temperature=1.0, merge='confident', agreement={}, prior={}, earlier_teachers=False,
        batch_size=1, workers=2, max_broken=0, min_coverage=0.05, max_class_share=0.98, min_change=0.0, truth='',
        groups={})  # yapf: disable
    no_effect: ClassVar[Tuple[str, ...]] = (
        'batch_size', 'workers', 'max_broken', 'min_coverage', 'max_class_share', 'min_change', 'truth', 'groups')
    takes: ClassVar[Tuple[str, ...]] = ('teacher',)
    gives: ClassVar[Tuple[str, ...]] = ('labels',)

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'labels the target images, {self.settings["views"]} views'

    def student_config(self, context: RunContext) -> Config:
        """Return the config of the student that learns from the labels."""
        return context.configs[context.training_on(self, 'labels').name]

    def check(self, context: RunContext) -> List[str]:
        """Check the settings, and that the student's config reads labels."""
        settings, student = self.settings, self.student_config(context)
        prior = {**self.settings['prior'], 'source': (1.0, 1.0)} if self.settings['prior'] else None
        options = self._labeling_options(context, prior)
        check_compared(options, 2 if self.settings['earlier_teachers'] and self.round > 1 else 1)
        if self._groups() and not settings['truth']:
            raise ValueError('self_training.label.groups needs self_training.label.truth, the entry of the config with '
                             'the labels to compare with. Add it, or remove groups.')
        pseudo_labeled_dataset(student)
        self._check_given_teacher(context)
        if settings['truth'] and settings['truth'] not in student:
            raise ValueError(f'self_training.label.truth={settings["truth"]!r} is not an entry of '
                             f'{context.training_on(self, "labels").config}. Use a data set with labels there, or '
                             "leave it out ('').")
        return []

    def _check_given_teacher(self, context: RunContext) -> None:
        """Check that the checkpoint of a teacher that this run does not train matches its config."""
        path = self.links['teacher']
        if not context.is_stage(path) and osp.isfile(path):
            try:
                check_predictor(context.config_of(self, 'teacher'), load_checkpoint(path))
            except UnfitWeightsError as error:
                raise ValueError(f'checkpoint={path!r}: {error}') from error

    def digest_content(self, context: RunContext) -> Dict[str, Any]:
        """Return the images, and the model of a teacher that this run does not train."""
        content: Dict[str, Any] = dict(images=to_label_statically(self.student_config(context)))
        if not context.is_stage(self.links['teacher']):
            content['teacher'] = affecting_result(context.config_of(self, 'teacher'))
        return content

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Label and check; `change` is the share of kept pixels that changed since the last labels.

        Raises:
            CollapsedPseudoLabels: if a student could not learn from the labels.
        """
        dataset, settings = pseudo_labeled_dataset(self.student_config(context)), self.settings
        teacher, checkpoint = context.config_of(self, 'teacher'), context.checkpoint_of(self, 'teacher')
        out, threshold = context.folder(self.name), pseudo_label_threshold(dataset)
        options = self._labeling_options(context, together(lambda: self._prior(context)))
        index = write_pseudo_labels(teacher, checkpoint, out, options, dataset=to_label(dataset),
                                    also=self._earlier_teachers(context, checkpoint))
        try:
            together(lambda: check_pseudo_labels(index, threshold, settings['min_coverage'],
                                                 settings['max_class_share']))
        except CollapsedPseudoLabels as error:
            raise CollapsedPseudoLabels(
                f'{self.name}: {error}\nThe last good model is kept: {checkpoint}. Correct its training, or relax '
                'self_training.label.min_coverage or max_class_share, and run the same command again.') from error
        if is_main_process() and not is_quiet():  # the report has the table
            print(markdown_coverage(index, threshold), flush=True)
        result: Dict[str, Any] = dict(inputs={'teacher': index['teacher']['sha256']},
                                      index_sha256=file_digest(osp.join(out, INDEX)), threshold=threshold,
                                      coverage=overall_coverage(index, threshold))
        if 'image_scores' in index:
            scores = sorted(index['image_scores'].values())
            result['image_scores'] = dict(lowest=scores[0], median=scores[len(scores) // 2], highest=scores[-1])
        return dict(result, **together(lambda: self._judge(context, dataset, threshold) if is_main_process() else {}))

    def _earlier_teachers(self, context: RunContext, checkpoint: str) -> List[Tuple[Config, str]]:
        """Return the config and the weights of each teacher of an earlier round, if they label, too."""
        labeled = {stage.round for stage in context.stages if stage.kind == self.kind}
        earlier = [stage for stage in context.stages if 0 < stage.round < self.round and 'teacher' in stage.links
                   and (stage.kind == self.kind or stage.round not in labeled)]
        found = {context.checkpoint_of(stage, 'teacher'): context.config_of(stage, 'teacher')
                 for stage in earlier if self.settings['earlier_teachers']}
        return [(cfg, path) for path, cfg in found.items() if path != checkpoint]

    def _prior(self, context: RunContext) -> Optional[Dict[str, Any]]:
        """Return the arguments of `PriorCorrection`; None for no correction."""
        if not self.settings['prior']:
            return None
        shares = self._source_share(context)
        if shares is None:
            raise ValueError(f'{self.name}: self_training.label.prior needs the class shares of the source, from the '
                             "labels of the entry source_train of the student's or the teacher's config. Add this "
                             'entry, or remove prior.')
        return {**self.settings['prior'], 'source': list(shares.values())}

    def _labeling_options(self, context: RunContext, prior: Optional[Dict[str, Any]]) -> LabelingOptions:
        """Return the labelling options. The seed of the views is the same in every round, so only the teacher changes.

        Raises:
            ValueError: if a setting is outside its range.
        """
        return LabelingOptions(augment=self.settings['augment'] or None, seed=context.seed, prior=prior,
                               **{key: self.settings[key] for key in _LABELER})

    def _judge(self, context: RunContext, dataset: Dict[str, Any], threshold: float) -> Dict[str, Any]:
        """Write the report on the labels, `<folder>_report/`, and return their entries for the manifest."""
        from ...pseudo_labels.report import write_quality_report  # Matplotlib takes a while to import
        out, truth, student = context.folder(self.name), self.settings['truth'], self.student_config(context)
        before = [stage.name for stage in context.stages if stage.kind == self.kind and stage.round < self.round][-1:]
        sets = {name: context.folder(name) for name in (*before, self.name)}
        images, labeled = DATASETS.build(to_label(dataset)), DATASETS.build(student[truth]) if truth else None
        entry = write_quality_report(f'{out}_report', sets, images, labeled, self._source_share(context),
                                     threshold=threshold, groups=self._groups())['sets'][-1]
        result: Dict[str, Any] = dict(report=osp.join(f'{out}_report', 'report.html'))
        summary = f'{100 * entry["coverage"]:.1f} % of the pixels kept'
        if truth:
            result['quality'] = {key: entry['truth'][key] for key in ('mIoU_kept', 'mIoU_all', 'ece')}
            summary += f', mIoU {100 * result["quality"]["mIoU_kept"]:.1f} of these'
            if 'groups' in entry['truth']:
                groups = entry['truth']['groups']
                result['quality']['groups'] = {name: group['mIoU_all'] for name, group in groups.items()}
        if before:
            result['change'] = entry['change']
            summary += f', {100 * entry["change"]:.1f} % changed'
        return dict(result, summary=summary)

    def _groups(self) -> Optional[ImageGroups]:
        return ImageGroups(**self.settings['groups']) if self.settings['groups'] else None

    def _source_share(self, context: RunContext) -> Optional[Dict[str, float]]:
        """Return the share of each class in the entry `source_train` of the student's or the teacher's config."""
        for cfg in (self.student_config(context), context.config_of(self, 'teacher')):
            source = cfg.to_dict().get('source_train') or {}
            if (source.get('data_prefix') or {}).get('seg_map_path'):
                for key in ('translated_root', 'missing_translation'):  # the labels are those of the originals
                    source.pop(key, None)
                try:
                    return class_shares(DATASETS.build(source))
                except (OSError, ValueError) as error:  # the labels are complete: only the report lacks a column
                    print(f'The report has no class shares of source_train: {error}', flush=True)
        return None

    def ends_rounds(self, context: RunContext) -> str:
        """Return the reason to stop if the labels have hardly changed."""
        entry: Mapping[str, Any] = context.entries.get(self.name, {})
        change, minimum = entry.get('change'), self.settings['min_change']
        if change is None or change >= minimum:
            return ''
        return f'{100 * change:.2f} % of the kept pixels changed in {self.name}, less than min_change={minimum}'
