"""Several backward passes in one step of an optimizer."""
from mmengine.optim import OptimWrapper
from torch import Tensor


def backward_without_update(optim_wrapper: OptimWrapper, loss: Tensor) -> None:
    """Add a loss's gradients to those of a later `update_params` in the same step.

    Scaled as `update_params` does it, for mixed precision and for accumulation, where both are one step.

    Args:
        optim_wrapper (OptimWrapper): The wrapper.
        loss (Tensor): Scalar.
    """
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    optim_wrapper._inner_count -= 1  # MMEngine counts backwards, and takes each for a step
