"""Consistency of the predictions for masked target images with the teacher's labels."""
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...utils.randomness import child_generator
from ..outputs import Outputs, losses_of_heads
from .context import TermContext
from .term import Term

MASKS = ('blocks', 'tokens')
_BLOCK_SIZE = 64  # as published


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
                         '(height x width). Masks would hide all of the image or nothing. Use a smaller block: the '
                         'public code has 32 for crops of 512 x 512, and 64 for 1024 x 1024.')
    rows, columns = -(-height // block_size), -(-width // block_size)
    blocks = torch.from_numpy(rng.random((count, rows, columns)) < ratio)
    masks = blocks.repeat_interleave(block_size, dim=1).repeat_interleave(block_size, dim=2)
    return masks[:, :height, :width]


@MODELS.register_module()
class MaskedConsistencyTerm(Term):
    """Cross-entropy between the predictions for masked images and the labels of a teacher that saw the whole images.

    After the strong augmentation of the method, random blocks of each image are replaced by the mean colour, or random
    tokens of a vision transformer by its mask token. The label and the weights of the pixels are those of the branch,
    and each head keeps its own `loss_decode`.

    Args:
        weight (float): Weight of the term. Defaults to 1.
        mask (str): 'blocks' of pixels, or 'tokens' before the first transformer block, which needs a backbone with
            `masking_tokens`, such as `TimmVisionTransformer`. Defaults to 'blocks'.
        block_size (int, optional): Side of a block in pixels, at least 1. Only for blocks. Defaults to 64.
        ratio (float): Probability with which a block or token is masked, in [0, 1]. Defaults to 0.7.
        begin (int): See `LossTerm`. Defaults to 0.
        ramp (int): See `LossTerm`. Defaults to 0.
        branch (str): A branch that a teacher labels. Defaults to 'target'.

    Raises:
        ValueError: if an argument is outside its range, or the backbone has no tokens; in training, if the branch has
            no labels or a block is larger than its images.

    Source: Hoyer et al., "MIC: Masked Image Consistency", CVPR 2023, section 3.2; tokens: Englert et al., "Exploring
    the Benefits of Vision Foundation Models for Unsupervised Domain Adaptation", CVPR Workshops 2024.
    """
    forwards_itself = True
    needs_softmax = True

    def __init__(self,
                 weight: float = 1.0,
                 mask: str = 'blocks',
                 block_size: Optional[int] = None,
                 ratio: float = 0.7,
                 begin: int = 0,
                 ramp: int = 0,
                 branch: str = 'target') -> None:
        super().__init__(weight, begin, ramp, branch)
        if mask not in MASKS:
            raise ValueError(f'MaskedConsistencyTerm: mask={mask!r}; allowed are {list(MASKS)}.')
        if mask == 'tokens' and block_size is not None:
            raise ValueError(f"MaskedConsistencyTerm: block_size={block_size} has no effect with mask='tokens': a "
                             'token has the size of a patch of the backbone. Leave block_size out.')
        if block_size is not None and block_size < 1:
            raise ValueError(f'MaskedConsistencyTerm: block_size={block_size}: it must be 1 or more.')
        if not 0 <= ratio <= 1:
            raise ValueError(f'MaskedConsistencyTerm: ratio={ratio}: it must be in [0, 1].')
        self.mask = mask
        self.block_size = _BLOCK_SIZE if block_size is None else block_size
        self.ratio = ratio
        self._backbone: List[Any] = []  # in a list, so that it is not a child

    def names(self, heads: Sequence[str]) -> List[str]:
        """One for each head."""
        return [f'{head}.loss_masked' for head in heads]

    def prepare(self, segmentor: nn.Module) -> None:
        """Check that the backbone has tokens that can be masked."""
        backbone = getattr(segmentor, 'backbone', None)
        if self.mask == 'tokens' and not hasattr(backbone, 'masking_tokens'):
            raise ValueError(f"MaskedConsistencyTerm: mask='tokens', but the backbone {type(backbone).__name__} has no "
                             "tokens that can be masked. Use mask='blocks', or a backbone with `masking_tokens`, such "
                             'as TimmVisionTransformer.')
        self._backbone = [backbone]

    def losses(self, context: TermContext) -> Dict[str, Tensor]:
        """Compute the loss of each head on masked images."""
        samples = context.branches[self.branch]['data_samples']
        if not all('gt_sem_seg' in sample for sample in samples):
            raise ValueError(f'MaskedConsistencyTerm: the branch {self.branch} has no labels. Use a method with a '
                             'teacher that labels it: OnlineSelfTrainingSegmentor, or StudentTeacherSegmentor with '
                             '`ema_teacher`.')
        images, rng = context.images(self.branch), child_generator()
        augmented = images if context.augment is None else context.augment(images)
        outputs = self._forward_masked(context, augmented, rng)
        weight = context.pixel_weights.get(self.branch)
        weight = torch.ones_like(images[:, 0]) if weight is None else weight
        of_heads = losses_of_heads(context.heads, outputs, samples, weight)
        return {f'{name}.loss_masked': _sum_of_losses(losses) for name, losses in of_heads.items()}

    def _forward_masked(self, context: TermContext, images: Tensor, rng: np.random.Generator) -> Outputs:
        """Compute the outputs for images (N, 3, H, W) of which blocks or tokens are masked."""
        if self.mask == 'blocks':
            masks = block_masks(len(images), tuple(images.shape[2:]), self.block_size, self.ratio, rng)
            # the mean colour of preprocessed images is 0
            return context.forward(images.masked_fill(masks[:, None].to(images.device), 0))
        backbone, = self._backbone
        if 'forward' in vars(backbone):
            # the backward pass would compute the backbone again without masks
            raise ValueError("MaskedConsistencyTerm: mask='tokens' does not work with the checkpointing of the whole "
                             'backbone. Remove it from `activation_checkpointing`, and set with_cp=True in the '
                             'backbone, which checkpoints its blocks.')
        with backbone.masking_tokens(lambda *shape: torch.from_numpy(rng.random(shape) < self.ratio)):
            return context.forward(images)


def _sum_of_losses(values: Dict[str, Tensor]) -> Tensor:
    """Add up the entries of a head that are losses, and not accuracies."""
    return torch.stack([value for name, value in values.items() if 'loss' in name]).sum()
