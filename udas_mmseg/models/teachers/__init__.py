"""Teachers: averages of weights, and labels from predictions."""
from .ema_teacher import EMATeacher
from .labeling import (
    ClassBalancedLabeling,
    LabelingPolicy,
    PixelWeightLabeling,
    SureShareLabeling,
    TeacherLabels,
    ThresholdLabeling,
)

__all__ = [
    'ClassBalancedLabeling', 'EMATeacher', 'LabelingPolicy', 'PixelWeightLabeling', 'SureShareLabeling',
    'TeacherLabels', 'ThresholdLabeling'
]
