"""Several backward passes in one optimizer step."""
from mmengine.optim import OptimWrapper
from torch import Tensor


def backward_without_update(optim_wrapper: OptimWrapper, loss: Tensor) -> None:
    """Add the gradients of a loss to those of a later `update_params` in the same step.

    The loss is scaled as in `update_params`, for mixed precision and gradient accumulation; both calls count as one
    step.

    Args:
        optim_wrapper (OptimWrapper): The optimizer wrapper.
        loss (Tensor): Scalar.
    """
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    optim_wrapper._inner_count -= 1  # MMEngine counts backward passes, and takes each one for a step


def update_after_backward(optim_wrapper: OptimWrapper) -> None:
    """Finish a step whose gradients were all added by `backward_without_update`, like the rest of `update_params`.

    Args:
        optim_wrapper (OptimWrapper): The optimizer wrapper. With gradient accumulation, it is updated in the last of
            `accumulative_counts` steps.
    """
    optim_wrapper._inner_count += 1
    if optim_wrapper.should_update():
        optim_wrapper.step()
        optim_wrapper.zero_grad()
