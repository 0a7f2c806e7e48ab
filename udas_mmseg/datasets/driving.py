"""Driving data sets that MMSegmentation does not have, with the classes of Cityscapes.

For Cityscapes itself, use `mmseg.datasets.CityscapesDataset`. With `seg_map_suffix='_gtFine_labelIds.png'` and
`LoadLabelIds(label_map='cityscapes')` it reads the official files, which need not be converted.
"""
from typing import Any, List, Sequence

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .label_mapped import LabelMappedDataset

_ACDC_CONDITIONS = ('fog', 'night', 'rain', 'snow')
_ACDC_SPLITS = ('train', 'val')


@DATASETS.register_module()
class GTA5Dataset(LabelMappedDataset):
    """GTA5: images such as `images/00001.png`, labels such as `labels/00001.png`.

    The labels are palette images of Cityscapes label ids.

    Source: Richter et al., "Playing for Data", ECCV 2016.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'cityscapes', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)


@DATASETS.register_module()
class SYNTHIADataset(LabelMappedDataset):
    """SYNTHIA-RAND-CITYSCAPES: images such as `RGB/0000000.png`, labels such as `GT/LABELS/0000000.png`.

    The labels are 16-bit colour images with the id in the red channel. Only 16 of the 19 classes are scored (not
    terrain, truck and train); see `SubsetIoUMetric`.
    Source: Ros et al., "The SYNTHIA Dataset", CVPR 2016.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'synthia', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)


@DATASETS.register_module()
class KITTISegDataset(LabelMappedDataset):
    """KITTI semantics: images such as `image_2/000000_10.png`, labels such as `semantic/000000_10.png`.

    The labels are Cityscapes label ids.

    Source: Abu Alhaija et al., "Augmented Reality Meets Computer Vision", IJCV 2018.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'cityscapes', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)


@DATASETS.register_module()
class ACDCDataset(LabelMappedDataset):
    """ACDC: images such as `rgb_anon/fog/train/GOPR0475/*_rgb_anon.png`, labels such as `gt/fog/train/GOPR0475/*.png`.

    The folders are those of the downloaded files, with the condition above the split. The labels are train ids.

    Args:
        split (str): 'train' or 'val'.
        conditions (Sequence[str]): The conditions to use. Defaults to all: 'fog', 'night', 'rain', 'snow'.
        **kwargs: Arguments of `LabelMappedDataset`.

    Raises:
        ValueError: for another split or condition.

    Source: Sakaridis et al., "ACDC: The Adverse Conditions Dataset with Correspondences", ICCV 2021.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self,
                 split: str,
                 conditions: Sequence[str] = _ACDC_CONDITIONS,
                 img_suffix: str = '_rgb_anon.png',
                 seg_map_suffix: str = '_gt_labelTrainIds.png',
                 **kwargs: Any) -> None:
        if split not in _ACDC_SPLITS:
            raise ValueError(f'ACDCDataset: split={split!r}: allowed are {_ACDC_SPLITS}.')
        if not conditions or not set(conditions) <= set(_ACDC_CONDITIONS):
            raise ValueError(f'ACDCDataset: conditions={tuple(conditions)}: give one or more of {_ACDC_CONDITIONS}.')
        self.split, self.conditions = split, tuple(conditions)
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def _files_of(self, folder: str, suffix: str) -> List[str]:
        """Return the files of the conditions and the split."""
        chosen = [[condition, self.split] for condition in self.conditions]
        found = [path for path in super()._files_of(folder, suffix) if path.replace('\\', '/').split('/')[:2] in chosen]
        if not found:
            wanted = ', '.join('/'.join(parts) for parts in chosen)
            raise FileNotFoundError(f'{folder} has no files ending in {suffix!r} in {wanted}. Keep the folders of the '
                                    'downloaded files, <condition>/<split>/<sequence>/; see docs/datasets.md.')
        return found
