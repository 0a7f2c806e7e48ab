"""Teachers: averages of weights, and labels from predictions."""
from .ema_teacher import EMATeacher
from .labeling import LabelingPolicy, PixelWeightLabeling, SureShareLabeling, TeacherLabels, ThresholdLabeling

__all__ = [
    'EMATeacher', 'LabelingPolicy', 'PixelWeightLabeling', 'SureShareLabeling', 'TeacherLabels', 'ThresholdLabeling'
]
