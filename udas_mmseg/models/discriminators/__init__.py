"""Discriminators, which predict the domain of a prediction map."""
from .fully_convolutional import FCDiscriminator
from .multi_level import MultiLevelDiscriminator
from .multi_scale import MultiScaleDiscriminator
from .residual_multi_scale import ResidualMultiScaleDiscriminator

__all__ = [
    'FCDiscriminator', 'MultiLevelDiscriminator', 'MultiScaleDiscriminator', 'ResidualMultiScaleDiscriminator'
]
