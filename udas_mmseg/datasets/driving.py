"""Driving data sets that MMSegmentation does not have, with the classes of Cityscapes.

For Cityscapes itself, use `mmseg.datasets.CityscapesDataset`. With `seg_map_suffix='_gtFine_labelIds.png'` and
`LoadLabelIds(label_map='cityscapes')` it reads the official files, which need not be converted.
"""
from typing import Any

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .label_mapped import LabelMappedDataset


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
