"""Losses of domain adaptation, as pure functions."""
from .entropy import entropy_loss, self_information
from .gan import OBJECTIVES, SOURCE, TARGET, discriminator_loss, gan_accuracy, gan_loss, gradient_penalty
from .two_heads import (
    classifier_discrepancy,
    memory_regularization,
    rectified_cross_entropy,
    symmetric_cross_entropy,
    symmetric_kl,
)

__all__ = [
    'OBJECTIVES', 'SOURCE', 'TARGET', 'classifier_discrepancy', 'discriminator_loss', 'entropy_loss', 'gan_accuracy',
    'gan_loss', 'gradient_penalty', 'memory_regularization', 'rectified_cross_entropy', 'self_information',
    'symmetric_cross_entropy', 'symmetric_kl'
]
