# UniMatch V2, 2024, without its network: a slow teacher in eval mode labels, and each channel is dropped in one of the
# two strong views.
_base_ = './unimatch.py'
method = dict(
    feature_dropout='complementary', teacher_norm='eval', ema_teacher=dict(momentum=0.996))
