"""Data parallelism with a backward pass for each branch."""
from typing import Any, Dict

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor


@MODEL_WRAPPERS.register_module()
class BranchDistributedDataParallel(MMDistributedDataParallel):
    """MMEngine's `MMDistributedDataParallel` for `OnlineLabelingSegmentor`, with less memory.

    The step is that of the model in one process: the gradients of a branch are computed before the next one is
    forwarded. Gradients are exchanged once, in the last backward pass. Arguments are those of
    `MMDistributedDataParallel`, which computes the same gradients at the end of the step.

    Raises:
        TypeError: if the model does not train by branches.

    Example:
        >>> model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
    """

    def __init__(self, module: Any, *args: Any, **kwargs: Any) -> None:
        if not getattr(module, 'trains_by_branch', False):
            raise TypeError(f'BranchDistributedDataParallel: a {type(module).__name__} does not train by branches. Use '
                            'OnlineSelfTrainingSegmentor or SemiSupervisedSegmentor, or remove model_wrapper_cfg from '
                            'the config.')
        super().__init__(module, *args, **kwargs)

    def train_step(self, data: Dict[str, dict], optim_wrapper: OptimWrapper) -> Dict[str, Tensor]:
        """Train the model for one step."""
        return self.module.train_step(data, optim_wrapper, self)
