"""Driving data sets that MMSegmentation does not have, in Cityscapes' classes.

Cityscapes itself is `mmseg.datasets.CityscapesDataset`; with `seg_map_suffix='_gtFine_labelIds.png'` and
`LoadLabelIds(label_map='cityscapes')` it reads the official files without a conversion pass.
"""
from typing import Any

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .label_mapped import LabelMappedDataset


@DATASETS.register_module()
class GTA5Dataset(LabelMappedDataset):
    """GTA5: `images/00001.png` beside `labels/00001.png`, palette images of Cityscapes label ids.

    Source: Richter et al., "Playing for Data", ECCV 2016.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'cityscapes', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)


@DATASETS.register_module()
class SYNTHIADataset(LabelMappedDataset):
    """SYNTHIA-RAND-CITYSCAPES: `RGB/0000000.png` beside `GT/LABELS/0000000.png`, 16-bit colour, id in red.

    16 of the 19 classes have pixels that are scored (no terrain, truck, train); see `SubsetIoUMetric`.
    Source: Ros et al., "The SYNTHIA Dataset", CVPR 2016.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'synthia', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)


@DATASETS.register_module()
class KITTISegDataset(LabelMappedDataset):
    """KITTI semantics: `image_2/000000_10.png` beside `semantic/000000_10.png`, Cityscapes label ids.

    Source: Abu Alhaija et al., "Augmented Reality Meets Computer Vision", IJCV 2018.
    """
    METAINFO = CityscapesDataset.METAINFO

    def __init__(self, label_map: Any = 'cityscapes', **kwargs: Any) -> None:
        super().__init__(label_map=label_map, **kwargs)
