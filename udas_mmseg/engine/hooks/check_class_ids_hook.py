"""A hook that names labels with ids outside the classes in validation and testing."""
from typing import Any, Optional, Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample

from ...datasets.class_ids import check_class_ids


@HOOKS.register_module()
class CheckClassIdsHook(Hook):
    """Stop a validation or test at a label with an id that is not a class, whatever the metric is.

    MMSegmentation's `IoUMetric` leaves the pixels of such ids out, so that only the IoU would change. `build_runner`
    adds this hook to every run.

    Raises:
        ClassIdError: see `check_class_ids`; the message names the file.
    """

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Any = None,
                       outputs: Optional[Sequence[Any]] = None) -> None:
        """Check the labels of a validation batch."""
        _check(runner.val_loop.dataloader.dataset, outputs or ())

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: Any = None,
                        outputs: Optional[Sequence[Any]] = None) -> None:
        """Check the labels of a test batch."""
        _check(runner.test_loop.dataloader.dataset, outputs or ())


def _check(dataset: Any, outputs: Sequence[Any]) -> None:
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    for sample in outputs if classes else ():
        if isinstance(sample, SegDataSample) and 'gt_sem_seg' in sample:
            path = sample.get('seg_map_path') or sample.get('img_path') or 'a label'
            check_class_ids(sample.gt_sem_seg.data, len(classes), path)
