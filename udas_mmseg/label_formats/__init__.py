"""Labels in the formats of annotation tools: COCO files, predictions for CVAT, and rounds of active labelling."""
from .active_round import FORMATS, export_round, import_round, label_studio_steps
from .coco_file import CocoFile, CocoImage, read_coco
from .convert_coco import ConversionReport, convert_coco
from .round_answers import ImportReport
from .to_cvat import write_cvat

__all__ = [
    'FORMATS', 'CocoFile', 'CocoImage', 'ConversionReport', 'ImportReport', 'convert_coco', 'export_round',
    'import_round', 'label_studio_steps', 'read_coco', 'write_cvat'
]
