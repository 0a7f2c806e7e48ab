"""What the stages do that are no training."""
import os.path as osp
from typing import Any, Dict, Optional

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from ..export.export_segmentor import export_segmentor
from ..models.trained import build_original, load_checkpoint
from ..pseudo_labels.label import LabelingOptions, write_pseudo_labels
from ..pseudo_labels.quality import check_pseudo_labels, markdown_coverage, overall_coverage
from ..utils.digests import file_digest
from ..utils.mirrored_folder import INDEX
from ..utils.processes import together
from ..visualization import save_picture
from ..visualization.prediction_panel import draw_predictions
from .stage_config import pseudo_label_threshold, pseudo_labeled_dataset, to_label
from .stages import Stage

_LABELER = ('views', 'temperature', 'batch_size', 'workers', 'max_broken')


def translate_images(stage: Stage, cfg: Config, checkpoint: str, out: str) -> Dict[str, Any]:
    """Translate the source's images; see `write_translations`."""
    from ..translation.translate import write_translations  # MMagic is needed for this alone
    size = stage.settings['size']
    write_translations(cfg, checkpoint, out, size=tuple(size) if size else None, name=stage.config)
    if not is_main_process():  # which finishes the set, and takes the notes
        return {}
    return dict(index_sha256=file_digest(osp.join(out, INDEX)), inputs={'translator': file_digest(checkpoint)})


def label_images(stage: Stage, teacher: Config, checkpoint: str, student: Config, out: str,
                 before: Optional[str], seed: int) -> Dict[str, Any]:
    """Label the images that a student's config reads pseudo-labels of, and judge the labels.

    Args:
        stage (Stage): A stage of kind 'label'.
        teacher (Config): Config of the model that labels.
        checkpoint (str): Its weights.
        student (Config): Config of the student.
        out (str): Folder of the labels.
        before (str, optional): Folder of the labels of the round before.
        seed (int): Of the views. The same in every round, so that only the teacher changes the labels.

    Returns:
        dict: For the manifest; `change` is the share of kept pixels that changed since the round before.

    Raises:
        CollapsedPseudoLabels: if a student could not learn from them.
    """
    settings, dataset = stage.settings, pseudo_labeled_dataset(student)
    threshold = pseudo_label_threshold(dataset)
    options = LabelingOptions(augment=settings['augment'] or None, seed=seed,
                              **{key: settings[key] for key in _LABELER})
    index = write_pseudo_labels(teacher, checkpoint, out, options, dataset=to_label(dataset))
    together(lambda: check_pseudo_labels(index, threshold, settings['min_coverage'], settings['max_class_share']))
    result: Dict[str, Any] = dict(inputs={'teacher': index['teacher']['sha256']},
                                  index_sha256=file_digest(osp.join(out, INDEX)), threshold=threshold,
                                  coverage=overall_coverage(index, threshold))
    if is_main_process():
        print(markdown_coverage(index, threshold), flush=True)
    result.update(together(lambda: _judge(stage, student, dataset, out, before, threshold)
                           if is_main_process() else {}))
    return result


def _judge(stage: Stage, student: Config, dataset: Dict[str, Any], out: str, before: Optional[str],
           threshold: float) -> Dict[str, Any]:
    """Write the report on a set of labels, `<out>_report/`; what the manifest says of it."""
    from ..pseudo_labels.report import write_quality_report  # Matplotlib takes a while to import
    truth = stage.settings['truth']
    sets = {osp.basename(folder): folder for folder in (before, out) if folder}
    images, labeled = DATASETS.build(to_label(dataset)), DATASETS.build(student[truth]) if truth else None
    entry = write_quality_report(f'{out}_report', sets, images, labeled, threshold=threshold)['sets'][-1]
    result: Dict[str, Any] = dict(report=osp.join(f'{out}_report', 'report.html'))
    summary = f'{100 * entry["coverage"]:.1f} % of the pixels kept'
    if truth:
        result['quality'] = {key: entry['truth'][key] for key in ('mIoU_kept', 'mIoU_all', 'ece')}
        summary += f', mIoU {100 * result["quality"]["mIoU_kept"]:.1f} of these'
    if before is not None:
        result['change'] = entry['change']
        summary += f', {100 * entry["change"]:.1f} % changed'
    return dict(result, summary=summary)


def export_student(cfg: Config, checkpoint: str, out: str, name: str, num_images: int) -> Dict[str, Any]:
    """Export a student for MMSegmentation alone, and draw what it predicts on validation images.

    Args:
        cfg (Config): The student's.
        checkpoint (str): Its weights.
        out (str): Folder for both.
        name (str): Name of the exported files.
        num_images (int): Rows of the picture.
    """
    exported = export_segmentor(cfg, checkpoint, out, name)
    result = dict(exported_config=str(exported.config), checkpoint=str(exported.checkpoint),
                  sha256=file_digest(str(exported.checkpoint)), inputs={'student': file_digest(checkpoint)},
                  summary=f'{exported.config}, {exported.checkpoint}')
    if cfg.get('val_dataloader'):
        content = load_checkpoint(checkpoint)
        model = build_original(cfg, content.get('state_dict', content))
        with torch.inference_mode():
            picture = draw_predictions({'validation': DATASETS.build(cfg.val_dataloader.dataset)}, {name: model},
                                       num_images)
        save_picture(osp.join(out, 'predictions.png'), picture)
    return result
