"""Segmentors; each file has one family of methods."""
from .adversarial import AdversarialSegmentor
from .branch_segmentor import BranchSegmentor
from .multi_level import MultiLevelEncoderDecoder
from .online_self_training import OnlineSelfTrainingSegmentor
from .rectified import RectifiedEncoderDecoder
from .semi_supervised import SemiSupervisedSegmentor
from .student_teacher import StudentTeacherSegmentor

__all__ = [
    'AdversarialSegmentor', 'BranchSegmentor', 'MultiLevelEncoderDecoder', 'OnlineSelfTrainingSegmentor',
    'RectifiedEncoderDecoder', 'SemiSupervisedSegmentor', 'StudentTeacherSegmentor'
]
