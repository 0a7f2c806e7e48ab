"""A segmentation data set whose label files contain raw ids."""
import os.path as osp
import pickle
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from ..utils.files import path_below, paths_below
from ..utils.processes import without_garbage_collection
from .hold_out import HoldOut
from .image_folders import count_kinds, describe_kinds, list_files, no_images, pairing_hint
from .label_colors import is_color_map, palette_map
from .label_files import check_label_channel
from .label_maps import BOTH_MAPPED, IGNORE, PALETTE, LabelMap, compose_label_maps, resolve_label_map
from .list_files import NO_LABELS, Listings, missing_files, read_list, refuse_missing
from .translated import MISSING_TRANSLATION, first_names, use_translations


@DATASETS.register_module()
class LabelMappedDataset(BaseSegDataset):
    """Images with labels of raw ids or colours, which `LoadLabelIds` maps to train ids when it reads a label.

    A custom data set needs only a config with folders, suffixes, classes and the label map, but no code.

    Args:
        label_map (str | dict, optional): `'cityscapes'`, `'synthia'`, or a dict raw id -> train id. Raw ids between
            0 and the largest id in the dict that are not in the dict become 255. For labels of colours, a dict
            (red, green, blue) -> train id, or `'palette'` for the colours of `metainfo.palette`. None if the files
            contain train ids. Defaults to None.
        img_suffix (str): Suffix of the image files. Defaults to '.png'.
        seg_map_suffix (str): Suffix of the label files. Defaults to '.png'.
        translated_root (str, optional): Folder that `tools/translate.py --out` wrote. Like `--out`, it is relative to
            the current folder, not to `data_root`. Translated images replace the originals; the labels and the list
            of images do not change. Defaults to None.
        missing_translation (str): How to treat an image without a translation. With 'original', the original is used,
            and the log has one warning with the number of such images; with 'error', a ValueError is raised. Defaults
            to 'original'.
        label_channel (str, optional): Channel of colour images that has the ids: 'red', 'green' or 'blue'. Defaults to
            None: only the colour images are read that are known to have ids, see `decode_label`.
        hold_out (dict, optional): Arguments of `HoldOut`: a few images, in blocks of neighbours, are left out, or with
            `part='held_out'` all others. Defaults to None: all images are used.
        **kwargs: Arguments of `mmseg.datasets.BaseSegDataset` (`data_root`, `data_prefix`, `ann_file`, `metainfo`,
            `pipeline`, ...). Leave `seg_map_path` out of `data_prefix` for an unlabelled data set.

    Raises:
        FileNotFoundError: if a folder or the list file is missing, or there are no images.
        ValueError: if an image has no label, a label has no image, or the map has a train id that is not a class; if
            a map is given together with `reduce_zero_label`, or a map of colours with `label_channel`; if
            `translated_root` has no translation of any image, has both a PNG and a JPEG of an image, or is given
            together with `backend_args`.

    Example:
        >>> camvid = dict(
        ...     type='LabelMappedDataset',
        ...     metainfo=dict(classes=('road', 'sidewalk', 'other')),
        ...     label_map={3: 0, 4: 1, 11: 255, 0: 2, 1: 2, 2: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 2},
        ...     data_root='data/camvid',
        ...     data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        ...     img_suffix='.jpg')
    """

    def __init__(self,
                 label_map: Optional[LabelMap] = None,
                 img_suffix: str = '.png',
                 seg_map_suffix: str = '.png',
                 translated_root: Optional[str] = None,
                 missing_translation: str = 'original',
                 label_channel: Optional[str] = None,
                 hold_out: Optional[dict] = None,
                 **kwargs: Any) -> None:
        if missing_translation not in MISSING_TRANSLATION:
            raise ValueError(f'missing_translation={missing_translation!r}: allowed are {MISSING_TRANSLATION}.')
        self._raw_label_map = self._resolve(label_map, kwargs.get('metainfo') or {})
        self._joint_map: Optional[Dict[Any, int]] = None
        check_label_channel(label_channel)
        if label_channel is not None and is_color_map(self._raw_label_map):
            raise ValueError(f'label_channel={label_channel!r} together with a `label_map` of colours: labels have '
                             'either ids in one channel, or colours. Remove one of the two.')
        if label_map is not None and kwargs.get('reduce_zero_label'):
            raise ValueError(BOTH_MAPPED)
        self.label_channel = label_channel
        self.hold_out = None if hold_out is None else HoldOut(**hold_out)
        self.translated_root = translated_root
        self.missing_translation = missing_translation
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def _resolve(cls, label_map: Optional[LabelMap], metainfo: Mapping[str, Any]) -> Optional[Dict[Any, int]]:
        if label_map is None:
            return None
        return palette_map(metainfo, cls.METAINFO) if label_map == PALETTE else resolve_label_map(label_map)

    def load_data_list(self) -> List[dict]:
        """List the samples, each image with its label, after checking that the files are there.

        Returns:
            list[dict]: MMSegmentation's data information, sorted by path unless a list file gives the order. A
                translated sample also has `original_img_path` and `is_translated=True`.
        """
        img_dir = self.data_prefix.get('img_path') or ''
        seg_dir = self.data_prefix.get('seg_map_path')
        is_local = self.backend_args is None  # in remote storage, missing files are found when they are read
        if is_local:
            check_folders([folder for folder in (img_dir, seg_dir) if folder is not None], self.ann_file)
        names = self._list_names(img_dir)
        data_list = self._data_infos(names, img_dir, seg_dir)
        if is_local:
            self._check_files(data_list, names, seg_dir)
        if self.hold_out is not None:
            chosen = set(self.hold_out.choose([info['img_path'] for info in data_list]))
            data_list = [info for info in data_list if info['img_path'] in chosen]
        if self.translated_root is not None:
            if not is_local:
                raise ValueError(f'translated_root={self.translated_root!r} and backend_args={self.backend_args}: '
                                 'translated images are read from local folders only. Remove `backend_args`.')
            use_translations(data_list, img_dir, self.translated_root, self.missing_translation)
        if self._raw_label_map is not None:
            self._joint_map = self._join_label_map(self._raw_label_map)
        if self.label_channel is not None:
            for info in data_list:
                info['label_channel'] = self.label_channel
        return data_list

    def full_init(self) -> None:
        """List the samples, as MMEngine does. It is faster without looking for garbage among a million new objects."""
        with without_garbage_collection():
            super().full_init()

    def _serialize_data(self) -> Tuple[np.ndarray, np.ndarray]:
        """Return what MMEngine's method does, byte for byte, without an array for each sample."""
        if not self.data_list:
            return super()._serialize_data()  # raises its error
        samples = [pickle.dumps(info, protocol=4) for info in self.data_list]
        self.data_list.clear()
        ends = np.cumsum([len(sample) for sample in samples], dtype=np.int64)
        return np.frombuffer(bytearray().join(samples), np.uint8), ends

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """Return the data information of a sample before loading it; all samples share the map of raw ids."""
        info = super().get_data_info(idx)
        if self._joint_map is not None:
            info.update(label_map=self._joint_map, maps_raw_ids=True)
        return info

    def _join_label_map(self, label_map: Dict[Any, int]) -> Dict[Any, int]:
        """Return the map of raw ids followed by a subset of classes (MMSegmentation's `label_map`)."""
        if self.label_map is not None:
            label_map = compose_label_maps(label_map, self.label_map)
        check_label_map(label_map, self.metainfo.get('classes', ()), type(self).__name__)
        return label_map

    def _list_names(self, img_dir: str) -> List[str]:
        """Return the names of the images: those of the list file in its order, else all of the folder, sorted.

        MMSegmentation's own method would take an empty line, or the copy of an image that Jupyter made, for an image.
        """
        if self.ann_file and not osp.isdir(self.ann_file):
            names = read_list(self.ann_file, self.backend_args)
            if not names:
                raise FileNotFoundError(f'the list {self.ann_file} has no images. As a list of labelled target images: '
                                        f'{NO_LABELS}')
            return names
        paths = sorted(self._files_of(img_dir, self.img_suffix))
        if not paths:
            raise FileNotFoundError(no_images(img_dir, self.img_suffix) if self.backend_args is None else
                                    f'{img_dir} has no images ending in {self.img_suffix!r}.')
        return [path[:len(path) - len(self.img_suffix)] for path in paths]

    def _files_of(self, folder: str, suffix: str) -> List[str]:
        """Return the files of the data set in a folder of images or labels, as paths below it."""
        return list_files(folder, suffix, self.backend_args)

    def _data_infos(self, names: Sequence[str], img_dir: str, seg_dir: Optional[str]) -> List[dict]:
        """Return the data information of images, as MMSegmentation's data sets have it."""
        label_map, reduces = self.label_map, self.reduce_zero_label
        images = paths_below(img_dir, names, self.img_suffix)
        if seg_dir is None:
            return [dict(img_path=image, label_map=label_map, reduce_zero_label=reduces, seg_fields=[])
                    for image in images]
        labels = paths_below(seg_dir, names, self.seg_map_suffix)
        return [dict(img_path=image, seg_map_path=label, label_map=label_map, reduce_zero_label=reduces, seg_fields=[])
                for image, label in zip(images, labels)]

    def _check_files(self, data_list: Sequence[dict], names: Sequence[str], seg_dir: Optional[str]) -> None:
        """Compare the data list with listings of the folders, which is much cheaper than testing each file."""
        listings: Listings = {}
        if self.ann_file:
            refuse_missing(self, [info['img_path'] for info in data_list], 'images', listings)
        if seg_dir is None:
            return
        labels = [info['seg_map_path'] for info in data_list]
        if self.ann_file:
            refuse_missing(self, labels, 'labels', listings)
        else:
            self._check_pairs(labels, names, seg_dir)

    def _check_pairs(self, labels: Sequence[str], names: Sequence[str], seg_dir: str) -> None:
        """Check that each image has a label, and each label an image."""
        img_dir = self.data_prefix.get('img_path') or ''
        missing = missing_files(labels)
        if missing:
            lost = set(missing)
            hint = pairing_hint([name for name, label in zip(names, labels) if label in lost], names, seg_dir,
                                self.seg_map_suffix)
            files = first_names([osp.relpath(path, seg_dir) for path in missing])
            raise ValueError(f'{len(missing)} of {len(labels)} labels are missing in {seg_dir}: {files}. {hint}Restore '
                             'them, check the suffixes, or list the samples to use in `ann_file`.')
        present = set(self._files_of(seg_dir, self.seg_map_suffix))
        extra = sorted(present - {path_below(label, seg_dir) for label in labels})
        if extra:
            there = describe_kinds(count_kinds(present))
            raise ValueError(f'{len(extra)} of {len(present)} labels in {seg_dir} have no image in {img_dir}: '
                             f'{first_names(extra)}. The folder has {there}. If these are several kinds of labels, set '
                             '`seg_map_suffix` to the suffix of one kind. Otherwise restore the images (an incomplete '
                             'copy?), or list the samples to use in `ann_file`.')


def check_label_map(label_map: Dict[Any, int], classes: Sequence[str], name: str) -> None:
    """Check that every train id of a map is a class.

    Raises:
        ValueError: listing the wrong train ids and the classes.
    """
    wrong = {raw: train for raw, train in label_map.items() if train != IGNORE and train >= len(classes)}
    if wrong:
        raise ValueError(f'label_map of {name} has train ids that are not a class: {wrong} (raw: train). There are '
                         f'{len(classes)} classes, {tuple(classes)}: allowed are 0-{len(classes) - 1}, and 255 to '
                         'ignore. Correct `label_map`, or `metainfo.classes`.')


def check_folders(folders: Sequence[str], ann_file: str = '') -> None:
    """Check that folders and a list file exist.

    Raises:
        FileNotFoundError: listing everything that is missing.
    """
    missing = [folder for folder in folders if not osp.isdir(folder)]
    if ann_file and not osp.exists(ann_file):
        missing.append(ann_file)
    if missing:
        raise FileNotFoundError(f'missing: {", ".join(missing)} (looked in {osp.abspath(osp.curdir)}). Check '
                                '`data_root`; see docs/datasets.md, or run `make demo` for generated data.')
