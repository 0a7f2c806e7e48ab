"""Vision transformers of timm as backbones: DINOv2, DINOv3, EVA-02 and others."""
import contextlib
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .timm_weights import build_vit, load_weights

MaskDrawing = Callable[[int, int, int], Tensor]  # (N, rows, columns) -> (N, rows, columns) bool


@MODELS.register_module()
class TimmVisionTransformer(BaseModule):
    """A vision transformer of timm whose outputs are feature maps: DINOv2, DINOv3, EVA-02, or another one.

    Images may have any size. If a side is not a multiple of the patch, the image is enlarged bilinearly to the next
    multiple, so that the feature map still covers exactly the image. Absolute position embeddings are interpolated to
    the size of the feature map. Only `VisionTransformer` and `Eva` of timm are supported.

    Args:
        model (str): Name of timm, such as 'vit_base_patch14_dinov2.lvd142m', 'vit_base_patch16_dinov3.lvd1689m' or
            'eva02_base_patch14_224.mim_in22k'.
        out_indices (Sequence[int]): Increasing numbers of the blocks whose outputs are returned; negative numbers count
            from the last block. Blocks after the last of them are left out. Defaults to (-1, ).
        drop_path_rate (float): Stochastic depth of the last block, in [0, 1). Defaults to 0.
        final_norm (bool): Whether the norm of the last block is applied to each output. Defaults to True.
        output_cls_token (bool): Whether each output is the list of feature map and class token, as `DPTHead` of
            MMSegmentation needs it. Defaults to False.
        mask_token (bool): Whether masked tokens are replaced by a learned vector, which only `masking_tokens` trains;
            otherwise by 0. Defaults to False.
        with_cp (bool): Whether activations of blocks are computed again in the backward pass, which needs less memory
            and more time. Defaults to False.
        model_kwargs (dict, optional): Further arguments of the model in timm, such as `img_size`, or `depth` and
            `embed_dim` of networks that are trained from scratch.
        init_cfg (dict, optional): `dict(type='Pretrained', checkpoint=...)` with a local file, a URL, or
            'timm://NAME' for the weights that timm downloads. Defaults to None, timm's random weights.

    Raises:
        ModuleNotFoundError: if timm is not installed.
        ValueError: if timm has no such vision transformer, an argument is outside its range, or weights do not fit.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; weights of Oquab et al., "DINOv2", TMLR
    2024, and others.
    """

    def __init__(self,
                 model: str,
                 out_indices: Sequence[int] = (-1, ),
                 drop_path_rate: float = 0.0,
                 final_norm: bool = True,
                 output_cls_token: bool = False,
                 mask_token: bool = False,
                 with_cp: bool = False,
                 model_kwargs: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        if not 0 <= drop_path_rate < 1:
            raise ValueError(f'TimmVisionTransformer: drop_path_rate={drop_path_rate}: it must be in [0, 1).')
        self.vit = build_vit(model, drop_path_rate, model_kwargs or {})
        self._depth = len(self.vit.blocks)
        self.out_indices = _block_numbers(out_indices, self._depth)
        self.vit.prune_intermediate_layers(list(self.out_indices), prune_norm=not final_norm)
        self.vit.set_grad_checkpointing(with_cp)
        if output_cls_token and getattr(self.vit, 'cls_token', None) is None:
            raise ValueError(f'TimmVisionTransformer: model={model!r} has no class token. Set output_cls_token=False, '
                             'or use another model.')
        self.embed_dims: int = self.vit.embed_dim
        self.patch_size: Tuple[int, int] = tuple(self.vit.patch_embed.patch_size)
        self.num_layers = len(self.vit.blocks)
        self.final_norm = final_norm
        self.output_cls_token = output_cls_token
        self.mask_token = nn.Parameter(torch.zeros(1, self.embed_dims)) if mask_token else None

    def init_weights(self) -> None:
        """Load the pretrained weights of `init_cfg`; without it, the weights stay those that timm has drawn."""
        cfg: Dict[str, Any] = dict(self.init_cfg or {})
        if not cfg:
            return
        if cfg.pop('type', None) != 'Pretrained' or set(cfg) != {'checkpoint'}:
            raise ValueError(f'TimmVisionTransformer: init_cfg={self.init_cfg}: allowed is None, or '
                             'dict(type="Pretrained", checkpoint=...) with a file, a URL or "timm://NAME".')
        others = load_weights(self.vit, cfg['checkpoint'], self._depth)
        if self.mask_token is not None and 'mask_token' in others:
            self.mask_token.data.copy_(others['mask_token'].view_as(self.mask_token))

    def forward(self, images: Tensor) -> Tuple[Union[Tensor, Sequence[Tensor]], ...]:
        """Compute feature maps.

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.

        Returns:
            tuple[Tensor]: (N, C, ceil(H / patch), ceil(W / patch)) for each of `out_indices`; with
                `output_cls_token`, lists of this and the class token (N, C).
        """
        outputs = self.vit.forward_intermediates(
            self._of_whole_patches(images), indices=list(self.out_indices), norm=self.final_norm,
            return_prefix_tokens=self.output_cls_token, intermediates_only=True)  # yapf: disable
        if self.output_cls_token:
            return tuple([features, prefix[:, 0]] for features, prefix in outputs)
        return tuple(outputs)

    def _of_whole_patches(self, images: Tensor) -> Tensor:
        """Enlarge images to the next multiple of the patch."""
        size = [-(-side // patch) * patch for side, patch in zip(images.shape[2:], self.patch_size)]
        if size == list(images.shape[2:]):
            return images
        return F.interpolate(images, size, mode='bilinear', align_corners=False)

    @contextlib.contextmanager
    def masking_tokens(self, draw: MaskDrawing) -> Iterator[None]:
        """Replace the embeddings of some patches in all forward passes of the `with` block.

        Positions are added afterwards, so that masked tokens keep theirs.

        Args:
            draw (Callable): Gets the number of images, rows and columns of patches of each forward pass, and returns
                the (N, rows, columns) bool mask, True for tokens that are replaced.
        """
        def mask(module: nn.Module, inputs: Tuple[Tensor, ...], embedded: Tensor) -> Tensor:
            masked = draw(*embedded.shape[:3]).to(embedded.device)[..., None]  # embedded: (N, rows, columns, C)
            if self.mask_token is None:
                return embedded.masked_fill(masked, 0)
            return torch.where(masked, self.mask_token.to(embedded.dtype), embedded)

        hook = self.vit.patch_embed.register_forward_hook(mask)
        try:
            yield
        finally:
            hook.remove()

    def layer_of(self, name: str) -> int:
        """Return the depth of a parameter, for layer-wise learning rates.

        Args:
            name (str): Its name in this backbone.

        Returns:
            int: 0 for the embeddings of patches and positions, and for tokens; i + 1 for block i; the number of blocks
                + 1 for the last norm.
        """
        parts = name.split('.')
        if parts[:2] == ['vit', 'blocks']:
            return int(parts[2]) + 1
        return self.num_layers + 1 if parts[:2] == ['vit', 'norm'] else 0


def _block_numbers(out_indices: Sequence[int], num_blocks: int) -> Tuple[int, ...]:
    """Return the numbers of blocks from 0; negative numbers count from the last one."""
    numbers = tuple(index + num_blocks if index < 0 else index for index in out_indices)
    if not numbers or list(numbers) != sorted(set(numbers)) or numbers[0] < 0 or numbers[-1] >= num_blocks:
        raise ValueError(f'TimmVisionTransformer: out_indices={tuple(out_indices)}: give increasing numbers of blocks; '
                         f'the network has {num_blocks}, 0 to {num_blocks - 1}, or -{num_blocks} to -1.')
    return numbers
