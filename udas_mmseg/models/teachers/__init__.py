"""Teachers: how one follows its student, and how its predictions become labels."""
from .ema_teacher import EMATeacher
from .labeling import PixelWeightLabeling, SureShareLabeling, TeacherLabels, ThresholdLabeling

__all__ = ['EMATeacher', 'PixelWeightLabeling', 'SureShareLabeling', 'TeacherLabels', 'ThresholdLabeling']
