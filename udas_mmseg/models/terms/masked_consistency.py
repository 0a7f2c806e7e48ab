"""Consistency of the predictions for masked target images with the teacher's labels."""
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import Tensor

from ...utils.randomness import child_generator
from ..outputs import losses_of_heads
from .context import TermContext
from .term import Term


def block_masks(count: int, size: Tuple[int, int], block_size: int, ratio: float, rng: np.random.Generator) -> Tensor:
    """Draw the blocks of each image that are masked.

    Args:
        count (int): N, the number of images.
        size (tuple[int, int]): (height, width). Blocks at the right and lower border may be incomplete.
        block_size (int): Side of a block in pixels, at least 1.
        ratio (float): Probability in [0, 1] with which each block is masked.
        rng (np.random.Generator): Random generator that draws the blocks, image by image.

    Returns:
        Tensor: (N, H, W) bool on the CPU, True for masked pixels.

    Raises:
        ValueError: if a block is larger than the image.

    Source: Hoyer et al., "MIC: Masked Image Consistency", CVPR 2023, section 3.2.
    """
    height, width = size
    if block_size > min(size):
        raise ValueError(f'MaskedConsistencyTerm: block_size={block_size} is larger than the image, {height} x {width} '
                         '(height x width). Masks would hide all of the image or nothing. Use a smaller block: 64 was '
                         'published for crops of 512 x 512 and 1024 x 1024.')
    rows, columns = -(-height // block_size), -(-width // block_size)
    blocks = torch.from_numpy(rng.random((count, rows, columns)) < ratio)
    masks = blocks.repeat_interleave(block_size, dim=1).repeat_interleave(block_size, dim=2)
    return masks[:, :height, :width]


@MODELS.register_module()
class MaskedConsistencyTerm(Term):
    """Cross-entropy between the predictions for masked images and the labels of a teacher that saw the whole images.

    Random blocks of each image, after the strong augmentation of the method, are replaced by the mean colour. The
    label and the weights of the pixels are those of the branch, and each head keeps its own `loss_decode`.

    Args:
        weight (float): Weight of the term. Defaults to 1.
        block_size (int): Side of a block in pixels, at least 1. Defaults to 64.
        ratio (float): Probability with which a block is masked, in [0, 1]. Defaults to 0.7.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A branch that a teacher labels. Defaults to 'target'.

    Raises:
        ValueError: if an argument is outside its range; in training, if the branch has no labels or a block is larger
            than its images.

    Source: Hoyer et al., "MIC: Masked Image Consistency", CVPR 2023, section 3.2.
    """
    forwards_itself = True
    needs_softmax = True

    def __init__(self,
                 weight: float = 1.0,
                 block_size: int = 64,
                 ratio: float = 0.7,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'target') -> None:
        super().__init__(weight, begin, ramp, branch)
        if block_size < 1:
            raise ValueError(f'MaskedConsistencyTerm: block_size={block_size}: it must be 1 or more.')
        if not 0 <= ratio <= 1:
            raise ValueError(f'MaskedConsistencyTerm: ratio={ratio}: it must be in [0, 1].')
        self.block_size = block_size
        self.ratio = ratio

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_masked' for head in heads]

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the loss of each head on masked images."""
        samples = context.branches[self.branch]['data_samples']
        if not all('gt_sem_seg' in sample for sample in samples):
            raise ValueError(f'MaskedConsistencyTerm: the branch {self.branch} has no labels. Use a method with a '
                             'teacher that labels it: OnlineSelfTrainingSegmentor, or StudentTeacherSegmentor with '
                             '`ema_teacher`.')
        images = context.images(self.branch)
        masks = block_masks(len(images), tuple(images.shape[2:]), self.block_size, self.ratio, child_generator())
        augmented = images if context.augment is None else context.augment(images)
        # the mean colour of preprocessed images is 0
        outputs = context.forward(augmented.masked_fill(masks[:, None].to(images.device), 0))
        weight = context.pixel_weights.get(self.branch)
        weight = torch.ones_like(images[:, 0]) if weight is None else weight
        of_heads = losses_of_heads(context.heads, outputs, samples, weight)
        return {f'{name}.loss_masked': _sum_of_losses(losses) for name, losses in of_heads.items()}


def _sum_of_losses(values: Dict[str, Tensor]) -> Tensor:
    """Add up the entries of a head that are losses, and not accuracies."""
    return torch.stack([value for name, value in values.items() if 'loss' in name]).sum()
