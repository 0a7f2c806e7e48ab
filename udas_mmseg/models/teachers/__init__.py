"""Teachers: averages of weights, and labels from predictions."""
from .ema_teacher import EMATeacher
from .labeling import PixelWeightLabeling, SureShareLabeling, TeacherLabels, ThresholdLabeling

__all__ = ['EMATeacher', 'PixelWeightLabeling', 'SureShareLabeling', 'TeacherLabels', 'ThresholdLabeling']
