"""Images with labels that a trained model has predicted."""
import os.path as osp
from typing import Any, Dict, List, Optional, Union

import numpy as np
from mmengine.logging import MMLogger, print_log
from mmseg.registry import DATASETS

from ..utils.files import path_below
from ..utils.mirrored_folder import mirrored_paths
from .answered import add_answers, check_answer_classes
from .label_mapped import LabelMappedDataset
from .list_files import missing_files
from .metainfo import metainfo_of, refuse_other_labels
from .pseudo_label_set import (
    HOW_TO_MAKE,
    check_set_classes,
    confidence_path,
    most_reliable,
    read_set_index,
    set_histogram,
)
from .transforms.answers import ANSWERS_PATH
from .transforms.pseudo_label import HISTOGRAM_KEY
from .translated import first_names, original_path


@DATASETS.register_module()
class PseudoLabeledDataset(LabelMappedDataset):
    """Images with pseudo-labels from a folder that `tools/pseudo_label.py` or the self-training runner wrote.

    The label of `<img_path>/a/b.jpg` is `<pseudo_label_root>/a/b.png`; `LoadPseudoLabel` in the pipeline reads it with
    its confidence. Images that could not be labelled (`skipped` in the index) are left out, and the log has their
    number. No other label is ever opened. The folder and its index are read once, when the images are listed. If the
    set is replaced during a run, the names of its files must not change.

    Args:
        pseudo_label_root (str): Folder of the labels. Like `--out` of the tool, it is relative to the current folder,
            not to `data_root`.
        metainfo (dict | str, optional): `classes` and `palette`, or the name of a data set class that has them, such as
            'CityscapesDataset'.
        answers_root (str): Folder of a round of active labelling, whose labels `LoadPseudoLabel` lays over the
            pseudo-labels; see `AnsweredDataset`. Defaults to '', none.
        image_share (float): Share of the images to use, in (0, 1]: those with the highest scores (`image_scores` in the
            index), rounded up. Defaults to 1.0: all.
        **kwargs: Other arguments of `LabelMappedDataset`, except `label_map`; `data_prefix` without `seg_map_path`.

    Raises:
        FileNotFoundError: if a folder or the list file is missing, or there are no images.
        ValueError: if the folder is not a complete set, has other classes, has no label for an image, or has no scores
            although `image_share` is below 1; if `image_share` is outside (0, 1], `seg_map_path` or `label_map` is
            given, or every image was skipped.

    Example:
        >>> pseudo_labeled_train = dict(
        ...     type='PseudoLabeledDataset',
        ...     pseudo_label_root='work_dirs/pseudo_labels/gta2cs',
        ...     metainfo='CityscapesDataset',
        ...     data_root='data/cityscapes',
        ...     data_prefix=dict(img_path='leftImg8bit/train'),
        ...     img_suffix='_leftImg8bit.png',
        ...     pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadPseudoLabel', threshold=0.6), ...])
    """

    def __init__(self,
                 pseudo_label_root: str = '',
                 metainfo: Union[dict, str, None] = None,
                 answers_root: str = '',
                 image_share: float = 1.0,
                 **kwargs: Any) -> None:
        if not 0 < image_share <= 1:
            raise ValueError(f'PseudoLabeledDataset: image_share={image_share}. Allowed are shares above 0, up to 1 '
                             '(all images).')
        if not pseudo_label_root:
            raise ValueError('PseudoLabeledDataset has no pseudo_label_root. Set it to the folder of the labels, which '
                             'tools/pseudo_label.py --out wrote. Only a run of self-training fills it in.')
        refuse_other_labels('PseudoLabeledDataset', 'pseudo_label_root', pseudo_label_root, kwargs)
        self.pseudo_label_root, self.answers_root, self.image_share = pseudo_label_root, answers_root, image_share
        self._histogram: Optional[np.ndarray] = None
        super().__init__(metainfo=metainfo_of(metainfo, type(self).__name__), **kwargs)

    def load_data_list(self) -> List[dict]:
        """List the images that have a pseudo-label; see the class.

        Returns:
            list[dict]: MMSegmentation's data information, with the pseudo-label as `seg_map_path`.
        """
        data_list = super().load_data_list()
        index = read_set_index(self.pseudo_label_root)
        check_set_classes(index, tuple(self.metainfo.get('classes') or ()), self.pseudo_label_root, type(self).__name__)
        img_dir = self.data_prefix.get('img_path') or ''
        images = [original_path(info) for info in data_list]
        for info, label in zip(data_list, mirrored_paths(images, img_dir, self.pseudo_label_root)):
            info['seg_map_path'] = label
        labeled = self._without_skipped(data_list, index)
        self._check_labels(labeled)
        self._histogram = set_histogram(index)
        if self.image_share < 1:
            labeled = self._most_reliable(labeled, index)
        if self.answers_root:
            check_answer_classes(self.answers_root, tuple(self.metainfo.get('classes') or ()), type(self).__name__)
            add_answers(labeled, self.answers_root, img_dir, ANSWERS_PATH)
        return labeled

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """Return the data information of a sample before loading it; all samples share the histogram of the set."""
        info = super().get_data_info(idx)
        if self._histogram is not None:
            info[HISTOGRAM_KEY] = self._histogram
        return info

    def _without_skipped(self, data_list: List[dict], index: Dict[str, Any]) -> List[dict]:
        skipped = {osp.join(self.pseudo_label_root, osp.splitext(name)[0] + '.png') for name in
                   index.get('skipped') or ()}
        kept = [info for info in data_list if info['seg_map_path'] not in skipped]
        if len(kept) < len(data_list):
            names = first_names([osp.relpath(info['seg_map_path'], self.pseudo_label_root) for info in data_list
                                 if info['seg_map_path'] in skipped])
            text = (f'{len(data_list) - len(kept):,} of {len(data_list):,} images could not be labelled, as index.json '
                    f'of {self.pseudo_label_root} says, and are left out: {names}')
            if not kept:
                raise ValueError(f'{text}. No image is left: restore the images, and label them again.')
            MMLogger.get_current_instance().warning(f'{text}.')
        return kept

    def _most_reliable(self, data_list: List[dict], index: Dict[str, Any]) -> List[dict]:
        """Return the images with the highest scores, in their order."""
        labels = [path_below(info['seg_map_path'], self.pseudo_label_root) for info in data_list]
        chosen = most_reliable(labels, index, self.image_share, self.pseudo_label_root)
        print_log(f'{self.pseudo_label_root}: the {len(chosen):,} of {len(labels):,} images with the highest scores '
                  f'are used (image_share={self.image_share}).', 'current')
        return [info for info, label in zip(data_list, labels) if label in chosen]

    def _check_labels(self, data_list: List[dict]) -> None:
        labels = [info['seg_map_path'] for info in data_list]
        missing = missing_files([*labels, *map(confidence_path, labels)])
        if missing:
            names = first_names([osp.relpath(path, self.pseudo_label_root) for path in missing])
            raise ValueError(f'{len(missing):,} of the {2 * len(labels):,} files (label and confidence) for '
                             f'{len(labels):,} images are missing in {self.pseudo_label_root}: {names}. Was the set '
                             f'made from other images? Label these with {HOW_TO_MAKE} {self.pseudo_label_root} '
                             '--overwrite`, or list the images to use in `ann_file`.')
