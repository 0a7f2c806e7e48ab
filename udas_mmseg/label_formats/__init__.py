"""Labels in the formats of annotation tools: COCO JSON to label images, and predictions to CVAT."""
from .coco_file import CocoFile, CocoImage, read_coco
from .convert_coco import ConversionReport, convert_coco
from .to_cvat import write_cvat

__all__ = ['CocoFile', 'CocoImage', 'ConversionReport', 'convert_coco', 'read_coco', 'write_cvat']
