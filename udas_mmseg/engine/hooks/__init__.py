"""Hooks."""
from .channels_last_hook import ChannelsLastHook
from .check_class_ids_hook import CheckClassIdsHook
from .check_finite_loss_hook import CheckFiniteLossHook
from .domain_panel_hook import DomainPanelHook
from .ema_teacher_hook import EMATeacherHook
from .fast_conv_hook import FastConvHook
from .kept_share_hook import KeptShareHook
from .max_confidence_pseudo_label_hook import MaxConfidencePseudoLabelHook
from .progress_line_hook import ProgressLineHook
from .segmentor_weights_hook import SegmentorWeightsHook
from .target_norm_statistics_hook import TargetNormStatisticsHook
from .teacher_collapse_hook import TeacherCollapseHook
from .watch_hook import WatchHook

__all__ = [
    'ChannelsLastHook', 'CheckClassIdsHook', 'CheckFiniteLossHook', 'DomainPanelHook', 'EMATeacherHook',
    'FastConvHook', 'KeptShareHook', 'MaxConfidencePseudoLabelHook', 'ProgressLineHook', 'SegmentorWeightsHook',
    'TargetNormStatisticsHook', 'TeacherCollapseHook', 'WatchHook'
]
