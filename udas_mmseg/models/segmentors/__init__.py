"""Segmentors; each file has one family of methods."""
from .adversarial import AdversarialSegmentor
from .branch_segmentor import BranchSegmentor
from .classifier_mean import ClassifierMean
from .cross_pseudo import CrossPseudoSupervision
from .hrda import HRDAEncoderDecoder
from .multi_level import MultiLevelEncoderDecoder
from .online_self_training import OnlineSelfTrainingSegmentor
from .pixel_selector import PixelSelector
from .rectified import RectifiedEncoderDecoder
from .segmentor_mean import SegmentorMean
from .semi_supervised import SemiSupervisedSegmentor
from .student_teacher import StudentTeacherSegmentor

__all__ = [
    'AdversarialSegmentor', 'BranchSegmentor', 'ClassifierMean', 'CrossPseudoSupervision', 'HRDAEncoderDecoder',
    'MultiLevelEncoderDecoder', 'OnlineSelfTrainingSegmentor', 'PixelSelector', 'RectifiedEncoderDecoder',
    'SegmentorMean', 'SemiSupervisedSegmentor', 'StudentTeacherSegmentor'
]
